"""Read single windows in any order, with a small cache of decoded chunks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from bids_dl.store.signals.chunks import ChunkReader
from bids_dl.store.signals.window_copies import Destination

Signals = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
CACHE_BYTES = 32_000_000  # of decoded chunks, so that neighbours of a window cost no second read
CHUNKS_PER_READ = 16  # decoded at once; a remote store requests them concurrently


class WindowReader:
    """Reads windows of one store by their rows. Any thread may read.

    Parameters
    ----------
    chunks
        Reader of the store's chunks, of this process.
    cache_bytes
        Memory for chunks that were read last. At least one chunk is kept.

    Attributes
    ----------
    chunks
        As given.
    """

    def __init__(self, chunks: ChunkReader, cache_bytes: int = CACHE_BYTES) -> None:
        self.chunks = chunks
        self._lock = Lock()
        self._cached: OrderedDict[int, npt.NDArray[Any]] = OrderedDict()  # the oldest first
        resolution = chunks.int16_resolution
        self._dtype: npt.DTypeLike = np.float32 if resolution is None else np.int16
        self._resolution = resolution
        _, n_chans, n_times = chunks.shape
        window_bytes = max(1, n_chans * n_times * np.dtype(self._dtype).itemsize)
        self._max_cached = max(1, cache_bytes // (window_bytes * chunks.windows_per_chunk))

    def read(self, rows: Indices) -> Signals:
        """Read windows.

        Parameters
        ----------
        rows
            (n_windows,): rows of the store, in any order, also repeated.

        Returns
        -------
        ndarray
            float32 (n_windows, n_chans, n_times) in µV.

        Raises
        ------
        DamagedStoreError
            A chunk is missing, or its bytes differ from those written.
        StoreError
            The store cannot be reached.
        """
        _, n_chans, n_times = self.chunks.shape
        signals = np.empty((len(rows), n_chans, n_times), np.float32)
        chunk, position = np.divmod(rows, self.chunks.windows_per_chunk)
        needed = np.unique(chunk).tolist()
        with self._lock:
            for start in range(0, len(needed), CHUNKS_PER_READ):
                numbers = needed[start : start + CHUNKS_PER_READ]
                decoded = self._decoded(numbers)
                for number, windows in zip(numbers, decoded, strict=True):
                    (places,) = np.nonzero(chunk == number)
                    signals[places] = windows[position[places]]
        if self._resolution is not None:
            signals *= np.float32(self._resolution)
        return signals

    def _decoded(self, numbers: Sequence[int]) -> list[npt.NDArray[Any]]:
        """Return the windows of chunks, from the cache or from the store."""
        missing = [number for number in numbers if number not in self._cached]
        arrays = [np.empty(self._shape(number), self._dtype) for number in missing]
        destinations: list[list[Destination]] = []
        for array in arrays:
            all_windows = np.arange(len(array))
            destinations.append([Destination(all_windows, all_windows, array)])
        if missing:
            self.chunks.read(missing, destinations)
            self._cached.update(zip(missing, arrays, strict=True))
        decoded = [self._cached[number] for number in numbers]
        for number in numbers:
            self._cached.move_to_end(number)
        while len(self._cached) > self._max_cached:
            self._cached.popitem(last=False)
        return decoded

    def _shape(self, number: int) -> tuple[int, int, int]:
        """Return the shape of the windows that a chunk holds."""
        n_windows, n_chans, n_times = self.chunks.shape
        per_chunk = self.chunks.windows_per_chunk
        return min(per_chunk, n_windows - number * per_chunk), n_chans, n_times


def read_ascending(chunks: ChunkReader, rows: range) -> Signals:
    """Read windows in the order of the store, each chunk once.

    Parameters
    ----------
    chunks
        Reader of the store's chunks, of this process.
    rows
        Rows of the store, ascending.

    Returns
    -------
    ndarray
        float32 (n_windows, n_chans, n_times) in µV.

    Raises
    ------
    DamagedStoreError
        A chunk is missing, or its bytes differ from those written.
    StoreError
        The store cannot be reached, or was replaced.
    """
    signals = np.empty((len(rows), *chunks.shape[1:]), np.float32)
    all_rows = np.arange(rows.start, rows.stop, rows.step)
    chunk, position = np.divmod(all_rows, chunks.windows_per_chunk)
    needed = np.unique(chunk)
    for start in range(0, len(needed), CHUNKS_PER_READ):
        numbers = needed[start : start + CHUNKS_PER_READ]
        destinations: list[list[Destination]] = []
        for number in numbers:
            first, last = np.searchsorted(chunk, [number, number + 1])
            places = np.arange(first, last)
            destinations.append([Destination(position[places], places, signals)])
        chunks.read(numbers.tolist(), destinations)
    return signals
