"""Checksums of single windows, so that a chunk of which few windows are used is read once.

A chunk has one checksum of all its bytes. The checksum up to the end of each window is a by-product
of computing that of the chunk. Once the chunk has been verified, a window is verified by its own
bytes: continued from the checksum before it, they must give the checksum after it. A later read
therefore needs only the windows that are used, and still checks every byte that is delivered.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bids_dl.remote.checksum import crc32c

Indices = npt.NDArray[np.int64]


class VerifiedBytes(NamedTuple):
    """Place and checksums of some windows."""

    starts: list[int]  # byte of the shard at which each window begins
    before: list[int]  # CRC32C of the bytes of the chunk before each window
    after: list[int]  # and to its end


class WindowChecksums:
    """Place of the chunks that this process has verified, and CRC32C after each of their windows.

    Any thread may use it. Memory is touched only for chunks that are added: 4 bytes per window.

    Parameters
    ----------
    n_chunks, windows_per_chunk
        Size of the array.
    """

    def __init__(self, n_chunks: int, windows_per_chunk: int) -> None:
        self._shape = n_chunks, windows_per_chunk + 1
        self._lock = Lock()
        self._values: npt.NDArray[np.uint32] | None = None
        self._starts = np.zeros(n_chunks, np.int64)
        self._is_known = np.zeros(n_chunks, bool)

    def add(self, chunk: int, start: int, checksums: Sequence[int]) -> None:
        """Add a chunk that was verified.

        Parameters
        ----------
        start
            First byte of the chunk in its shard.
        checksums
            CRC32C of the bytes before each window, then that of all windows.
        """
        with self._lock:
            if self._values is None:
                self._values = np.zeros(self._shape, np.uint32)
            self._values[chunk] = checksums
            self._starts[chunk] = start
            self._is_known[chunk] = True  # last, because other threads read

    def knows(self, chunks: Indices) -> npt.NDArray[np.bool_]:
        """Return whether each chunk was added."""
        return self._is_known[chunks]

    def starts(self, chunks: Indices) -> Indices:
        """Return the first byte, in its shard, of each of some chunks that were added."""
        return self._starts[chunks]

    def lookup(self, chunks: Indices, rows: Indices, window_bytes: int) -> VerifiedBytes:
        """Return place and checksums of windows of chunks that were added.

        Parameters
        ----------
        chunks, rows
            (n_windows,): chunk of each window, and its position in the chunk.
        window_bytes
            Bytes of a window.
        """
        values = self._values
        if values is None:
            raise KeyError("no chunk was added")
        starts = self._starts.take(chunks) + rows * window_bytes
        place = chunks * self._shape[1] + rows
        return VerifiedBytes(
            starts.tolist(),
            values.take(place).tolist(),
            values.take(place + 1).tolist(),
        )

    def __getstate__(self) -> dict[str, Any]:
        # without checksums, because the copy has not verified anything
        return {"_shape": self._shape}

    def __setstate__(self, state: dict[str, Any]) -> None:
        n_chunks, n_checksums = state["_shape"]
        self.__init__(n_chunks, n_checksums - 1)  # type: ignore[misc]


def running_checksums(windows: Sequence[npt.NDArray[Any]]) -> list[int]:
    """Return the CRC32C of the bytes before each window, then that of all windows."""
    return list(accumulate(windows, lambda crc, window: crc32c(window, crc), initial=0))
