"""Read the target of all windows of a store from one or several columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from bids_dl.config.training_options import TargetKind
from bids_dl.errors import TargetError
from bids_dl.models.target import TargetSpec
from bids_dl.stream.select import MISSING_TEXT
from bids_dl.wording import join_names, suggest

RESERVED_COLUMNS = (
    *("seed", "fold", "window", "dataset", "subject", "session", "run", "recording", "block"),
    *("onset", "predicted", "seen", "n_windows", "tie"),
)
"""Columns of every table of predictions or votes, which therefore cannot be targets."""
MISSING_NAME = "n/a"  # of the class of a window without a target
MAX_CLASSES = 5000  # THINGS-EEG, one of the largest, has 1854
MAX_NUMBERED_CLASSES = 10  # as many as there are digits; more whole numbers are a quantity
SUM_TOLERANCE = 1e-3  # of shares, which files round to about four digits
KIND_NEEDS: Mapping[TargetKind, str] = {
    "classes": "one column",
    "number": "one column of numbers",
    "shares": "two or more columns of numbers",
    "labels": "columns of 0 and 1",
}


@dataclass(frozen=True, slots=True, eq=False)
class TargetValues:
    """Target of all windows of a store.

    Parameters
    ----------
    spec
        Kind, columns and outputs of the target.
    values
        Classes: int64 (n_windows,) class indices, -1 if missing. Number: float32 (n_windows,) in
        its own unit, NaN if missing. Shares: float32 (n_windows, n_columns) that sum to 1, a row of
        NaN if missing. Labels: float32 (n_windows, n_columns) of 0, 1 or, if missing, NaN.
    is_missing
        (n_windows,): windows without a target. Labels are missing if all of a window are.
    """

    spec: TargetSpec
    values: npt.NDArray[Any]
    is_missing: npt.NDArray[np.bool_]


def read_target(
    table: pd.DataFrame,
    requested: Sequence[str],
    *,
    kind: TargetKind | None = None,
    classes: Mapping[str, Sequence[str]] | None = None,
    source: str,
) -> TargetValues:
    """Read the target of all windows.

    Parameters
    ----------
    table
        All windows of a store.
    requested
        Columns, or patterns in which ``*`` stands for any text.
    kind
        Kind of the target. None derives it from the values. One column of text, of booleans, or of
        at most ten whole numbers from 0 or 1 on without a gap is ``"classes"``; other numbers are
        ``"number"``. Several columns of 0 and 1 whose rows do not all sum to 1, or that miss single
        values, are ``"labels"``; others are ``"shares"``.
    classes
        Classes of columns of text, in the order of their indices. Those of other columns are
        sorted.
    source
        Name of the store in messages.

    Raises
    ------
    TargetError
        A column does not exist or is reserved, does not fit the kind, has an impossible value, or
        has the same value in all windows.

    Examples
    --------
    >>> table = pd.DataFrame({"age": [31.0, 25.0], "votes_a": [3, 0], "votes_b": [1, 2]})
    >>> read_target(table, ["age"], source="eyes.zarr").spec.kind
    'number'
    >>> read_target(table, ["votes_*"], source="eyes.zarr").values.tolist()
    [[0.75, 0.25], [0.0, 1.0]]
    """
    try:
        columns = _find_columns(table, requested)
        kind = kind or _detect_kind(table, columns)
        _check_columns(table, columns, kind)
        outputs = columns
        values: npt.NDArray[Any]
        if kind == "classes":
            outputs, values = _read_classes(table[columns[0]], (classes or {}).get(columns[0]))
        elif kind == "number":
            values = _read_number(table, columns[0])
        elif kind == "shares":
            values = _read_shares(table, columns)
        else:
            values = _read_labels(table, columns)
        spec = TargetSpec(", ".join(requested), kind, columns, outputs)
        _check_names(spec)
        target = TargetValues(spec, values, _find_missing(values))
        _check_variety(target)
    except TargetError as error:
        raise TargetError(f"{source}: {error}") from None
    return target


def keep_known_classes(target: TargetValues, known: npt.NDArray[np.bool_]) -> TargetValues:
    """Leave out the classes of which no known window is, so that a model has no output for them.

    Parameters
    ----------
    target
        Target of all windows of a store.
    known
        (n_windows,): windows that may be used.

    Examples
    --------
    >>> spec = TargetSpec("label", "classes", ("label",), ("left", "rest", "right"))
    >>> target = TargetValues(spec, np.array([0, 1, 2]), np.zeros(3, bool))
    >>> kept = keep_known_classes(target, np.array([True, False, True]))
    >>> kept.spec.outputs, kept.values.tolist()
    (('left', 'right'), [0, -1, 1])
    """
    spec = target.spec
    if spec.kind != "classes":
        return target
    present = np.unique(target.values[known])
    numbers = np.full(spec.n_outputs + 1, -1)  # the last one is of the index -1
    numbers[present] = np.arange(len(present))
    values = numbers[target.values]
    outputs = tuple(spec.outputs[number] for number in present)
    return TargetValues(replace(spec, outputs=outputs), values, _find_missing(values))


def number_classes(values: pd.Series[Any]) -> tuple[str, ...]:
    """Return the names of the classes of a column of numbers.

    Parameters
    ----------
    values
        Column of a store. Missing values are NaN.

    Returns
    -------
    tuple of str
        The numbers in order, if they are at most ten whole numbers from 0 or 1 on without a gap.
        Empty for other numbers, which are quantities, and for text.

    Examples
    --------
    >>> number_classes(pd.Series([1.0, 0.0, np.nan])), number_classes(pd.Series([18.0, 19.0]))
    (('0', '1'), ())
    """
    if not is_numeric_dtype(values) or is_bool_dtype(values):
        return ()
    numbers = np.unique(values.dropna().to_numpy(float))
    is_counted = len(numbers) <= MAX_NUMBERED_CLASSES and bool(np.isin(numbers[:1], (0, 1)).all())
    if not is_counted or np.any(np.diff(numbers) != 1):
        return ()
    return tuple(f"{number:g}" for number in numbers)


def name_classes(values: pd.Series[Any]) -> npt.NDArray[np.object_]:
    """Return the class name (n_windows,) of each value: text, or a number as text.

    Missing values are ``"n/a"``.

    Examples
    --------
    >>> name_classes(pd.Series([1.0, np.nan, 0.5])).tolist()
    ['1', 'n/a', '0.5']
    """
    numbers, unique = pd.factorize(values)  # the number of a missing value is -1
    names = [_name_class(value) for value in np.asarray(unique)]
    return np.array([*names, MISSING_NAME], dtype=object)[numbers]


def _name_class(value: Any) -> str:
    if isinstance(value, str) and value in MISSING_TEXT:
        return MISSING_NAME
    is_whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value)) if is_whole else str(value)


def _find_columns(table: pd.DataFrame, requested: Sequence[str]) -> tuple[str, ...]:
    """Return the requested columns, each once, in the order of the request."""
    available = [str(name) for name in table.columns]
    columns: list[str] = []
    for name in requested:
        pattern = ".*".join(re.escape(part) for part in name.split("*"))
        matches = [column for column in available if re.fullmatch(pattern, column, re.DOTALL)]
        if not matches:
            problem = "no column matches" if "*" in name else "no column"
            possible = [column for column in available if column not in RESERVED_COLUMNS]
            hint = suggest(name.replace("*", ""), possible, limit=len(possible))
            raise TargetError(f"{problem} {name!r}; {hint}")
        columns += matches
    if not columns:
        raise TargetError("the target names no column; name at least one")
    reserved = [column for column in columns if column in RESERVED_COLUMNS]
    if reserved:
        raise TargetError(
            f"{reserved[0]!r} cannot be a target, because it is a column of every table "
            "of predictions or votes; choose another"
        )
    return tuple(dict.fromkeys(columns))


def _detect_kind(table: pd.DataFrame, columns: tuple[str, ...]) -> TargetKind:
    """Derive the kind of a target from the values of its columns."""
    if len(columns) == 1:
        values = table[columns[0]]
        is_text = not is_numeric_dtype(values) or is_bool_dtype(values)
        return "classes" if is_text or number_classes(values) else "number"
    text_columns = [name for name in columns if not is_numeric_dtype(table[name])]
    if text_columns:
        raise TargetError(
            f"several columns must contain numbers, but {join_names(text_columns)} contain text; "
            "use one column of text"
        )
    numbers = _as_numbers(table, columns)
    is_known = ~np.isnan(numbers)
    if not np.isin(numbers[is_known], (0, 1)).all():
        return "shares"
    is_partial = is_known.any(axis=1) & ~is_known.all(axis=1)
    sums = numbers[is_known.all(axis=1)].sum(axis=1)
    return "labels" if is_partial.any() or (sums != 1).any() else "shares"


def _check_columns(table: pd.DataFrame, columns: tuple[str, ...], kind: TargetKind) -> None:
    """Raise `TargetError` if number or type of the columns do not fit the kind."""
    is_single = len(columns) == 1
    is_wrong_count = is_single if kind == "shares" else not is_single
    if is_wrong_count and kind != "labels":
        raise TargetError(
            f"a target of kind {kind} is {KIND_NEEDS[kind]}, got {join_names(columns)}"
        )
    if kind == "classes":
        return
    for name in columns:
        if not is_numeric_dtype(table[name]):
            raise TargetError(
                f"column {name!r} contains text such as {_example(table[name])!r}; "
                f"a target of kind {kind} is {KIND_NEEDS[kind]}"
            )


def _check_names(spec: TargetSpec) -> None:
    """Raise `TargetError` if a column of the target has the name of a column of probabilities."""
    for name in spec.outputs:
        if f"p_{name}" in spec.columns:
            raise TargetError(
                f"'p_{name}' cannot be a target, because the table of predictions has a column of "
                f"this name for {name!r}; choose another"
            )


def _example(values: pd.Series[Any]) -> str:
    """Return the first text of a column that is not missing."""
    texts = values[~values.isna() & ~values.isin(MISSING_TEXT)]
    return str(texts.iloc[0]) if len(texts) else MISSING_NAME


def _as_numbers(table: pd.DataFrame, columns: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return columns of numbers as float64 (n_windows, n_columns)."""
    parts = [table[name].to_numpy(np.float64, na_value=np.nan) for name in columns]
    return np.stack(parts, axis=1)


def _read_classes(
    values: pd.Series[Any], classes: Sequence[str] | None
) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """Return the class names, and int64 (n_windows,) indices, which are -1 if missing."""
    names = name_classes(pd.Series(np.sort(np.asarray(values.dropna().unique()))))
    present = [str(name) for name in names if name != MISSING_NAME]
    ordered = tuple(dict.fromkeys(classes or present))
    unknown = [name for name in present if name not in set(ordered)]
    if unknown:
        raise TargetError(
            f"target {values.name!r} has the value {unknown[0]!r}, which is not one of the classes "
            f"of the store, {join_names(ordered)}: convert it again"
        )
    if len(ordered) > MAX_CLASSES:
        raise TargetError(
            f"target {values.name!r} has {len(ordered)} different values; "
            f"at most {MAX_CLASSES} can be classes"
        )
    indices = pd.Index(ordered, dtype=object).get_indexer(pd.Index(name_classes(values)))
    return ordered, indices.astype(np.int64)


def _read_number(table: pd.DataFrame, column: str) -> npt.NDArray[np.float32]:
    """Return float32 (n_windows,). Missing numbers are NaN."""
    exact = _as_numbers(table, [column])[:, 0]
    with np.errstate(over="ignore"):
        numbers = exact.astype(np.float32)
    infinite = np.flatnonzero(np.isinf(numbers))
    if len(infinite):
        row = int(infinite[0])
        raise TargetError(
            f"{_name_window(table, row)}: {column} is {exact[row]:g}, which is not a finite number"
        )
    return numbers


def _read_shares(table: pd.DataFrame, columns: tuple[str, ...]) -> npt.NDArray[np.float32]:
    """Return float32 (n_windows, n_columns) that sum to 1, or are NaN if one is missing."""
    numbers = _as_numbers(table, columns)
    numbers[np.isnan(numbers).any(axis=1)] = np.nan
    sums = numbers.sum(axis=1)
    is_votes = (numbers == np.round(numbers)).all(axis=1)
    is_wrong_sum = ~is_votes & (np.abs(sums - 1) > SUM_TOLERANCE)
    is_wrong = (numbers < 0).any(axis=1) | (sums == 0) | np.isinf(sums) | is_wrong_sum
    wrong = np.flatnonzero(is_wrong)
    if len(wrong):
        row = int(wrong[0])
        cells = zip(columns, numbers[row], strict=True)
        values = join_names(f"{name} {number:g}" for name, number in cells)
        raise TargetError(
            f"{_name_window(table, row)}: {values} sum to {sums[row]:g}; "
            "shares must be at least 0 and sum to 1, or be votes: whole numbers, not all 0"
        )
    shares: npt.NDArray[np.float32] = (numbers / sums[:, None]).astype(np.float32)
    return shares


def _read_labels(table: pd.DataFrame, columns: tuple[str, ...]) -> npt.NDArray[np.float32]:
    """Return float32 (n_windows, n_columns) of 0 and 1. Missing labels are NaN."""
    numbers = _as_numbers(table, columns)
    wrong = np.argwhere(~np.isnan(numbers) & ~np.isin(numbers, (0, 1)))
    if len(wrong):
        row, column = wrong[0].tolist()
        raise TargetError(
            f"{_name_window(table, row)}: {columns[column]} is {numbers[row, column]:g}; "
            "labels must be 0, 1 or missing"
        )
    return numbers.astype(np.float32)


def _find_missing(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return the mask (n_windows,) of the windows without a target."""
    by_window = values.reshape(len(values), -1)
    is_missing: npt.NDArray[np.bool_] = by_window < 0
    if values.dtype.kind == "f":
        is_missing = np.isnan(by_window)
    return np.asarray(is_missing.all(axis=1))


def _check_variety(target: TargetValues) -> None:
    """Raise `TargetError` if the target is missing or the same in all windows."""
    spec = target.spec
    known = target.values[~target.is_missing]
    if not len(known):
        raise TargetError(f"target {spec.name!r} is missing in all windows; choose another")
    if spec.kind == "labels":
        for name, values in zip(spec.columns, known.T, strict=True):
            present = np.unique(values[~np.isnan(values)])
            if len(present) < 2:
                value = f"{present[0]:g}" if len(present) else "missing"
                raise TargetError(
                    f"label {name!r} is {value} in all windows, so there is nothing to learn; "
                    "leave it out"
                )
    elif (known == known[:1]).all():
        first = spec.outputs[known[0]] if spec.kind == "classes" else known[0].tolist()
        problem = f"has one class, {first!r}; training needs at least two classes"
        if spec.kind != "classes":
            problem = f"is {first} in all windows, so there is nothing to learn; choose another"
        raise TargetError(f"target {spec.name!r} {problem}")


def _name_window(table: pd.DataFrame, position: int) -> str:
    """Name a window by its row of the store and its recording."""
    name = f"window {table.index[position]}"
    return f"{name} of {table['recording'].iloc[position]}" if "recording" in table else name
