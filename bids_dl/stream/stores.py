"""Several stores as one: one table, one set of classes, one numbering of chunks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl.errors import ConfigError, StoreError
from bids_dl.store import Store, open_store
from bids_dl.store.chunks import ChunkReader
from bids_dl.store.location import Location
from bids_dl.stream.pool import Chunks

Place = str | Path | Store


@dataclass(frozen=True, slots=True)
class Sources:
    """What a process needs to open the chunks of some stores by itself; holds no handle."""

    urls: tuple[str, ...]
    options: tuple[Mapping[str, Any], ...] = field(repr=False)
    metadata: tuple[Mapping[str, Any], ...] = field(repr=False)
    recordings: tuple[npt.NDArray[Any], ...] = field(repr=False)

    def open(self) -> Chunks:
        parts = zip(self.urls, self.options, self.metadata, self.recordings, strict=True)
        readers = [ChunkReader(Location(url, options), metadata, recordings=names) for url, options, metadata, names in parts]
        return Chunks(readers, np.r_[0, np.cumsum([reader.shape[0] for reader in readers])])


def open_all(places: Place | Sequence[Place], storage_options: Mapping[str, Any] | None) -> tuple[Store, ...]:
    """The stores, seen to fit: same channels, rate and length of a window.

    Raises
    ------
    StoreError
        One cannot be opened, or does not fit the first.
    """
    listed = [places] if isinstance(places, str | Path | Store) else list(places)
    if not listed:
        raise ConfigError("no store to stream: the list is empty")
    stores = tuple(place if isinstance(place, Store) else open_store(str(place), storage_options=storage_options) for place in listed)
    for store in stores[1:]:
        _check_fit(stores[0], store)
    return stores


def sources(stores: Sequence[Store]) -> Sources:
    return Sources(
        tuple(store.url for store in stores),
        tuple(store.storage_options for store in stores),
        tuple(store.metadata("signals") for store in stores),
        tuple(store.table["recording"].to_numpy() for store in stores),
    )


def joined_table(stores: Sequence[Store], *, named: bool) -> pd.DataFrame:
    """One row per window, rows of all stores one after the other; with ``named``, a column ``store`` that holds the URL."""
    tables = [store.table.assign(store=store.url) if named else store.table for store in stores]
    return pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0].reset_index(drop=True)


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
        what = f"channels {', '.join(apart[:5])} are in one of them alone" if apart else "the order of their channels differs"
        raise StoreError(f"{where}: {what}; convert them with the same channels")
    if other.sfreq != first.sfreq:
        raise StoreError(f"{where}: {other.sfreq:g} Hz and {first.sfreq:g} Hz; convert them at the same rate")
    if other.shape[2] != first.shape[2]:
        raise StoreError(f"{where}: windows of {other.shape[2]} and {first.shape[2]} samples; convert them with the same window")
