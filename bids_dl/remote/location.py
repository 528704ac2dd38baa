"""A folder of objects behind any fsspec URL."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

import fsspec
import numpy as np
from fsspec.implementations.local import LocalFileSystem

from bids_dl.errors import StoreError
from bids_dl.remote.multipart import PART_BYTES, drop_uploads, upload
from bids_dl.remote.obstore_ranges import Bucket, connect
from bids_dl.remote.retry import PATIENCE, describe_failure, with_retries

T = TypeVar("T")

PROBE = "writable.probe"
CONNECTIONS = 64  # at once to a bucket, so that latency hides; botocore's own choice is 10
QUIET = 30.0  # s without a byte after which a web server has stopped answering; S3 clients have a limit of their own
RENEWAL = Lock()  # credentials expire for all threads at once
OWN_OPTIONS = {"patience"}  # which no file system knows


@dataclass(frozen=True)
class Location:
    """A folder of objects: a path, or an fsspec URL with the options of its file system.

    An object is there whole or not at all: on disk by renaming, elsewhere because a put is atomic. What fails in passing at a server is
    tried again, later each time; the storage option ``patience`` says for how many seconds, about.
    """

    url: str
    storage_options: Mapping[str, Any] = field(
        default_factory=dict, repr=False
    )  # may hold credentials

    @cached_property
    def _root(self) -> tuple[fsspec.AbstractFileSystem, str]:
        try:
            filesystem, path = fsspec.core.url_to_fs(
                self.url, **_options(self.url, self.storage_options)
            )
        except (ImportError, ValueError) as problem:
            raise StoreError(f"{self.url}: {problem}") from None
        if "s3" in filesystem.protocol:
            filesystem.retries = 1  # all tries again are ours: waits would multiply
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

    @cached_property
    def patience(self) -> float:
        """Seconds to wait between tries of a request in all, about."""
        given = self.storage_options.get("patience", PATIENCE)
        if (
            isinstance(given, bool)
            or not isinstance(given, int | float)
            or not 0 <= given < float("inf")
        ):
            raise StoreError(
                f"{self.url}: the storage option patience is a number of seconds from 0 on, got {given!r}"
            )
        return float(given)

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
        at_once = (
            {"max_concurrency": 1} if self._is_s3 else {}
        )  # else every read asks for the size first
        content: bytes = self._ask(
            lambda: self.filesystem.cat_file(self.path(name), start=start, end=stop, **at_once)
        )
        return content

    def write(self, name: str, content: bytes) -> None:
        path = self.path(name)
        if self._is_s3 and len(content) >= 2 * PART_BYTES:
            self._upload(path, memoryview(content))
            return
        if not self.is_local:
            self._check_not_web()
            self._ask(lambda: self.filesystem.pipe_file(path, content))
            return
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        part.write_bytes(content)
        part.replace(target)

    def put(self, name: str, file: Path) -> None:
        """Write an object that is a file on disk, whatever its size; only where not `is_local`."""
        if self._is_s3 and file.stat().st_size >= 2 * PART_BYTES:
            self._upload(self.path(name), np.memmap(file, np.uint8, "r").data)
        else:
            self._check_not_web()
            self._ask(lambda: self.filesystem.put_file(str(file), self.path(name)))

    def _upload(self, path: str, content: memoryview) -> None:
        bucket, key, _ = self.filesystem.split_path(path)
        upload(self._call, bucket, key, content)

    def drop_uploads(self, names: Collection[str] | None = None) -> None:
        """End what killed runs have begun to put below and never ended, of these objects or of all: a bucket keeps it, and bills it."""
        if self._is_s3:
            bucket, root, _ = self.filesystem.split_path(self._root[1])
            wanted = None if names is None else {f"{root}/{name}" for name in names}
            with suppress(
                StoreError, OSError
            ):  # some servers cannot list them, some users may not; no object depends on it
                drop_uploads(self._call, bucket, f"{root}/", wanted)

    def _call(self, method: str, **parameters: Any) -> Any:
        """What the S3 client answers to one request."""
        return self._ask(lambda: self.filesystem.call_s3(method, **parameters))

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
        return {
            str(path).removeprefix(root).lstrip("/"): int(entry["size"])
            for path, entry in found.items()
        }

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
    def exclusive_lock(self) -> Iterator[None]:
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
            raise StoreError(
                f"{self.url}: nothing can be written here ({problem.strerror or problem})"
            ) from None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreError(
                    f"{self.url}: another conversion is writing here; wait for it, or choose another DEST"
                ) from None
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
            raise StoreError(
                f"{self.url}: nothing can be written here ({problem.strerror or problem})"
            ) from None

    def _check_not_web(self) -> None:
        if self.is_web:
            raise StoreError(
                f"{self.url}: what is behind http(s) can be read only; write to a folder or a bucket"
            )

    def _ask(self, request: Callable[[], T]) -> T:
        """The answer of the file system; what the client of a remote one raises in the end becomes one line."""
        if self.is_local:
            return request()
        try:
            return with_retries(
                request, patience=self.patience, client=self.client, renew=self.renew
            )
        except StoreError:
            raise
        except Exception as problem:
            if said := describe_failure(problem):
                raise StoreError(f"{self.url}: {said}") from None
            raise

    def __getstate__(self) -> dict[str, Any]:
        return {
            name: value for name, value in self.__dict__.items() if name != "bucket"
        }  # which is of this process alone

    def client(self) -> Any:
        """What holds the credentials of a bucket's file system; None elsewhere."""
        return self.filesystem.s3 if self._is_s3 else None

    def renew(self, used: Any) -> None:
        """Take up new credentials, from the environment or a file, unless another thread has done so since those ``used`` were."""
        if used is None:
            return
        with RENEWAL:
            if self.filesystem.s3 is used:
                self.filesystem.connect(refresh=True)


def _is_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def _options(url: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of the file system, with what a store needs where nothing else is asked for."""
    given = {name: value for name, value in options.items() if name not in OWN_OPTIONS}
    if _is_web(url):
        import aiohttp

        return {
            "client_kwargs": {
                "timeout": aiohttp.ClientTimeout(total=None, sock_connect=QUIET, sock_read=QUIET)
            }
        } | given
    if url.startswith("s3://"):
        once = {"retries": {"total_max_attempts": 1}, "max_pool_connections": CONNECTIONS}
        config = {"config_kwargs": once | dict(given.get("config_kwargs") or {})}
        return {"use_listings_cache": False} | given | config  # others may write there
    return given
