"""Temporary folders, which the next run removes if their process was killed.

A folder is named ``bids_dl-PID-...`` and holds a lock file, which its process keeps locked. Only a
folder of this user whose lock is free is removed.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from bids_dl.remote.caching.file_lock import open_locked

try:
    import fcntl
except ImportError:  # Windows: folders of killed processes stay
    fcntl = None  # type: ignore[assignment]

PREFIX = "bids_dl-"
NAME = re.compile(rf"{PREFIX}(\d+)-\w+")
LOCK_NAME = "owner.lock"
CONTENT = "files"  # folder inside, which the owner of the temporary folder uses
MAX_REMOVALS = 5  # tries, because a process that is being stopped may still write
RETRY_SECONDS = 0.2


@contextmanager
def scratch_folder(parent: Path | None = None) -> Iterator[Path]:
    """Create an empty temporary folder of mode 0700, and remove it with the context.

    Parameters
    ----------
    parent
        Folder to create it in; None for that of the system. Folders that killed processes left in
        ``parent`` are removed first.

    Examples
    --------
    >>> with scratch_folder() as folder:
    ...     print(list(folder.iterdir()))
    []
    >>> folder.exists()
    False
    """
    if parent is not None:
        remove_abandoned(parent)
    outer = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
    try:
        # locked before it has its name, so that no folder has a free lock while it is used
        new_lock = outer / f"{LOCK_NAME}.new"
        with open_locked(new_lock) or nullcontext():
            new_lock.rename(outer / LOCK_NAME)
            folder = outer / CONTENT
            folder.mkdir(mode=0o700)
            yield folder
    finally:
        _remove(outer)


def remove_abandoned(parent: Path | None = None) -> None:
    """Remove the temporary folders that killed processes of this user left.

    Parameters
    ----------
    parent
        Folder to look in; None for that of the system.
    """
    if fcntl is None:
        return
    with suppress(OSError):
        for path in _folders(parent):
            if not _is_used(path):
                _remove(path)


def remove_own(parent: Path | None = None) -> None:
    """Remove the temporary folders of this process, which an interrupted removal may have left."""
    with suppress(OSError):
        for path in _folders(parent):
            if _process_of(path) == os.getpid():
                _remove(path)


def _folders(parent: Path | None) -> list[Path]:
    """List the temporary folders of this user."""
    folders = []
    with os.scandir(parent or tempfile.gettempdir()) as entries:
        for entry in entries:
            if NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                if not hasattr(os, "getuid") or status.st_uid == os.getuid():
                    folders.append(Path(entry.path))
    return folders


def _process_of(path: Path) -> int:
    """Return the number of the process that created a folder."""
    match = NAME.fullmatch(path.name)
    return int(match[1]) if match else 0


def _is_used(path: Path) -> bool:
    """Return whether a process uses a folder."""
    lock_path = path / LOCK_NAME
    if lock_path.is_symlink() or not lock_path.is_file():
        return _is_alive(_process_of(path))  # killed, or about to create the lock
    lock = None
    with suppress(OSError):
        lock = open_locked(lock_path, blocking=False)
    if lock is None:
        return True
    lock.close()
    return False


def _is_alive(process: int) -> bool:
    """Return whether a process exists."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _remove(path: Path) -> None:
    """Remove a folder, several times if a process that is being stopped still writes to it."""
    for _ in range(MAX_REMOVALS):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        time.sleep(RETRY_SECONDS)
