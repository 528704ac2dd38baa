"""Rows of a store that an index in square brackets selects."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from bids_dl.config.arguments import wrong_type
from bids_dl.wording import count

EXPECTED = "a row number, a slice, an array of row numbers or one boolean per window"


def select_row(index: Any, n_rows: int) -> int | None:
    """Return the row that an integer selects, or None if the index is no integer.

    Negative numbers count from the end.

    Raises
    ------
    IndexError
        There is no such row.

    Examples
    --------
    >>> select_row(-1, 240), select_row(slice(3), 240)
    (239, None)
    """
    if isinstance(index, bool | np.bool_) or not hasattr(index, "__index__"):
        return None
    if getattr(index, "ndim", 0):
        return None
    row = int(index)
    if not -n_rows <= row < n_rows:
        raise IndexError(f"no window {row}: there are {n_rows}, numbered from 0")
    return row % n_rows


def select_rows(index: Any, n_rows: int) -> npt.NDArray[np.int64]:
    """Return the rows that a slice, row numbers or booleans select.

    Raises
    ------
    IndexError
        A row does not exist, or there is not one boolean per row.
    ArgumentTypeError
        The index is something else.

    Examples
    --------
    >>> select_rows(slice(None, None, 100), 240).tolist(), select_rows([-1, 0], 240).tolist()
    ([0, 100, 200], [239, 0])
    """
    if isinstance(index, slice):
        return np.arange(n_rows)[index]
    if isinstance(index, str | bytes | tuple) or not hasattr(index, "__len__"):
        raise wrong_type("the index of a store", EXPECTED, index)
    try:
        values = np.asarray(in_row_order(index, n_rows))
    except ValueError:
        raise wrong_type("the index of a store", EXPECTED, index) from None
    if values.ndim == 1 and not len(values):
        values = values.astype(np.int64)
    if values.ndim != 1 or values.dtype.kind not in "iub":
        raise wrong_type("the index of a store", EXPECTED, index)
    if values.dtype.kind == "b":
        if len(values) != n_rows:
            booleans, windows = count(len(values), "boolean"), count(n_rows, "window")
            raise IndexError(f"{booleans} for {windows}; give one per window")
        return np.flatnonzero(values)
    rows = values.astype(np.int64)
    outside = rows[(rows < -n_rows) | (rows >= n_rows)]
    if len(outside):
        raise IndexError(f"no window {outside[0]}: there are {n_rows}, numbered from 0")
    return rows % n_rows


def in_row_order(values: Any, n_rows: int) -> Any:
    """Return booleans of a pandas Series in the order of the table, as pandas compares them.

    A Series that was sorted has the row numbers of the table as its index, in another order.
    Anything else is returned as it is.

    Examples
    --------
    >>> import pandas as pd
    >>> in_row_order(pd.Series([True, False], index=[1, 0]), 2).tolist()
    [False, True]
    """
    if not is_pandas(values, "Series"):
        return values
    from pandas.api.types import is_integer_dtype

    if is_integer_dtype(values):
        return values
    is_permuted = len(values) == n_rows and set(values.index) == set(range(n_rows))
    return values.sort_index() if is_permuted else values


def is_pandas(value: Any, *names: str) -> bool:
    """Return whether a value is an instance of classes of pandas, without importing pandas.

    Examples
    --------
    >>> is_pandas([1, 2], "Series", "Index")
    False
    """
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return False  # nobody has made an instance
    return isinstance(value, tuple(getattr(pandas, name) for name in names))
