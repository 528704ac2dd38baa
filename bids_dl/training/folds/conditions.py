"""Windows whose row of the store's table meets the conditions of ``--where``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl.config.selecting.conditions import MISSING_CELLS, ColumnCondition, parse_condition
from bids_dl.config.values import parse_number
from bids_dl.datamodel import ENTITY_PREFIXES
from bids_dl.errors import ConditionError
from bids_dl.wording import count, join_names, suggest

MAX_VALUES = 10  # listed in a message; of more numbers the range is shown


def rows_where(
    table: pd.DataFrame, conditions: Sequence[str], store_name: str
) -> npt.NDArray[np.bool_]:
    """Return a mask (n_windows,) of the windows that meet all conditions.

    Numbers are compared as numbers. The prefixes of BIDS entities, such as ``sub-``, are optional.
    A cell without a value meets no condition.

    Parameters
    ----------
    table
        Window table of a store.
    conditions
        Conditions such as ``"age=18..30"`` or ``"session=01,02"``. Without one, all windows are
        selected.
    store_name
        Name of the store, for messages.

    Raises
    ------
    ConditionError
        There is no such column, or no window meets the conditions.
    ConfigError, QueryError
        A condition cannot be parsed.

    Examples
    --------
    >>> table = pd.DataFrame({"subject": ["01", "02", "03"], "age": [25.0, 40.0, np.nan]})
    >>> rows_where(table, ["age=18..30"], "eyes.zarr").tolist()
    [True, False, False]
    >>> rows_where(table, ["subject=sub-02,03"], "eyes.zarr").tolist()
    [False, True, True]
    """
    selected = np.ones(len(table), dtype=bool)
    counts = []
    for text in conditions:
        condition = parse_condition(text)
        meets = _meets_condition(table, condition, store_name)
        counts.append(f"{condition.text} {meets.sum()}")
        selected &= meets
    if len(counts) > 1 and not selected.any():
        shown = " ".join(f"--where {text}" for text in conditions)
        raise ConditionError(
            f"{store_name}: no window meets {shown} together "
            f"(windows of each alone: {', '.join(counts)}); leave one out"
        )
    return selected


def _meets_condition(
    table: pd.DataFrame, condition: ColumnCondition, store_name: str
) -> npt.NDArray[np.bool_]:
    option = f"{store_name}: --where {condition.text}"
    if condition.column not in table.columns:
        hint = suggest(condition.column, map(str, table.columns), limit=len(table.columns))
        raise ConditionError(f"{option}: no such column; {hint}")
    codes, values = pd.factorize(table[condition.column].to_numpy(), use_na_sentinel=False)
    cells = ["n/a" if pd.isna(value) else str(value) for value in values]
    without_prefixes = _without_prefixes(condition)
    matches = np.array([without_prefixes.matches(cell) for cell in cells], dtype=bool)
    meets: npt.NDArray[np.bool_] = matches[codes]
    if not meets.any():
        windows = count(len(table), "window")
        values_text = _describe_values(condition.column, cells)
        raise ConditionError(f"{option} matches none of {windows}; {values_text}")
    return meets


def _without_prefixes(condition: ColumnCondition) -> ColumnCondition:
    """Remove the prefix of a BIDS entity from the values of a condition."""
    if condition.column not in ENTITY_PREFIXES:
        return condition
    prefix = f"{ENTITY_PREFIXES[condition.column]}-"
    values = []
    for value in condition.values:
        values.append(replace(value, text=value.text.removeprefix(prefix)))
    return replace(condition, values=tuple(values))


def _describe_values(column: str, cells: Sequence[Any]) -> str:
    """List the values of a column, or the range of many numbers."""
    known = sorted({cell for cell in cells if cell.strip().casefold() not in MISSING_CELLS})
    if not known:
        return f"{column} is n/a for all of them"
    numbers = [parse_number(cell) for cell in known]
    finite = [number for number in numbers if number is not None]
    is_label = column in ENTITY_PREFIXES  # whose zeros matter
    if len(finite) == len(known) > MAX_VALUES and not is_label:
        return f"{column} is from {min(finite):g} to {max(finite):g}"
    return f"values of {column}: {join_names(known, limit=MAX_VALUES)}"
