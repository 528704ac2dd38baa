"""WindowDataset: the windows of a store by number, for samplers and loaders of PyTorch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from bids_dl.config.arguments import check_callables, wrong_type
from bids_dl.store.row_selection import select_row
from bids_dl.store.signals.window_reader import WindowReader
from bids_dl.stream.normalize import Statistics
from bids_dl.stream.order import Indices
from bids_dl.stream.select import TargetLike, Where
from bids_dl.stream.selected_windows import select_from_stores
from bids_dl.stream.stores import StoreLike, chunk_sources
from bids_dl.wording import describe_rows, describe_rows_html

if TYPE_CHECKING:
    import pandas as pd


class DatasetItem(NamedTuple):
    """One window of a `WindowDataset`."""

    signals: torch.Tensor  # float32 (n_chans, n_times), in µV unless normalized
    target: torch.Tensor  # int64 class index, float32 number, or float32 (k,)
    index: int  # type: ignore[assignment]  # row of the store


class WindowDataset(Dataset[DatasetItem]):
    """Windows of a finished store, or of several joined stores, by number.

    The values are those of `StreamingDataset`. Use it where a map-style dataset is required, such
    as a sampler, `torch.utils.data.random_split` or a few windows by hand. To read whole epochs,
    `StreamingDataset` is faster, because it reads each chunk once.

    ``DataLoader(dataset, batch_size=64, shuffle=True)`` reads the windows of a batch together.
    Each process keeps the chunks that it read last.

    Parameters
    ----------
    store, split, where, target, normalize, storage_options, drop_missing
        As in `StreamingDataset`.
    transform
        Function called with the signals (n_chans, n_times) of each window, a tensor. Its return
        value takes their place.

    Attributes
    ----------
    windows
        Table of the selected windows. Its index is the row of the store.
    targets
        Target of each window, a tensor.
    classes
        Class names by class index. Empty if the target is numeric or an array.
    channels, sfreq, n_chans, n_times
        Channel names, sampling rate in Hz, and shape of a window.

    Raises
    ------
    StoreError
        There is no finished store, or the stores do not fit each other.
    TargetError, ConditionError
        The target, or ``where``, does not fit the table of the store, or windows have no target.
    NoMatchError
        No window is left.
    ConfigError
        An option has a wrong type or is out of range.

    Examples
    --------
    >>> dataset = WindowDataset("eyes.zarr", split="train", normalize="window")
    >>> signals, target, index = dataset[0]
    >>> assert signals.shape == (dataset.n_chans, dataset.n_times)
    """

    def __init__(
        self,
        store: StoreLike | Sequence[StoreLike],
        *,
        split: str | None = None,
        where: Where | None = None,
        target: TargetLike = "label",
        normalize: str | Statistics | None = None,
        transform: Callable[[torch.Tensor], Any] | None = None,
        storage_options: Mapping[str, Any] | None = None,
        drop_missing: bool = False,
    ) -> None:
        super().__init__()
        check_callables(transform=transform)
        self._selected = select_from_stores(
            store,
            storage_options,
            split=split,
            where=where,
            target=target,
            normalize=normalize,
            drop_missing=drop_missing,
        )
        self._sources = chunk_sources(self._selected.stores, cache=False, cache_bytes=0)
        self._opened: tuple[int, list[WindowReader]] | None = None  # (process, one per store)
        self.transform = transform
        self.classes = self._selected.classes
        self.channels = self._selected.channels
        self.sfreq = self._selected.sfreq
        self.n_chans, self.n_times = self._selected.window_shape

    @property
    def windows(self) -> pd.DataFrame:
        """Table of the selected windows. Its index is the row of the store."""
        return self._selected.table

    @property
    def targets(self) -> torch.Tensor:
        """Target of each window: int64 class indices, or float32 numbers."""
        return torch.from_numpy(self._selected.targets)

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self._selected.rows)

    def __getitem__(self, index: int) -> DatasetItem:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[DatasetItem]:
        """Return several windows, read together. PyTorch calls it for each batch."""
        numbers = np.array([self._number(index) for index in indices], np.int64)
        rows = self._selected.rows[numbers]
        signals = self._read(rows)
        if self._selected.normalizer is not None and len(rows):
            self._selected.normalizer(signals, rows)
        targets = torch.from_numpy(self._selected.targets[numbers])
        items = []
        for window, target, row in zip(torch.from_numpy(signals), targets, rows, strict=True):
            # a copy, so that an item does not hold the memory of the others
            own = window.clone() if len(rows) > 1 else window
            transformed = own if self.transform is None else self.transform(own)
            items.append(DatasetItem(transformed, target.clone(), int(row)))
        return items

    def __iter__(self) -> Iterator[DatasetItem]:
        return (self[number] for number in range(len(self)))

    def __repr__(self) -> str:
        return describe_rows(type(self).__name__, self._selected.describe())

    def _repr_html_(self) -> str:
        """Describe the dataset in a notebook."""
        return describe_rows_html(type(self).__name__, self._selected.describe())

    def _number(self, index: Any) -> int:
        """Return the number of a window, counted from 0."""
        number = select_row(index, len(self))
        if number is None:
            raise wrong_type("the index of a WindowDataset", "an integer", index)
        return number

    def _read(self, rows: Indices) -> Any:
        """Read the signals (n_rows, n_chans, n_times) of rows of the joined table, in µV."""
        readers = self._readers()
        if len(readers) == 1:
            return readers[0].read(rows)
        first_rows = self._sources.first_rows
        store = np.searchsorted(first_rows, rows, side="right") - 1
        signals = np.empty((len(rows), self.n_chans, self.n_times), np.float32)
        for number in np.unique(store).tolist():
            places = np.flatnonzero(store == number)
            signals[places] = readers[number].read(rows[places] - first_rows[number])
        return signals

    def _readers(self) -> list[WindowReader]:
        """Return the readers of this process, opened when they are first used."""
        if self._opened is None or self._opened[0] != os.getpid():
            chunks = self._sources.open()
            self._opened = os.getpid(), [WindowReader(reader) for reader in chunks.readers]
        return self._opened[1]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_opened": None}
