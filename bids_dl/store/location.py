"""A folder of objects behind any fsspec URL."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

import fsspec
from fsspec.implementations.local import LocalFileSystem

from bids_dl.errors import StoreError
from bids_dl.store.bucket import Bucket, connect
from bids_dl.store.retry import has_expired, may_pass, patiently, reason

T = TypeVar("T")

PROBE = "writable.probe"
CONNECTIONS = 64  # at once to a bucket, so that latency hides; botocore's own choice is 10
QUIET = 30.0  # s without a byte after which a web server has stopped answering; S3 clients have a limit of their own
PART_BYTES = 16 * 2**20  # of an upload to S3: what one lost connection costs


@dataclass(frozen=True)
class Location:
    """A folder of objects: a path, or an fsspec URL with the options of its file system.

    An object is there whole or not at all: on disk by renaming, elsewhere because a put is atomic. What fails in passing at a server is
    tried again, later each time.
    """

    url: str
    storage_options: Mapping[str, Any] = field(default_factory=dict, repr=False)  # may hold credentials

    @cached_property
    def _root(self) -> tuple[fsspec.AbstractFileSystem, str]:
        try:
            filesystem, path = fsspec.core.url_to_fs(self.url, **_options(self.url, self.storage_options))
        except (ImportError, ValueError) as problem:
            raise StoreError(f"{self.url}: {problem}") from None
        return filesystem, str(path).rstrip("/")

    @property
    def filesystem(self) -> fsspec.AbstractFileSystem:
        return self._root[0]

    @property
    def is_local(self) -> bool:
        return isinstance(self.filesystem, LocalFileSystem)

    @cached_property
    def bucket(self) -> Bucket | None:
        """A faster way to ranges of its objects, where there is one."""
        return connect(self.filesystem, self._root[1], self.storage_options)

    @property
    def is_web(self) -> bool:
        """Whether it can be read only, and what there is cannot be listed."""
        return _is_web(self.url)

    @property
    def _is_s3(self) -> bool:
        return "s3" in self.filesystem.protocol

    @property
    def folder(self) -> Path:
        """The folder on disk; only where `is_local`."""
        return Path(self._root[1])

    @property
    def name(self) -> str:
        """Last part of the URL, "eyes.zarr"."""
        return self._root[1].rpartition("/")[2]

    def path(self, name: str) -> str:
        """Path of an object within its file system."""
        return f"{self._root[1]}/{name}" if name else self._root[1]

    def child(self, name: str) -> Location:
        return Location(f"{self.url.rstrip('/')}/{name}", self.storage_options)

    def exists(self, name: str = "") -> bool:
        return bool(self._ask(lambda: self.filesystem.exists(self.path(name))))

    def read(self, name: str, start: int | None = None, stop: int | None = None) -> bytes:
        """Bytes of an object, all or from ``start`` (negative: from the end) up to ``stop``; FileNotFoundError where there is none."""
        at_once = {"max_concurrency": 1} if self._is_s3 else {}  # else every read asks for the size first
        content: bytes = self._ask(lambda: self.filesystem.cat_file(self.path(name), start=start, end=stop, **at_once))
        return content

    def write(self, name: str, content: bytes) -> None:
        path = self.path(name)
        if not self.is_local:
            self._check_not_web()
            parts = {"chunksize": PART_BYTES} if self._is_s3 else {}
            self._ask(lambda: self.filesystem.pipe_file(path, content, **parts))
            return
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        part.write_bytes(content)
        part.replace(target)

    def list(self) -> list[str]:
        """Names of all objects below, sorted; nothing where there is no folder."""
        return sorted(self.sizes())

    def sizes(self) -> dict[str, int]:
        """Bytes of every object below by name; nothing where there is no folder."""
        self._check_not_web()
        self.filesystem.invalidate_cache()
        root = self._root[1]
        try:
            found = self._ask(lambda: self.filesystem.find(root, detail=True))
        except FileNotFoundError:
            return {}
        return {str(path).removeprefix(root).lstrip("/"): int(entry["size"]) for path, entry in found.items()}

    def remove(self, name: str = "") -> None:
        """Remove an object, or everything; nothing happens where there is none."""
        if name:
            self.remove_all([name])
        elif self.exists():
            self._forget(lambda: self.filesystem.rm(self._root[1], recursive=True))

    def remove_all(self, names: Sequence[str]) -> None:
        """Remove objects; nothing happens where there is none of a name."""
        self._check_not_web()
        if self._is_s3 and names:  # many at a time; what is not there is no error
            self._forget(lambda: self.filesystem.rm([self.path(name) for name in names]))
            return
        for name in names:
            self._forget(functools.partial(self.filesystem.rm_file, self.path(name)))

    def _forget(self, request: Callable[[], Any]) -> None:
        with suppress(FileNotFoundError):  # never there, or gone in a try whose answer was lost
            self._ask(request)

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep other conversions from a local folder meanwhile; the system gives it free if this process dies.

        Raises
        ------
        StoreError
            Another process has claimed it, or nothing can be written beside it.
        """
        if not self.is_local or fcntl is None:
            yield
            return
        lock = self.folder.with_name(f".{self.folder.name}.lock")
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            file = lock.open("w")
        except OSError as problem:
            raise StoreError(f"{self.url}: nothing can be written here ({problem.strerror or problem})") from None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreError(f"{self.url}: another conversion is writing here; wait for it, or choose another DEST") from None
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)

    def check_writable(self) -> None:
        """Write an empty object and remove it again, with the folder if there was none.

        Raises
        ------
        StoreError
            Nothing can be written here.
        """
        name = PROBE if self.exists() else ""
        try:
            self.write(PROBE, b"")
            self.remove(name)
        except OSError as problem:
            raise StoreError(f"{self.url}: nothing can be written here ({problem.strerror or problem})") from None

    def _check_not_web(self) -> None:
        if self.is_web:
            raise StoreError(f"{self.url}: what is behind http(s) can be read only; write to a folder or a bucket")

    def _ask(self, request: Callable[[], T]) -> T:
        """The answer of the file system; what the client of a remote one raises in the end becomes one line."""
        if self.is_local:
            return request()
        try:
            return patiently(request, renew=self.renew)
        except StoreError:
            raise
        except Exception as problem:
            if has_expired(problem):
                raise StoreError(
                    f"{self.url}: the credentials have expired ({reason(problem)}); renew them and run the same command again"
                ) from None
            if may_pass(problem):
                raise StoreError(
                    f"{self.url}: cannot be reached ({reason(problem)}), tried several times; run the same command again later"
                ) from None
            if isinstance(problem, PermissionError):
                raise StoreError(f"{self.url}: access denied ({reason(problem)}); see the credentials and the rights they give") from None
            if isinstance(problem, OSError):
                raise
            raise StoreError(f"{self.url}: {' '.join(str(problem).split())[:200]} ({type(problem).__name__})") from None

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "bucket"}  # which is of this process alone

    def renew(self) -> None:
        """Take up new credentials, from the environment or a file that somebody has renewed meanwhile."""
        if self._is_s3:
            self.filesystem.connect(refresh=True)


def _is_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def _options(url: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Options of the file system, with what a store needs where nothing else is asked for."""
    if _is_web(url):
        import aiohttp

        return {"client_kwargs": {"timeout": aiohttp.ClientTimeout(total=None, sock_connect=QUIET, sock_read=QUIET)}} | dict(given)
    if url.startswith("s3://"):
        once = {"retries": {"total_max_attempts": 1}, "max_pool_connections": CONNECTIONS}  # tries again are ours: waits would multiply
        config = {"config_kwargs": once | dict(given.get("config_kwargs") or {})}
        return {"use_listings_cache": False} | dict(given) | config  # others may write there
    return dict(given)
