"""A folder of objects behind any fsspec URL."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

import fsspec
from fsspec.implementations.local import LocalFileSystem

from bids_dl.errors import StoreError

PROBE = "writable.probe"


@dataclass(frozen=True)
class Location:
    """A folder of objects: a path, or an fsspec URL with the options of its file system.

    An object is there whole or not at all: on disk by renaming, elsewhere because a put is atomic.
    """

    url: str
    storage_options: Mapping[str, Any] = field(default_factory=dict, repr=False)  # may hold credentials

    @cached_property
    def _root(self) -> tuple[fsspec.AbstractFileSystem, str]:
        try:
            filesystem, path = fsspec.core.url_to_fs(self.url, **self.storage_options)
        except (ImportError, ValueError) as problem:
            raise StoreError(f"{self.url}: {problem}") from None
        return filesystem, str(path).rstrip("/")

    @property
    def filesystem(self) -> fsspec.AbstractFileSystem:
        return self._root[0]

    @property
    def is_local(self) -> bool:
        return isinstance(self.filesystem, LocalFileSystem)

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
        with self._reached():
            return bool(self.filesystem.exists(self.path(name)))

    def read(self, name: str) -> bytes:
        """An object's bytes; FileNotFoundError where there is none."""
        with self._reached():
            content: bytes = self.filesystem.cat_file(self.path(name))
        return content

    def write(self, name: str, content: bytes) -> None:
        path = self.path(name)
        if not self.is_local:
            with self._reached():
                self.filesystem.pipe_file(path, content)
            return
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        part.write_bytes(content)
        part.replace(target)

    def list(self) -> list[str]:
        """Names of all objects below, sorted; nothing where there is no folder."""
        self.filesystem.invalidate_cache()
        root = self._root[1]
        try:
            with self._reached():
                found = self.filesystem.find(root)
        except FileNotFoundError:
            return []
        return sorted(str(path).removeprefix(root).lstrip("/") for path in found)

    def remove(self, name: str = "") -> None:
        """Remove an object, or everything; nothing happens where there is none."""
        if self.exists(name):
            with self._reached():
                self.filesystem.rm(self.path(name), recursive=True)

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

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """What the client of a remote system raises (no credentials, no such host) becomes one line."""
        try:
            yield
        except (OSError, StoreError):
            raise
        except Exception as problem:  # noqa: BLE001  (each file system has errors of its own)
            raise StoreError(f"{self.url}: {' '.join(str(problem).split())[:200]} ({type(problem).__name__})") from None
