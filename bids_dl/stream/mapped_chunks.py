"""Memory maps of the chunks of an iteration, of one or several stores."""

from __future__ import annotations

from collections.abc import Sequence

from bids_dl.store.signals.local_bytes import WindowMemory
from bids_dl.store.signals.mapped_windows import MappedWindows
from bids_dl.stream.joined_chunks import JoinedChunks
from bids_dl.stream.order import Indices


class MappedChunks:
    """Verified chunks on disk in memory maps.

    Parameters
    ----------
    chunks
        Chunks of the stores.
    maps
        Maps of each store that is used, by its number.
    """

    def __init__(self, chunks: JoinedChunks, maps: dict[int, MappedWindows]) -> None:
        self._chunks = chunks
        self._maps = maps

    @classmethod
    def map(cls, chunks: JoinedChunks, numbers: Indices) -> MappedChunks | None:
        """Map chunks, None if that is not possible for all of them.

        Parameters
        ----------
        numbers
            (n_chunks,): numbers of the chunks.
        """
        mapped = cls(chunks, {})
        for store, _, of_store in chunks.by_store(numbers):
            windows = chunks.readers[store].map(of_store)
            if windows is None:
                return None
            mapped._maps[store] = windows
        return mapped if mapped._maps else None

    def read_ahead(self, chunks: Indices) -> None:
        """Ask the system to read chunks that are not in its page cache."""
        for store, _, of_store in self._chunks.by_store(chunks):
            self._maps[store].read_ahead(of_store)

    def copy(self, chunks: Indices, positions: Indices, windows: Sequence[WindowMemory]) -> int:
        """Copy windows into memory.

        Parameters
        ----------
        chunks, positions
            (n_windows,): chunk of each window, and its position in the chunk.
        windows
            (n_windows,): memory for each window, which is filled with float32 in µV.

        Returns
        -------
        int
            Bytes that were read.
        """
        if len(self._chunks.readers) == 1:
            return self._maps[0].copy(chunks, positions, windows)
        n_bytes = 0
        for store, indices, of_store in self._chunks.by_store(chunks):
            memory = [windows[i] for i in indices]
            n_bytes += self._maps[store].copy(of_store, positions[indices], memory)
        return n_bytes
