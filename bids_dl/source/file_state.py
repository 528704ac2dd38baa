"""State of the files of a recording: whether they are still those that were hashed.

A file is hashed when a store is planned and read minutes or hours later. Size, times and inode show
whether it has changed since. Its content is hashed again only if they differ, or if it was written
so shortly before that a later change may have left them equal.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from bids_dl.errors import RecordingError
from bids_dl.source.dataset import Dataset

SETTLED_SECONDS = 3.0  # since the last change; file systems round times to up to 2 s


class FileState(NamedTuple):
    """State of a file.

    Attributes
    ----------
    size
        Bytes.
    mtime_ns, ctime_ns
        Times of the last change of its content, and of its content or its attributes.
    inode
        Number of the file in its file system.
    is_settled
        True if the last change was so long before that a later one has another time.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    is_settled: bool

    def has_same_content(self, later: FileState) -> bool:
        """Return whether a later state proves that the file has not changed in between."""
        return self.is_settled and self[:4] == later[:4]


FileStates = Mapping[str, FileState]
"""By path relative to the dataset. A recording that is a folder has those of the files inside."""


def read_states(dataset: Dataset, file: str) -> dict[str, FileState]:
    """Read the state of a file of a dataset, or of the files inside a folder.

    Parameters
    ----------
    file
        Path relative to the dataset.

    Returns
    -------
    dict
        States by path relative to the dataset, empty if the file is not on this machine.

    Raises
    ------
    RecordingError
        Stage "source": the file cannot be read.
    """
    path = dataset.path(file)
    is_cached = dataset.is_remote(file)
    try:
        if not path.is_dir():
            return {file: _read_state(path, is_cached=is_cached)} if path.exists() else {}
        states = {}
        for inner in sorted(path.rglob("*")):
            if inner.is_file():
                name = f"{file}/{inner.relative_to(path).as_posix()}"
                states[name] = _read_state(inner, is_cached=is_cached)
        return states
    except OSError as error:
        raise RecordingError(
            "source", f"{file} cannot be read ({error.strerror})", transient=True
        ) from None


def states_below(states: FileStates, file: str) -> dict[str, FileState]:
    """Return the states of a file, or of the files inside a folder."""
    return {name: state for name, state in states.items() if f"{name}/".startswith(f"{file}/")}


def are_unchanged(before: FileStates, after: FileStates) -> bool:
    """Return whether states prove that no file has changed in between, and none was added."""
    if before.keys() != after.keys():
        return False
    return all(state.has_same_content(after[name]) for name, state in before.items())


def are_equal(before: FileStates, after: FileStates) -> bool:
    """Return whether states are equal. Files may have changed nevertheless if they are recent."""
    if before.keys() != after.keys():
        return False
    return all(state[:4] == after[name][:4] for name, state in before.items())


def _read_state(path: Path, *, is_cached: bool) -> FileState:
    """Read the state of a file.

    A file of the cache is written once. Its attributes change when it is used.
    """
    now = time.time_ns()
    status = path.stat()
    last_change = status.st_mtime_ns if is_cached else max(status.st_mtime_ns, status.st_ctime_ns)
    return FileState(
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        ctime_ns=0 if is_cached else status.st_ctime_ns,
        inode=status.st_ino,
        is_settled=is_cached or last_change < now - SETTLED_SECONDS * 1e9,
    )
