"""Several stores as one: one table, one set of classes, one numbering of chunks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl.errors import ConfigError, StoreError
from bids_dl.remote.cache import Cache
from bids_dl.remote.location import Location
from bids_dl.store import Store, open_store
from bids_dl.store.chunk_layout import can_be_kept
from bids_dl.store.chunks import ChunkReader
from bids_dl.stream.pool import Chunks

Place = str | Path | Store
FETCHED = 16  # columns and stores asked for at a time, so that latency hides


@dataclass(frozen=True, slots=True)
class Sources:
    """What a process needs to open the chunks of some stores by itself; holds no handle."""

    urls: tuple[str, ...]
    options: tuple[Mapping[str, Any], ...] = field(repr=False)
    metadata: tuple[Mapping[str, Any], ...] = field(repr=False)
    caches: tuple[Cache | None, ...]

    @property
    def first_rows(self) -> npt.NDArray[np.int64]:
        """(n_stores + 1,): first row of each store in the whole table."""
        return np.cumsum([0, *(metadata["shape"][0] for metadata in self.metadata)])

    def open(self) -> Chunks:
        parts = zip(self.urls, self.options, self.metadata, self.caches, strict=True)
        readers = [
            ChunkReader(Location(url, options), metadata, cache)
            for url, options, metadata, cache in parts
        ]
        return Chunks(readers, self.first_rows)


def open_all(
    places: Place | Sequence[Place], storage_options: Mapping[str, Any] | None
) -> tuple[Store, ...]:
    """The stores, seen to fit: same channels, rate and length of a window.

    Raises
    ------
    StoreError
        One cannot be opened, or does not fit the first.
    """
    listed = [places] if isinstance(places, str | Path | Store) else list(places)
    if not listed:
        raise ConfigError("no store to stream: the list is empty")
    if len(listed) == 1:
        return (_opened(listed[0], storage_options),)
    with ThreadPoolExecutor(FETCHED) as threads:
        stores = tuple(threads.map(lambda place: _opened(place, storage_options), listed))
        list(threads.map(lambda store: store.channels, stores))
    for store in stores[1:]:
        _check_fit(stores[0], store)
    return stores


def _opened(place: Place, storage_options: Mapping[str, Any] | None) -> Store:
    return (
        place
        if isinstance(place, Store)
        else open_store(str(place), storage_options=storage_options)
    )


def sources(stores: Sequence[Store], folder: Path | None, cache_bytes: int) -> Sources:
    """What opens the chunks of some stores, those far away through a cache in ``folder``, if there is one.

    Raises
    ------
    StoreError
        A copy of a store's chunks could not be told from damage, or from those of another store.
    """
    return Sources(
        tuple(store.url for store in stores),
        tuple(store.storage_options for store in stores),
        tuple(store.metadata("signals") for store in stores),
        tuple(
            None
            if folder is None or store.location.is_local
            else _cache(store, folder, cache_bytes)
            for store in stores
        ),
    )


def _cache(store: Store, folder: Path, cache_bytes: int) -> Cache:
    content = store.attributes.get("content")
    if content is None or not can_be_kept(store.metadata("signals")):
        lacks = "content identifier" if content is None else "CRC32C on every chunk"
        raise StoreError(
            f"{store.url}: has no {lacks}, so a cache of it could not be trusted; stream it without cache="
        )
    return Cache(folder, cache_bytes, url=store.url, content=str(content))


class Columns:
    """The window tables of stores as one, rows one after the other; a column is read when it is asked for.

    Attributes
    ----------
    columns
        Names of those that any store has. A store without one gives NaN.
    """

    def __init__(self, stores: Sequence[Store]) -> None:
        self._stores = tuple(stores)
        self._read: dict[str, pd.Series[Any]] = {}
        self.columns = tuple(dict.fromkeys(name for store in stores for name in store.columns))

    def __len__(self) -> int:
        return sum(store.shape[0] for store in self._stores)

    def __getitem__(self, name: str) -> pd.Series[Any]:
        self.fetch([name])
        return self._read[name]

    def fetch(self, names: Iterable[str]) -> None:
        """Read columns together; names of none are passed over."""
        wanted = [
            name for name in dict.fromkeys(names) if name in self.columns and name not in self._read
        ]
        parts = [(name, store) for name in wanted for store in self._stores]
        with ThreadPoolExecutor(FETCHED) as threads:
            values = list(threads.map(lambda part: _column(*part), parts))
        for i, name in enumerate(wanted):
            mine = values[i * len(self._stores) : (i + 1) * len(self._stores)]
            self._read[name] = (
                pd.concat(mine, ignore_index=True).rename(name) if len(mine) > 1 else mine[0]
            )


def _column(name: str, store: Store) -> pd.Series[Any]:
    values = store.read(name) if name in store.columns else np.full(store.shape[0], np.nan)
    return pd.Series(values, name=name)


def joined_table(stores: Sequence[Store], *, named: bool) -> pd.DataFrame:
    """One row per window, rows of all stores one after the other; with ``named``, a column ``store`` that holds the URL."""
    tables = [store.table.assign(store=store.url) if named else store.table for store in stores]
    return (
        pd.concat(tables, ignore_index=True)
        if len(tables) > 1
        else tables[0].reset_index(drop=True)
    )


def joined_classes(stores: Sequence[Store]) -> dict[str, tuple[str, ...]]:
    """Classes of each column that the stores name, in the order of the first store that has them."""
    found: dict[str, dict[str, None]] = {}
    for store in stores:
        for name, classes in store.attributes.get("classes", {}).items():
            found.setdefault(name, {}).update(dict.fromkeys(classes))
    return {name: tuple(classes) for name, classes in found.items()}


def _check_fit(first: Store, other: Store) -> None:
    where = f"{other.url} does not fit {first.url}"
    if other.channels != first.channels:
        apart = [name for name in other.channels if name not in first.channels] + [
            name for name in first.channels if name not in other.channels
        ]
        what = (
            f"channels {', '.join(apart[:5])} are in one of them alone"
            if apart
            else "the order of their channels differs"
        )
        raise StoreError(f"{where}: {what}; convert them with the same channels")
    if other.sfreq != first.sfreq:
        raise StoreError(
            f"{where}: {other.sfreq:g} Hz and {first.sfreq:g} Hz; convert them at the same rate"
        )
    if other.shape[2] != first.shape[2]:
        raise StoreError(
            f"{where}: windows of {other.shape[2]} and {first.shape[2]} samples; convert them with the same window"
        )
