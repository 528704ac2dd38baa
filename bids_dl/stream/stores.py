"""Join several stores: one table, one set of classes, one numbering of chunks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
from bids_dl.stream.columns import FETCH_THREADS
from bids_dl.stream.joined_chunks import JoinedChunks
from bids_dl.stream.mixing.signal_request import SignalRequest, check_fit

if TYPE_CHECKING:
    import pandas as pd

StoreLike = str | os.PathLike[str] | Store
AS_STORED = SignalRequest()


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
