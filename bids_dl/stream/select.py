"""Select windows of the table and make their targets, as pure functions that evaluate no text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from bids_dl.config.arguments import describe_value, wrong_type
from bids_dl.datamodel import ENTITY_PREFIXES
from bids_dl.errors import ConditionError, NoMatchError, RequestError, TargetError
from bids_dl.splits import SPELLINGS
from bids_dl.store.row_selection import in_row_order, is_pandas
from bids_dl.stream.columns import JoinedColumns, Mask, TableColumn, column_of_series
from bids_dl.wording import closest, join_names

if TYPE_CHECKING:
    import pandas as pd

Where = (
    Mapping[str, Any]
    | npt.NDArray[np.bool_]
    | Sequence[bool]
    | Callable[["pd.DataFrame"], "npt.NDArray[np.bool_] | pd.Series"]
)
TargetLike = str | Sequence[str] | npt.NDArray[Any]
MISSING_TEXT = ("", "n/a")
MAX_VALUES_LISTED = 10


@dataclass(frozen=True, slots=True)
class Targets:
    """Targets of all windows of a table.

    Parameters
    ----------
    values
        int64 class indices (n_windows,) of a text column, float32 (n_windows,) of a column of
        numbers, or float32 (n_windows, n_columns) of several columns. Those of an array are int64
        or float32, (n_windows,) or (n_windows, k).
    is_missing
        (n_windows,): windows without a target, whose values are undefined.
    classes
        Name of each class index. Empty for numbers and for an array.
    """

    values: npt.NDArray[Any]
    is_missing: Mask
    classes: tuple[str, ...]


def select_windows(
    table: pd.DataFrame | JoinedColumns, *, split: str | None, where: Where | None
) -> Mask:
    """Return a mask (n_windows,) of the windows of a split that meet all conditions.

    Parameters
    ----------
    table
        All windows.
    split
        Value of the column ``split``. None takes all.
    where
        As in `StreamingDataset`.

    Raises
    ------
    ConditionError
        A column does not exist, or a condition does not fit the column.
    NoMatchError
        No window is left.
    """
    mask = np.ones(len(table), bool)
    if split is not None:
        mask &= _matches(table, "split", split)
        if not mask.any():
            column = get_column(table, "split", ConditionError)
            raise NoMatchError(
                f"no window has the split {split!r}; available: {_describe_values(column)}"
                f"{_suggest_value(column, split)}"
            )
    if isinstance(where, Mapping):
        for name, condition in where.items():
            matches = _matches(table, name, condition)
            if not (mask & matches).any():
                others = "" if mask.all() else " that meets the other conditions"
                column = get_column(table, name, ConditionError)
                column = TableColumn(name, column.values[mask], column.texts)
                raise NoMatchError(
                    f"no window{others} has {name} {condition!r}; "
                    f"available: {_describe_values(column)}{_suggest_value(column, condition)}"
                )
            mask &= matches
    elif where is not None:
        mask &= _as_mask(where, len(table))
    if not mask.any():
        raise NoMatchError("where= leaves no window")
    return mask


def make_targets(
    table: pd.DataFrame | JoinedColumns,
    target: TargetLike,
    classes: Mapping[str, Sequence[str]],
) -> Targets:
    """Return the targets of all windows.

    Parameters
    ----------
    table
        All windows.
    target
        Column, list of columns of numbers, or array as in `array_targets`.
    classes
        Classes of columns, in the order of their indices. The classes of another text column are
        the sorted values of the whole column.

    Raises
    ------
    TargetError
        A column does not exist, a list of columns is empty or contains a text column, or an array
        does not fit the table.
    """
    if is_target_array(target):
        return array_targets(target, len(table))
    if isinstance(target, str):
        values = get_column(table, target)
        if values.is_numeric:
            return _numeric_targets(values)
        return _class_targets(values, classes.get(target))
    columns = [get_column(table, name) for name in target]
    text_columns = [values.name for values in columns if not values.is_numeric]
    if text_columns:
        raise TargetError(
            f"a list of targets must be numbers, but {', '.join(text_columns)} contain text; "
            "use a single column of text"
        )
    if not columns:
        raise TargetError("target is an empty list; name at least one column")
    parts = [_numeric_targets(values) for values in columns]
    stacked = np.stack([part.values for part in parts], axis=1)
    return Targets(stacked, np.any([part.is_missing for part in parts], axis=0), ())


def is_target_array(target: Any) -> bool:
    """Return True for an array, tensor, Series or DataFrame of values, False for columns."""
    if isinstance(target, torch.Tensor) or is_pandas(target, "DataFrame"):
        return True
    return hasattr(target, "dtype") and np.asarray(target).dtype.kind not in "OUST"


def array_targets(target: Any, n_windows: int) -> Targets:
    """Return the targets of an array with one row per window.

    Parameters
    ----------
    target
        (n_windows,) or (n_windows, k) integers or floats. NaN, or a row of only NaN, is missing. A
        Series or DataFrame whose index has the rows of the table in another order is put in order.

    Raises
    ------
    TargetError
        The array has another shape or data type, or an infinite value.
    """
    if isinstance(target, torch.Tensor):
        target = target.detach().cpu().float() if target.is_floating_point() else target.cpu()
    elif is_pandas(target, "Series", "DataFrame") and set(target.index) == {*range(n_windows)}:
        target = target.sort_index()
    values = np.asarray(target)
    if values.ndim not in (1, 2) or len(values) != n_windows or not values.size:
        raise TargetError(
            f"a target array must have one row per window, ({n_windows},) or ({n_windows}, k), "
            f"got {_describe_array(values)}"
        )
    if values.dtype.kind in "iu":
        return Targets(values.astype(np.int64), np.zeros(n_windows, bool), ())
    if values.dtype.kind != "f":
        raise TargetError(
            f"a target array must contain integers or floats, got {_describe_array(values)}"
        )
    with np.errstate(over="ignore"):
        numbers = values.astype(np.float32)
    infinite = np.argwhere(np.isinf(numbers))
    if len(infinite):
        raise TargetError(f"the target of window {infinite[0, 0]} is not finite")
    is_missing = np.asarray(np.isnan(numbers.reshape(n_windows, -1)).all(axis=1))
    return Targets(numbers, is_missing, ())


def get_column(
    table: pd.DataFrame | JoinedColumns, name: str, error: type[RequestError] = TargetError
) -> TableColumn:
    """Return a column of a table.

    Raises
    ------
    TargetError
        There is no such column, and ``error`` is no other class. The message lists the columns.
    """
    if name not in table.columns:
        match = closest(str(name), map(str, table.columns))
        hint = f"; did you mean {match!r}?" if match else ""
        available = ", ".join(map(str, table.columns))
        raise error(f"no column {name!r}; this store has {available}{hint}")
    return table[name] if isinstance(table, JoinedColumns) else column_of_series(table[name])


def check_missing_targets(targets: Targets, mask: Mask, name: str) -> None:
    """Raise `TargetError` if a selected window has no target."""
    count = int((targets.is_missing & mask).sum())
    if count:
        raise TargetError(
            f"{count} of {int(mask.sum())} windows have no {name}; "
            "drop_missing=True leaves them out"
        )


def _matches(table: pd.DataFrame | JoinedColumns, name: str, condition: Any) -> Mask:
    """Return the mask of the windows whose column meets one condition."""
    values = get_column(table, name, ConditionError)
    is_numeric = values.is_numeric
    if isinstance(condition, tuple):
        if len(condition) != 2 or not is_numeric:
            raise ConditionError(
                f"where {name}: {condition!r} is a range (low, high), which needs a column of "
                "numbers; put alternatives in a list"
            )
        return _in_range(values, *condition)
    alternatives = [condition]
    is_list = isinstance(condition, list | set | frozenset | np.ndarray)
    if is_list or is_pandas(condition, "Series", "Index"):
        alternatives = list(condition)
    for value in alternatives:
        if not isinstance(value, str | Number | np.generic):
            raise wrong_type(f"where {name}", "a value, a list, or a range (low, high)", value)
        if isinstance(value, str) == is_numeric:
            content = "numbers" if is_numeric else "text"
            raise ConditionError(f"where {name}: the column contains {content}, got {value!r}")
    if name in ENTITY_PREFIXES and not is_numeric:
        prefix = f"{ENTITY_PREFIXES[name]}-"  # optional, as on the command line
        alternatives += [str(value).removeprefix(prefix) for value in alternatives]
    return values.matches(alternatives)


def _in_range(values: TableColumn, low: float | None, high: float | None) -> Mask:
    """Return the mask of values from ``low`` to ``high``, inclusive. None is no limit."""
    for limit in (low, high):
        if limit is not None and not isinstance(limit, Number | np.generic):
            raise wrong_type(f"where {values.name}", "a range of numbers or None", limit)
    lower = np.asarray(-np.inf if low is None else low, float)
    upper = np.asarray(np.inf if high is None else high, float)
    return np.asarray((values.values >= lower) & (values.values <= upper), bool)


def _as_mask(where: Any, n_windows: int) -> Mask:
    """Return booleans, of any type that holds them, as an array (n_windows,)."""
    is_sequence = hasattr(where, "__len__") and not isinstance(where, str | bytes)
    expected = f"a mapping, a function of the table, or one boolean per window ({n_windows})"
    if not is_sequence:
        raise wrong_type("where", expected, where)
    mask = _as_booleans(where, n_windows)
    if mask is None or mask.shape != (n_windows,):
        raise ConditionError(f"where must be {expected}, got {_describe_array(where)}")
    return mask


def _as_booleans(values: Any, n_windows: int) -> Mask | None:
    """Return values as booleans, or None if they are no booleans or have missing values."""
    try:
        array = np.asarray(in_row_order(values, n_windows))
    except ValueError:
        return None
    if array.dtype == object and all(isinstance(value, bool | np.bool_) for value in array.flat):
        array = array.astype(bool)  # of pandas' nullable booleans
    return array if array.dtype == np.bool_ else None


def _describe_array(values: Any) -> str:
    """Describe values by type, data type and shape."""
    try:
        array = np.asarray(values)
    except ValueError:
        return describe_value(values)
    return f"{type(values).__name__} of {array.dtype} {array.shape}"


def apply_function(function: Callable[[pd.DataFrame], Any], table: pd.DataFrame) -> Mask:
    """Return the mask (n_windows,) that a function makes from the table of all windows.

    Raises
    ------
    ConditionError
        The function returned something else than one boolean per window.
    """
    result = function(table.copy())  # so that the function cannot change the store's table
    mask = _as_booleans(result, len(table))
    if mask is None or mask.shape != (len(table),):
        raise ConditionError(
            f"the function where= must return one boolean per window ({len(table)}), "
            f'as lambda table: table["subject"] == "001" does; '
            f"it returned {_describe_array(result)}"
        )
    return mask


def _numeric_targets(column: TableColumn) -> Targets:
    numbers = column.values.astype(np.float32)
    return Targets(numbers, np.isnan(numbers), ())


def _class_targets(column: TableColumn, classes: Sequence[str] | None) -> Targets:
    texts = column.texts or ()
    if classes is None:
        classes = sorted(text for text in texts if text not in MISSING_TEXT)
    class_of = {name: number for number, name in enumerate(classes) if name not in MISSING_TEXT}
    class_of_text = np.array([*(class_of.get(text, -1) for text in texts), -1], np.int64)
    indices = class_of_text[column.values]
    return Targets(indices, indices < 0, tuple(classes))


def _suggest_value(values: TableColumn, value: Any) -> str:
    """Suggest the value of a column of text that was probably meant, or return ""."""
    if not isinstance(value, str) or values.is_numeric:
        return ""
    known = [str(name) for name in values.to_series().unique()]
    alias = SPELLINGS.get(value.casefold()) if values.name == "split" else None
    for name in (alias, closest(value, known)):
        if name in known:
            return f"; did you mean {name!r}?"
    return ""


def _describe_values(column: TableColumn) -> str:
    """List values with their counts, ``train (120), test (30)``, or the range of many numbers."""
    values = column.to_series()
    if column.is_numeric and values.nunique() > MAX_VALUES_LISTED:
        return f"values from {values.min():g} to {values.max():g}"
    counts = values.value_counts()
    names = (f"{value} ({count})" for value, count in counts.items())
    return join_names(names, limit=MAX_VALUES_LISTED)
