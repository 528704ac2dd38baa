"""Locks of files and folders, which the operating system releases if a process dies."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

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
    with lock_file(target.with_name(f"{target.name}{LOCK}"), blocking=blocking) as is_held:
        yield is_held


@contextmanager
def lock_file(path: Path, *, blocking: bool = True, is_inherited: bool = True) -> Iterator[bool]:
    """Create and lock a lock file inside the context. It exists only meanwhile.

    The content of a file that exists is left as it is, and links are not followed.

    Parameters
    ----------
    path
        The lock file.
    blocking
        Whether to wait while another process holds the lock.
    is_inherited
        Whether forked processes hold the lock too, also after a kill of this process.

    Yields
    ------
    bool
        True if the lock is held, False if it is not and `blocking` is False.

    Raises
    ------
    OSError
        The lock file cannot be created, or something else has its name.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with lock_file(Path(folder, "a.lock")) as is_held:
    ...         print(is_held, [path.name for path in Path(folder).iterdir()])
    True ['a.lock']
    """
    if fcntl is None:
        yield True
        return
    file = open_locked(path, blocking=blocking)
    if file is None:
        yield False
        return
    if not is_inherited:
        os.register_at_fork(after_in_child=file.close)
    with file:
        try:
            yield True
        finally:
            with suppress(OSError):  # of another user, in a folder that all may write to
                path.unlink()


def open_locked(path: Path, *, blocking: bool = True) -> BinaryIO | None:
    """Open and lock a lock file, which is locked until it is closed.

    Parameters
    ----------
    path, blocking
        As for `lock_file`.

    Returns
    -------
    file or None
        None if another process holds the lock.

    Raises
    ------
    OSError
        The lock file cannot be created, or something else has its name.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.lock")
    ...     with open_locked(path):
    ...         print(open_locked(path, blocking=False))
    None
    """
    while True:
        file = _open_without_links(path)
        if fcntl is None:
            return file
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if blocking else fcntl.LOCK_NB))
        except BlockingIOError:
            file.close()
            return None
        except BaseException:
            file.close()
            raise
        if _is_same_file(file, path):
            return file
        file.close()  # the process that held the lock has removed this file meanwhile


def _open_without_links(path: Path) -> BinaryIO:
    """Open a lock file, and create it if it is absent. Nothing else of that name is opened."""
    # O_NONBLOCK, because a named pipe would wait for its other end
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        number = os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o666)
    except PermissionError:  # left by another user, whose file may be locked all the same
        number = os.open(path, os.O_RDONLY | flags)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(error.errno, f"{path.name} is a link, remove it", str(path)) from None
        raise
    file = os.fdopen(number, "rb")
    if not stat.S_ISREG(os.fstat(number).st_mode):
        file.close()
        raise OSError(errno.EEXIST, f"{path.name} is no lock file, remove it", str(path))
    return file


def _is_same_file(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
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
        self._file: BinaryIO | None = None

    def begin(self) -> None:
        """Use the folder until `end`. Nothing happens if it cannot be written to."""
        if self._file is not None or fcntl is None:
            return
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = _open_without_links(self._path)
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
    with _open_without_links(folder / USE_LOCK) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
