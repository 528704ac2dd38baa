"""Join several stores: one table, one set of classes, one numbering of chunks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bids_dl.config.arguments import as_path, wrong_type
from bids_dl.errors import ConfigError, StoreError
from bids_dl.remote.caching.cache import Cache, open_cache_folder
from bids_dl.remote.cancellation import request_threads
from bids_dl.remote.hub.hub_address import without_revision
from bids_dl.remote.location import Location
from bids_dl.store import Store, open_store
from bids_dl.store.checking.identity import StoreIdentity
from bids_dl.store.signals.chunk_layout import is_cacheable
from bids_dl.store.signals.chunks import ChunkReader
from bids_dl.store.signals.local_bytes import WindowMemory
from bids_dl.store.signals.mapped_windows import MAX_SHARDS, MappedWindows
from bids_dl.store.signals.stored_chunk import BytesRead
from bids_dl.store.signals.window_copies import Change, Destination
from bids_dl.stream.columns import FETCH_THREADS
from bids_dl.stream.mixing.signal_request import SignalRequest, check_fit
from bids_dl.stream.order import Indices

if TYPE_CHECKING:
    import pandas as pd

StoreLike = str | os.PathLike[str] | Store
AS_STORED = SignalRequest()


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

    def read(
        self,
        chunks: Sequence[int],
        destinations: Sequence[Sequence[Destination]],
        change: Change | None = None,
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

        Returns
        -------
        list of BytesRead
            Bytes of each chunk, in any order.
        """
        if len(self.readers) == 1:
            return self.readers[0].read(chunks, destinations, change)
        stores = [self._store_of(chunk) for chunk in chunks]
        sizes = []
        for store in sorted(set(stores)):
            indices = [i for i, chunk_store in enumerate(stores) if chunk_store == store]
            first = int(self.first_chunks[store])
            sizes += self.readers[store].read(
                [chunks[i] - first for i in indices],
                [destinations[i] for i in indices],
                _of_joined_rows(change, int(self.first_rows[store])),
            )
        return sizes

    def are_mapped(self, chunks: Indices) -> bool:
        """Return whether the windows of all these chunks can be copied from memory maps."""
        return len(chunks) > 0 and all(
            self._mapped[store] is not None and self._mapped_of(store).contain(of_store)
            for store, _, of_store in self._by_store(chunks)
        )

    def read_ahead(self, chunks: Indices) -> None:
        """Ask the system to read mapped chunks that are not in its page cache."""
        for store, _, of_store in self._by_store(chunks):
            self._mapped_of(store).read_ahead(of_store)

    def copy_mapped(
        self, chunks: Indices, positions: Indices, windows: Sequence[WindowMemory]
    ) -> int:
        """Copy windows of mapped chunks into memory.

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
        if len(self.readers) == 1:
            return self._mapped_of(0).copy(chunks, positions, windows)
        n_bytes = 0
        for store, indices, of_store in self._by_store(chunks):
            memory = [windows[i] for i in indices]
            n_bytes += self._mapped_of(store).copy(of_store, positions[indices], memory)
        return n_bytes

    @cached_property
    def _mapped(self) -> list[MappedWindows | None]:
        """Windows of each store in memory maps."""
        mapped = [reader.mapped for reader in self.readers]
        if sum(windows.n_shards for windows in mapped if windows is not None) > MAX_SHARDS:
            return [None] * len(mapped)
        return mapped

    def _mapped_of(self, store: int) -> MappedWindows:
        windows = self._mapped[store]
        if windows is None:
            raise ValueError(f"store {store} is not mapped")
        return windows

    def _by_store(self, chunks: Indices) -> Iterator[tuple[int, Indices, Indices]]:
        """Yield each store, the indices of its chunks, and their numbers in this store."""
        stores = np.searchsorted(self.first_chunks, chunks, side="right") - 1
        for store in np.unique(stores).tolist():
            indices = np.flatnonzero(stores == store)
            yield store, indices, chunks[indices] - self.first_chunks[store]

    def _store_of(self, chunk: int) -> int:
        if len(self.readers) == 1:
            return 0
        return int(np.searchsorted(self.first_chunks, chunk, side="right")) - 1


def _of_joined_rows(change: Change | None, first_row: int) -> Change | None:
    """Return a change that takes rows of a store in place of rows of the joined table."""
    if change is None:
        return None
    return lambda windows, rows: change(windows, rows + first_row)


@dataclass(frozen=True, slots=True)
class ChunkSources:
    """Everything a process needs to open the chunks of some stores, without an open handle."""

    urls: tuple[str, ...]
    storage_options: tuple[Mapping[str, Any], ...] = field(repr=False)
    metadata: tuple[Mapping[str, Any], ...] = field(repr=False)  # of the arrays `signals`
    identities: tuple[StoreIdentity, ...] = field(repr=False)
    caches: tuple[Cache | None, ...]

    @property
    def first_rows(self) -> npt.NDArray[np.int64]:
        """(n_stores + 1,): first row of each store in the joined table, then its length."""
        return np.cumsum([0, *(metadata["shape"][0] for metadata in self.metadata)])

    @property
    def bytes_cached(self) -> int:
        """Bytes that came from the caches so far in this process."""
        return sum(cache.bytes_hit for cache in self.caches if cache is not None)

    def open(self) -> JoinedChunks:
        """Open the chunks in this process."""
        locations = map(Location, self.urls, self.storage_options)
        stores = zip(locations, self.metadata, self.caches, self.identities, strict=True)
        readers = [ChunkReader(*store) for store in stores]
        return JoinedChunks(readers, self.first_rows)


def list_stores(stores: StoreLike | Iterable[StoreLike]) -> list[StoreLike]:
    """Return one or several stores as a list.

    Raises
    ------
    ConfigError
        There is no store in the list.
    ArgumentTypeError
        Something else was given.
    """
    if isinstance(stores, str | os.PathLike | Store):
        return [stores]
    if not isinstance(stores, Iterable) or isinstance(stores, Mapping | bytes):
        raise wrong_type("store", "a path, a URL, a Store or a list of them", stores)
    several = list(stores)
    if not several:
        raise ConfigError("no store to stream: the list is empty")
    return several


def open_stores(
    stores: StoreLike | Sequence[StoreLike],
    storage_options: Mapping[str, Any] | None,
    request: SignalRequest = AS_STORED,
) -> tuple[Store, ...]:
    """Open stores and check that they fit.

    By default, they must have the same channels, sampling rate and window length.

    Raises
    ------
    ConfigError
        There is no store in the list.
    StoreError
        A store cannot be opened, or does not fit the first one or the requested signals.
    """
    store_list = list_stores(stores)
    if len(store_list) == 1:
        opened: tuple[Store, ...] = (_open(store_list[0], storage_options),)
    else:
        with request_threads(FETCH_THREADS) as threads:
            opened = tuple(threads.map(lambda store: _open(store, storage_options), store_list))
            list(threads.map(lambda store: store.channels, opened))
    check_fit(opened, request)
    return opened


def _open(store: StoreLike, storage_options: Mapping[str, Any] | None) -> Store:
    if isinstance(store, Store):
        return store
    return open_store(as_path("store", store), storage_options=storage_options)


def chunk_sources(
    stores: Sequence[Store], cache: str | os.PathLike[str] | bool, cache_bytes: int
) -> ChunkSources:
    """Return the sources of the chunks of some stores.

    Parameters
    ----------
    stores
        Stores to read.
    cache
        Folder that caches chunks of remote stores. True takes the user's cache folder, False
        reads without a cache.
    cache_bytes
        Maximum size of that folder.

    Raises
    ------
    StoreError
        The chunks of a remote store cannot be cached, because they have no checksums or the store
        has no content identifier.
    """
    cache_folder = None
    if cache:
        cache_folder = open_cache_folder(None if cache is True else as_path("cache", cache))
    caches: list[Cache | None] = []
    for store in stores:
        if cache_folder is None or store.location.is_local:
            caches.append(None)
        else:
            caches.append(_open_cache(store, cache_folder, cache_bytes))
    return ChunkSources(
        tuple(store.url for store in stores),
        tuple(store.storage_options for store in stores),
        tuple(store.metadata("signals") for store in stores),
        tuple(store.identity for store in stores),
        tuple(caches),
    )


def _open_cache(store: Store, folder: Path, cache_bytes: int) -> Cache:
    content = store.attributes.get("content")
    if content is None or not is_cacheable(store.metadata("signals")):
        missing = "content identifier" if content is None else "CRC32C on every chunk"
        raise StoreError(
            f"{store.url}: has no {missing}, so a cache of it could not be trusted; "
            "stream it without cache="
        )
    # without the commit of a repository, because the content identifies what is cached
    url = without_revision(store.url)
    return Cache(folder, cache_bytes, url=url, content=str(content))


def join_tables(stores: Sequence[Store], *, with_store: bool) -> pd.DataFrame:
    """Return the window tables of all stores, one store after the other.

    Parameters
    ----------
    stores
        Stores to join.
    with_store
        Add a column ``store`` with the URL.
    """
    import pandas as pd

    tables = [
        store.table.assign(store=store.url) if with_store else store.table for store in stores
    ]
    return pd.concat(tables, ignore_index=True)


def join_classes(stores: Sequence[Store]) -> dict[str, tuple[str, ...]]:
    """Return the classes of each column, in the order of the first store that has them."""
    classes: dict[str, dict[str, None]] = {}
    for store in stores:
        for name, store_classes in store.attributes.get("classes", {}).items():
            classes.setdefault(name, {}).update(dict.fromkeys(store_classes))
    return {name: tuple(column_classes) for name, column_classes in classes.items()}
