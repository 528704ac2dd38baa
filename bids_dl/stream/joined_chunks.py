"""Chunks of several stores, numbered consecutively."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from bids_dl.store.signals.chunks import ChunkReader
from bids_dl.store.signals.requested_chunks import RequestedChunks
from bids_dl.store.signals.stored_chunk import BytesRead
from bids_dl.store.signals.window_copies import Change, Destination
from bids_dl.stream.order import Indices


class RequestedByStore(NamedTuple):
    """Chunks that were requested from servers, and not received yet."""

    stores: dict[int, RequestedChunks]

    def close(self) -> None:
        """Give up the chunks that were not read."""
        for requested in self.stores.values():
            requested.close()


@dataclass(frozen=True)
class JoinedChunks:
    """Chunks of several stores, numbered consecutively.

    Parameters
    ----------
    readers
        One reader per store.
    first_rows
        (n_stores + 1,): first row of each store in the joined table, then its number of rows.
    """

    readers: Sequence[ChunkReader]
    first_rows: Indices

    @cached_property
    def first_chunks(self) -> Indices:
        """(n_stores + 1,): number of the first chunk of each store, then the number of chunks."""
        return np.cumsum([0, *(reader.n_chunks for reader in self.readers)])

    @property
    def window_shape(self) -> tuple[int, int]:
        """Shape of a window of the first store: (n_chans, n_times)."""
        return self.readers[0].shape[1:]

    @property
    def max_windows_per_chunk(self) -> int:
        """Windows of the chunk with the most windows."""
        return max(reader.windows_per_chunk for reader in self.readers)

    @property
    def mean_windows_per_chunk(self) -> int:
        """Windows of an average chunk, rounded up."""
        return -(-int(self.first_rows[-1]) // int(self.first_chunks[-1]))

    @property
    def max_chunk_bytes(self) -> int:
        """Size of the largest chunk as float32."""
        sizes = []
        for reader in self.readers:
            _, n_chans, n_times = reader.shape
            sizes.append(4 * reader.windows_per_chunk * n_chans * n_times)
        return max(sizes)

    @property
    def is_local(self) -> bool:
        """True if all stores are on local disks."""
        return all(reader.is_local for reader in self.readers)

    def locate(self, rows: Indices) -> tuple[Indices, Indices]:
        """Return the chunk of each row of the joined table, and the position within the chunk."""
        if len(self.readers) == 1:
            chunk = rows // self.readers[0].windows_per_chunk
            return chunk, rows - chunk * self.readers[0].windows_per_chunk
        store = np.searchsorted(self.first_rows, rows, side="right") - 1
        per_chunk = np.array([reader.windows_per_chunk for reader in self.readers])[store]
        chunk_of_store, position = np.divmod(rows - self.first_rows[store], per_chunk)
        return self.first_chunks[store] + chunk_of_store, position

    @cached_property
    def int16_resolution(self) -> float | None:
        """µV of one integer if all stores are int16 with the same resolution, else None."""
        return self.int16_resolution_of(range(len(self.readers)))

    def int16_resolution_of(self, stores: Iterable[int]) -> float | None:
        """Return the µV of one integer if these stores are int16 and have it in common."""
        resolutions = {self.readers[store].int16_resolution for store in stores}
        return resolutions.pop() if len(resolutions) == 1 else None

    @property
    def can_request(self) -> bool:
        """True if chunks of all stores can be requested before they are read."""
        return all(reader.can_request for reader in self.readers)

    def load_indexes(self, chunks: Indices) -> None:
        """Read the indexes of the shards of chunks, those of a store at once."""
        for store, _, of_store in self.by_store(chunks):
            self.readers[store].load_indexes(of_store.tolist())

    def request(self, chunks: Indices) -> RequestedByStore:
        """Request chunks of servers, to be read by any thread. Close them if they are not read."""
        requested = RequestedByStore({})
        try:
            for store, _, of_store in self.by_store(chunks):
                requested.stores[store] = self.readers[store].request(of_store.tolist())
        except BaseException:
            requested.close()
            raise
        return requested

    def read(
        self,
        chunks: Sequence[int],
        destinations: Sequence[Sequence[Destination]],
        change: Change | None = None,
        requested: RequestedByStore | None = None,
    ) -> list[BytesRead]:
        """Read chunks and copy their windows to their destinations.

        Parameters
        ----------
        chunks
            Numbers of the chunks.
        destinations
            Destinations of the windows of each chunk.
        change
            Changes float32 windows in place before they are copied, given their rows of the
            joined table.
        requested
            These chunks, if they were requested before.

        Returns
        -------
        list of BytesRead
            Bytes of each chunk, in any order.
        """
        of_stores = {} if requested is None else requested.stores
        if len(self.readers) == 1:
            return self.readers[0].read(chunks, destinations, change, of_stores.get(0))
        sizes = []
        for store, indices, of_store in self.by_store(np.array(chunks, np.int64)):
            sizes += self.readers[store].read(
                of_store.tolist(),
                [destinations[i] for i in indices],
                _of_joined_rows(change, int(self.first_rows[store])),
                of_stores.get(store),
            )
        return sizes

    def by_store(self, chunks: Indices) -> Iterator[tuple[int, Indices, Indices]]:
        """Yield each store, the indices of its chunks, and their numbers in this store."""
        if len(self.readers) == 1:
            if len(chunks):
                yield 0, np.arange(len(chunks)), chunks
            return
        stores = np.searchsorted(self.first_chunks, chunks, side="right") - 1
        for store in np.unique(stores).tolist():
            indices = np.flatnonzero(stores == store)
            yield store, indices, chunks[indices] - self.first_chunks[store]


def _of_joined_rows(change: Change | None, first_row: int) -> Change | None:
    """Return a change that takes rows of a store in place of rows of the joined table."""
    if change is None:
        return None
    return lambda windows, rows: change(windows, rows + first_row)
