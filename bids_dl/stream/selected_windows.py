"""Windows that a dataset delivers: rows, targets and normalization, from the tables of stores."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bids_dl.config.arguments import check_flags, check_mappings, wrong_type
from bids_dl.errors import mask_secrets
from bids_dl.remote.cancellation import request_threads
from bids_dl.store import Store
from bids_dl.store.description import describe_windows
from bids_dl.store.row_selection import is_pandas
from bids_dl.stream.columns import FETCH_THREADS, JoinedColumns
from bids_dl.stream.mixing.mixture import Mixture, make_mixture
from bids_dl.stream.mixing.signal_request import SignalRequest
from bids_dl.stream.normalize import Normalizer, Statistics, make_normalizer
from bids_dl.stream.order import Indices, Steps
from bids_dl.stream.select import (
    TargetLike,
    Where,
    apply_function,
    check_missing_targets,
    is_target_array,
    make_targets,
    select_windows,
)
from bids_dl.stream.stores import (
    AS_STORED,
    StoreLike,
    join_classes,
    join_tables,
    open_stores,
)
from bids_dl.wording import join_names

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SelectedWindows:
    """Windows of one or several stores, with what a network is given of them.

    Attributes
    ----------
    stores
        Opened stores, one after the other.
    has_store_column
        True if a list of stores was given, so that the table names the store of each window.
    rows
        (n_windows,): row of each selected window in the joined table.
    targets
        (n_windows,) or (n_windows, k): target of each selected window.
    classes
        Class names by class index. Empty if the target is numeric or an array.
    normalizer
        Normalizes signals in place. None keeps µV.
    mixture
        Resamples and joins signals of several shapes, and normalizes them. None if the signals are
        delivered as they are stored.
    """

    stores: tuple[Store, ...]
    has_store_column: bool
    rows: Indices
    targets: npt.NDArray[Any]
    classes: tuple[str, ...]
    normalizer: Normalizer | None = field(repr=False)
    mixture: Mixture | None = field(default=None, repr=False)

    @cached_property
    def table(self) -> pd.DataFrame:
        """Table of the selected windows. Its index is the row of the store."""
        return join_tables(self.stores, with_store=self.has_store_column).iloc[self.rows]

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels. Empty if those of the stores differ."""
        first = self.channels_of(0)
        stores = range(1, len(self.stores))
        return first if all(self.channels_of(store) == first for store in stores) else ()

    def channels_of(self, store: int) -> tuple[str, ...]:
        """Return the names of the delivered channels of a store."""
        if self.mixture is None or self.mixture.montages is None:
            return self.stores[store].channels
        return self.mixture.montages.channels[store]

    @property
    def sfreq(self) -> float:
        """Sampling rate in Hz."""
        return self.stores[0].sfreq if self.mixture is None else self.mixture.sfreq

    @property
    def window_shape(self) -> tuple[int, int]:
        """Shape of a delivered window: (n_chans, n_times)."""
        return self.stores[0].shape[1:] if self.mixture is None else self.mixture.window_shape

    def recordings(self) -> tuple[list[str], Steps]:
        """Return ``DATASET/RECORDING`` of each recording, and its windows as one step."""
        table = JoinedColumns(self.stores)
        table.fetch(["dataset", "recording"])
        keys = table["dataset"].to_series() + "/" + table["recording"].to_series()
        names = keys.to_numpy()[self.rows]
        ends = np.cumsum([len(store) for store in self.stores])
        store = np.searchsorted(ends, self.rows, side="right")
        is_next = (names[1:] != names[:-1]) | (store[1:] != store[:-1])
        first = np.flatnonzero(np.r_[True, is_next])
        steps = Steps(np.arange(len(names)), np.r_[first, len(names)])
        return names[first].tolist(), steps

    def describe(self) -> dict[str, str]:
        """Describe the windows for `repr`, without reading anything."""
        n_chans, n_times = self.window_shape
        if self.classes:
            counts = np.bincount(self.targets, minlength=len(self.classes)).tolist()
            named = zip(self.classes, counts, strict=True)
            target = join_names(f"{name} {number}" for name, number in named)
        else:
            target = "numbers"
        urls = [mask_secrets(store.url) for store in self.stores]
        description = {
            "store" if len(urls) == 1 else "stores": join_names(urls),
            "windows": describe_windows(len(self.rows), n_chans, n_times, self.sfreq),
            "target": target,
        }
        if self.mixture is not None and self.mixture.montages is not None:
            numbers = [len(channels) for channels in self.mixture.montages.channels]
            description["montage"] = f"any, {join_names(numbers)} channels"
        return description

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("table", None)  # because it is large, and workers do not need it
        return state


def select_from_stores(
    store: StoreLike | Sequence[StoreLike],
    storage_options: Mapping[str, Any] | None,
    *,
    split: str | None,
    where: Where | None,
    target: TargetLike,
    normalize: str | Statistics | None,
    drop_missing: bool,
    request: SignalRequest = AS_STORED,
) -> SelectedWindows:
    """Open stores and select windows. Parameters and errors are those of `StreamingDataset`."""
    check_mappings(storage_options=storage_options)
    check_flags(drop_missing=drop_missing)
    _check_names(split, target)
    stores = open_stores(store, storage_options, request)
    has_store_column = not isinstance(store, str | os.PathLike | Store)
    table = JoinedColumns(stores)
    is_array = is_target_array(target)
    columns: list[str] = []
    if not is_array:
        columns.extend([target] if isinstance(target, str) else target)
    if isinstance(where, Mapping):
        columns.extend(name for name in where if isinstance(name, str))
    if split is not None:
        columns.append("split")
    with request_threads(FETCH_THREADS) as executor:  # so that all take one round trip
        channels = executor.submit(lambda: stores[0].channels)
        identities = executor.map(lambda store: store.identity, stores)
        table.fetch(columns)
    channels.result()
    list(identities)  # raises the error of a store whose checksums are damaged
    targets = make_targets(table, target, join_classes(stores))
    if callable(where):
        where = apply_function(where, join_tables(stores, with_store=has_store_column))
    mask = select_windows(table, split=split, where=where)
    if not drop_missing:
        check_missing_targets(targets, mask, "target" if is_array else repr(target))
    rows = np.flatnonzero(mask & ~targets.is_missing)
    normalizer = None
    mixture = None
    if request.keeps(stores):
        normalizer = make_normalizer(stores, table, normalize)
    else:
        mixture = make_mixture(stores, table, request, normalize)
    return SelectedWindows(
        stores,
        has_store_column,
        rows,
        targets.values[rows],
        targets.classes,
        normalizer,
        mixture,
    )


def _check_names(split: Any, target: Any) -> None:
    """Refuse a split that is no name, and a target that is neither names nor an array."""
    if split is not None and not isinstance(split, str | list):
        raise wrong_type("split", "the name of a split, such as 'train', or None", split)
    if is_target_array(target):
        return
    names = [target] if isinstance(target, str) else target
    is_listed = isinstance(names, Sequence | np.ndarray) or is_pandas(names, "Index")
    if not is_listed or not all(isinstance(name, str) for name in names):
        raise wrong_type("target", "a column, a list of columns or an array of numbers", target)
