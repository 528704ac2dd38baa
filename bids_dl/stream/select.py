"""Which windows of the table a stream takes, and what it gives as their target. Pure; nothing here evaluates text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from bids_dl.errors import NoMatchError, TargetError

if TYPE_CHECKING:
    from bids_dl.stream.stores import Columns

Mask = npt.NDArray[np.bool_]
Where = Mapping[str, Any] | npt.NDArray[np.bool_] | Sequence[bool]
MISSING_TEXT = ("", "n/a")


@dataclass(frozen=True, slots=True)
class Targets:
    """Targets of all windows of a table.

    Parameters
    ----------
    values
        int64 codes (n_windows,) of text, float32 (n_windows,) of numbers or (n_windows, k) of several columns.
    missing
        Windows that have none; their values mean nothing.
    classes
        What the codes stand for; empty for numbers.
    """

    values: npt.NDArray[Any]
    missing: Mask
    classes: tuple[str, ...]


def select(table: pd.DataFrame | Columns, *, split: str | None, where: Where | None) -> Mask:
    """The windows of a split that fulfil all conditions.

    Raises
    ------
    TargetError
        A column that is not there, or a condition that does not fit it.
    NoMatchError
        No window is left.
    """
    mask = np.ones(len(table), bool)
    if split is not None:
        mask &= _matches(table, "split", split)
        if not mask.any():
            raise NoMatchError(
                f"no window has the split {split!r}; there are {_counts(column(table, 'split'))}"
            )
    if isinstance(where, Mapping):
        for name, wanted in where.items():
            matching = _matches(table, name, wanted)
            if not (mask & matching).any():
                scope = "" if mask.all() else " that fulfils the other conditions"
                raise NoMatchError(
                    f"no window{scope} has {name} {wanted!r}; there are {_counts(column(table, name)[mask])}"
                )
            mask &= matching
    elif where is not None:
        mask &= _as_mask(where, len(table))
    if not mask.any():
        raise NoMatchError("where= leaves no window")
    return mask


def targets(
    table: pd.DataFrame | Columns, target: str | Sequence[str], classes: Mapping[str, Sequence[str]]
) -> Targets:
    """Targets of all windows, codes in the order of the store's classes, else of the sorted values of the whole column.

    Raises
    ------
    TargetError
        A column that is not there, or text in a list of columns.
    """
    if isinstance(target, str):
        values = column(table, target)
        return _numbers(values) if is_numeric_dtype(values) else _codes(values, classes.get(target))
    columns = [column(table, name) for name in target]
    if text := [str(values.name) for values in columns if not is_numeric_dtype(values)]:
        raise TargetError(
            f"a list of targets must be numbers, but {', '.join(text)} hold text; give one column of text alone"
        )
    if not columns:
        raise TargetError("target is an empty list; name at least one column")
    parts = [_numbers(values) for values in columns]
    return Targets(
        np.stack([part.values for part in parts], axis=1),
        np.any([part.missing for part in parts], axis=0),
        (),
    )


def column(table: pd.DataFrame | Columns, name: str) -> pd.Series[Any]:
    """A column, or a TargetError that lists what there is."""
    if name not in table.columns:
        raise TargetError(
            f"no column {name!r}; this store has {', '.join(map(str, table.columns))}"
        )
    return table[name]


def check_missing(found: Targets, mask: Mask, target: str | Sequence[str]) -> None:
    """Refuse windows without a target."""
    count = int((found.missing & mask).sum())
    if count:
        raise TargetError(
            f"{count} of {int(mask.sum())} windows have no {target!r}; drop_missing=True leaves them out"
        )


def _matches(table: pd.DataFrame | Columns, name: str, wanted: Any) -> Mask:
    values = column(table, name)
    numeric = is_numeric_dtype(values)
    if isinstance(wanted, tuple):
        if len(wanted) != 2 or not numeric:
            raise TargetError(
                f"where {name}: {wanted!r} asks for a range (low, high) of numbers; alternatives go in a list"
            )
        low, high = (
            np.asarray(limit, float) if limit is not None else sign * np.inf
            for limit, sign in zip(wanted, (-1, 1), strict=True)
        )
        return np.asarray((values >= low) & (values <= high), bool)
    alternatives = (
        list(wanted) if isinstance(wanted, list | set | frozenset | np.ndarray) else [wanted]
    )
    if wrong := [value for value in alternatives if isinstance(value, str) == numeric]:
        raise TargetError(
            f"where {name}: the column holds {'numbers' if numeric else 'text'}, got {wrong[0]!r}"
        )
    return np.asarray(values.isin(alternatives), bool)


def _as_mask(where: npt.NDArray[Any] | Sequence[bool], n_windows: int) -> Mask:
    mask = np.asarray(where)
    if mask.dtype != np.bool_ or mask.shape != (n_windows,):
        raise TargetError(
            f"where must be a mapping or one boolean per window, ({n_windows},), got {mask.dtype} {mask.shape}"
        )
    return mask


def _numbers(values: pd.Series[Any]) -> Targets:
    numbers = (
        values.to_numpy(np.float32, na_value=np.nan)
        if not is_bool_dtype(values)
        else values.to_numpy(np.float32)
    )
    return Targets(numbers, np.isnan(numbers), ())


def _codes(values: pd.Series[Any], classes: Sequence[str] | None) -> Targets:
    missing = np.asarray(values.isna() | values.isin(MISSING_TEXT), bool)
    names = (
        tuple(classes)
        if classes is not None
        else tuple(sorted(map(str, values[~missing].unique())))
    )
    codes = pd.Categorical(values.where(~missing, None), categories=list(names)).codes.astype(
        np.int64
    )
    return Targets(codes, codes < 0, names)


def _counts(values: pd.Series[Any]) -> str:
    """Values and how often they come, ``train (120), test (30)``; for many numbers their range."""
    if is_numeric_dtype(values) and values.nunique() > 10:
        return f"values from {values.min():g} to {values.max():g}"
    counts = values.value_counts()
    names = [f"{value} ({count})" for value, count in list(counts.items())[:10]]
    return ", ".join(names) + (f" and {len(counts) - 10} more" if len(counts) > 10 else "")
