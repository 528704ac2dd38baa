"""Read consecutive bytes of files on disk straight into several arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from bids_dl.remote.location import Location

Array = npt.NDArray[Any]  # contiguous, of any type and shape
MAX_ARRAYS = 1024  # that one call of Linux and macOS fills (IOV_MAX)
MAX_OPEN_FILES = 32  # of one reading thread, which may be one of many in the process
READ_IF_CACHED = getattr(os, "RWF_NOWAIT", None)  # Linux only
HAS_VECTORED_READS = hasattr(os, "preadv")  # not on Windows
OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class WindowMemory(NamedTuple):
    """Memory of one window. A memoryview is filled faster than an array."""

    content: npt.NDArray[np.uint8]
    memory: memoryview  # of the same bytes

    @classmethod
    def of_batch(cls, batch: Array) -> list[WindowMemory]:
        """Create the memory of each window of a contiguous batch (n_windows, n_chans, n_times)."""
        contents = [window.reshape(-1).view(np.uint8) for window in batch]
        return [cls(content, content.data) for content in contents]


class ShardFiles:
    """Shards of a location on disk, opened when they are first used, and closed together.

    One thread uses it, as a context.
    """

    def __init__(self, location: Location) -> None:
        self._location = location
        self._files: dict[str, int] = {}  # descriptors by name

    def open(self, name: str) -> int:
        """Return the descriptor of a file, valid until the next call.

        Raises
        ------
        OSError
            The file cannot be opened.
        """
        file = self._files.get(name)
        if file is None:
            if len(self._files) >= MAX_OPEN_FILES:
                self.close()
            file = os.open(self._location.path(name), OPEN_FLAGS)
            self._files[name] = file
        return file

    def close(self) -> None:
        """Close all files."""
        while self._files:
            os.close(self._files.popitem()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def will_need(file: int, start: int, size: int) -> None:
    """Ask the system to read bytes of a file unless it has cached them. Do not wait for it.

    What is read together is mostly evicted together, so only the last byte is looked up, which
    takes a fifteenth of the time of the request.
    """
    if READ_IF_CACHED is None:
        return
    try:
        os.preadv(file, [bytearray(1)], start + size - 1, READ_IF_CACHED)
    except OSError:  # not cached, or unknown to this file system
        os.posix_fadvise(file, start, size, os.POSIX_FADV_WILLNEED)


def fill_arrays(file: int, start: int, arrays: Sequence[Array], size: int) -> None:
    """Fill arrays with the bytes of a file, one array after the other.

    Parameters
    ----------
    file
        File descriptor.
    start
        First byte.
    arrays
        Contiguous arrays.
    size
        Bytes of all arrays.

    Raises
    ------
    EOFError
        The file ends before.
    """
    can_read_once = HAS_VECTORED_READS and len(arrays) <= MAX_ARRAYS
    if can_read_once and os.preadv(file, arrays, start) == size:  # type: ignore[arg-type]
        return
    # a signal came first, or the end of the file, or more than the system reads at once
    for array in arrays:
        _fill_array(file, start, array.reshape(-1).view(np.uint8))
        start += array.nbytes


def _fill_array(file: int, start: int, content: npt.NDArray[np.uint8]) -> None:
    """Fill one array with as many calls as are necessary."""
    while len(content):
        n_bytes = _read_part(file, start, content)
        if not n_bytes:
            raise EOFError("ends early")
        content = content[n_bytes:]
        start += n_bytes


def _read_part(file: int, start: int, content: npt.NDArray[np.uint8]) -> int:
    """Read up to the size of an array. Return the number of bytes read."""
    if HAS_VECTORED_READS:
        return os.preadv(file, [content], start)  # type: ignore[list-item]
    os.lseek(file, start, os.SEEK_SET)  # the descriptor belongs to this thread
    part = os.read(file, len(content))
    content[: len(part)] = np.frombuffer(part, np.uint8)
    return len(part)
