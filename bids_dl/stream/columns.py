"""Columns of the window table as arrays: numbers, or text as indices of its distinct values.

Selecting windows and making targets needs no pandas, which takes longer to import than a store
takes to open, and no object for each text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bids_dl.remote.cancellation import request_threads
from bids_dl.store import Store
from bids_dl.store.columns import TextCodes

if TYPE_CHECKING:
    import pandas as pd

Mask = npt.NDArray[np.bool_]
FETCH_THREADS = 16  # columns and stores fetched at once, because each costs one round trip


@dataclass(frozen=True, slots=True, eq=False)
class TableColumn:
    """Column of the window table.

    Attributes
    ----------
    name
        Name of the column.
    values
        (n_windows,): the numbers, or the index in ``texts`` of each text; -1 if it has no text.
    texts
        Distinct texts, None for a column of numbers.
    """

    name: str
    values: npt.NDArray[Any]
    texts: tuple[str, ...] | None = None

    @property
    def is_numeric(self) -> bool:
        """True for a column of numbers."""
        return self.texts is None

    def matches(self, alternatives: Iterable[Any]) -> Mask:
        """Return the mask (n_windows,) of the values that are one of several."""
        if self.texts is None:
            return _are_numbers(self.values, alternatives)
        wanted = set(alternatives)
        is_wanted = [*(text in wanted for text in self.texts), False]
        mask: Mask = np.array(is_wanted, bool)[self.values]
        return mask

    def to_series(self) -> pd.Series[Any]:
        """Return the values as a column of pandas, NaN for windows without a text."""
        import pandas as pd

        values = self.values
        if self.texts is not None:
            values = np.array([*self.texts, np.nan], object)[self.values]
        return pd.Series(values, name=self.name)


def _are_numbers(values: npt.NDArray[Any], alternatives: Iterable[Any]) -> Mask:
    """Return the mask of numbers that are one of several. NaN is NaN."""
    wanted = np.array(list(alternatives))
    mask = np.isin(values, wanted)
    if wanted.dtype.kind == "f" and np.isnan(wanted).any():
        mask |= np.isnan(values)
    return mask


def column_of_series(series: pd.Series[Any]) -> TableColumn:
    """Return a column of pandas as a `TableColumn`."""
    import pandas as pd

    name = str(series.name)
    if pd.api.types.is_numeric_dtype(series):
        return TableColumn(name, series.to_numpy())
    values, texts = pd.factorize(series)
    return TableColumn(name, values, tuple(map(str, texts)))


class JoinedColumns:
    """Window tables of several stores, joined row by row. Columns are read on first use.

    Parameters
    ----------
    stores
        Stores whose windows are the rows, one store after the other.

    Attributes
    ----------
    columns
        Names of the columns of all stores. A column has no value in the rows of a store without it.
    """

    def __init__(self, stores: Sequence[Store]) -> None:
        self._stores = tuple(stores)
        self._values: dict[str, TableColumn] = {}
        names: dict[str, None] = {}
        for store in stores:
            names.update(dict.fromkeys(store.columns))
        self.columns = tuple(names)

    def __len__(self) -> int:
        return sum(store.shape[0] for store in self._stores)

    def __getitem__(self, name: str) -> TableColumn:
        self.fetch([name])
        return self._values[name]

    def fetch(self, names: Iterable[str]) -> None:
        """Read columns in parallel. Unknown names are ignored."""
        known = [name for name in dict.fromkeys(names) if name in self.columns]
        missing = [name for name in known if name not in self._values]
        with request_threads(FETCH_THREADS) as threads:
            futures = {
                name: [threads.submit(_read_column, name, store) for store in self._stores]
                for name in missing
            }
        for name, parts in futures.items():
            self._values[name] = _join(name, [part.result() for part in parts], self._stores)


def _read_column(name: str, store: Store) -> npt.NDArray[Any] | TextCodes | None:
    """Read a column of a store, None if the store has no such column."""
    if name not in store.columns:
        return None
    if store.metadata(name)["data_type"] == "string":
        return store.read_codes(name)
    return store.read(name)


def _join(
    name: str,
    parts: Sequence[npt.NDArray[Any] | TextCodes | None],
    stores: Sequence[Store],
) -> TableColumn:
    """Join the parts of a column. Numbers count as missing if another store has text."""
    if not any(isinstance(part, TextCodes) for part in parts):
        arrays = [
            part if isinstance(part, np.ndarray) else np.full(len(store), np.nan)
            for part, store in zip(parts, stores, strict=True)
        ]
        return TableColumn(name, arrays[0] if len(arrays) == 1 else np.concatenate(arrays))
    number_of: dict[str, int] = {}
    values = []
    for part, store in zip(parts, stores, strict=True):
        if isinstance(part, TextCodes):
            numbers = [number_of.setdefault(text, len(number_of)) for text in part.texts]
            values.append(np.array(numbers, np.int32)[part.codes])
        else:
            values.append(np.full(len(store), -1, np.int32))
    joined = values[0] if len(values) == 1 else np.concatenate(values)
    return TableColumn(name, joined, tuple(number_of))
