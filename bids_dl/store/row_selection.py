"""Rows of a store that an index in square brackets selects."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bids_dl.config.arguments import wrong_type

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
        values = np.asarray(index)
    except ValueError:
        raise wrong_type("the index of a store", EXPECTED, index) from None
    if values.ndim == 1 and not len(values):
        values = values.astype(np.int64)
    if values.ndim != 1 or values.dtype.kind not in "iub":
        raise wrong_type("the index of a store", EXPECTED, index)
    if values.dtype.kind == "b":
        if len(values) != n_rows:
            raise IndexError(f"{len(values)} booleans for {n_rows} windows; give one per window")
        return np.flatnonzero(values)
    rows = values.astype(np.int64)
    outside = rows[(rows < -n_rows) | (rows >= n_rows)]
    if len(outside):
        raise IndexError(f"no window {outside[0]}: there are {n_rows}, numbered from 0")
    return rows % n_rows
