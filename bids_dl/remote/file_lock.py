"""Locks of files of the cache, which the operating system releases if a process dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nothing is locked
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"  # end of the name of a lock file
USE_LOCK = "in-use.lock"  # in the folder of a cache


@contextmanager
def file_lock(target: Path, *, blocking: bool = True) -> Iterator[bool]:
    """Lock a file inside the context, by a lock file beside it that exists only meanwhile.

    Parameters
    ----------
    target
        File to lock, whether or not it exists. Its folder must exist.
    blocking
        Whether to wait while another process holds the lock.

    Yields
    ------
    bool
        True if the lock is held, False if it is not and `blocking` is False.

    Raises
    ------
    OSError
        The lock file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = Path(folder, "a")
    ...     with file_lock(target) as first, file_lock(target, blocking=False) as second:
    ...         print(first, second)
    True False
    """
    path = target.with_name(f"{target.name}{LOCK}")
    file = _open_locked(path, blocking=blocking)
    if file is None:
        yield False
        return
    with file:
        try:
            yield True
        finally:
            path.unlink(missing_ok=True)


def _open_locked(path: Path, *, blocking: bool) -> TextIOWrapper | None:
    """Open and lock a lock file, or return None if another process holds it."""
    while True:
        file = path.open("w")
        if fcntl is None:
            return file
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if blocking else fcntl.LOCK_NB))
        except BlockingIOError:
            file.close()
            return None
        if _is_same_file(file, path):
            return file
        file.close()  # the process that held the lock has removed this file meanwhile


def _is_same_file(file: TextIOWrapper, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


class SharedUse:
    """Use of a folder by several processes, during which none of them may empty it.

    Parameters
    ----------
    folder
        Folder of the cache.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / USE_LOCK
        self._file: TextIOWrapper | None = None

    def begin(self) -> None:
        """Use the folder until `end`. Nothing happens if it cannot be written to."""
        if self._file is not None or fcntl is None:
            return
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a")
            fcntl.flock(self._file, fcntl.LOCK_SH)

    def end(self) -> None:
        """Use the folder no longer."""
        if self._file is not None:
            self._file.close()
            self._file = None


@contextmanager
def sole_use(folder: Path) -> Iterator[bool]:
    """Keep other processes from using a folder inside the context.

    Yields
    ------
    bool
        False if another process uses the folder, which is then not locked.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     use = SharedUse(Path(folder))
    ...     use.begin()
    ...     with sole_use(Path(folder)) as is_sole:
    ...         print(is_sole)
    ...     use.end()
    False
    """
    if fcntl is None or not folder.is_dir():
        yield True
        return
    with (folder / USE_LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
