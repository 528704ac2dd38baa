"""Choice of windows to export: by columns of the store, and evenly over labels and people."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from bids_dl.config.export_parsing import COLUMNS
from bids_dl.config.export_stage import ExportConfig
from bids_dl.errors import NoMatchError
from bids_dl.wording import join_names, suggest

if TYPE_CHECKING:
    import pandas as pd

    from bids_dl.store import Store

Rows = npt.NDArray[np.intp]
K = TypeVar("K", bound=Hashable)
PERSON = ("dataset", "subject")


def find_windows(store: Store, config: ExportConfig) -> Rows:
    """Find the windows of a store that the options name, in the order of the store.

    Parameters
    ----------
    store
        Store to choose from.
    config
        Values of columns.

    Returns
    -------
    ndarray
        Rows of the store, ascending.

    Raises
    ------
    NoMatchError
        A value does not occur, or no window has all values.
    """
    table = store.table
    is_chosen = np.ones(len(table), bool)
    for column in COLUMNS:
        wanted = getattr(config, column)
        if wanted:
            is_chosen &= _match_column(store, table, column, wanted)
    rows = np.flatnonzero(is_chosen)
    if not len(rows):
        chosen = [f"--{column} {value}" for column in COLUMNS for value in getattr(config, column)]
        reason = f"no window has {' and '.join(chosen)}" if chosen else "has no window to export"
        raise NoMatchError(f"{store.url}: {reason}")
    return rows


def thin_windows(table: pd.DataFrame, rows: Rows, n_windows: int) -> Rows:
    """Choose windows evenly over labels, over the people of each label, and over their time.

    Parameters
    ----------
    table
        Window table of the store.
    rows
        Rows to choose from, ascending.
    n_windows
        Largest number of windows.

    Returns
    -------
    ndarray
        Rows of the store, ascending.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"label": ["a"] * 6 + ["b"] * 2, "subject": ["1"] * 8})
    >>> thin_windows(table, np.arange(8), 4).tolist()
    [1, 4, 6, 7]
    """
    if len(rows) <= n_windows:
        return rows
    by_label = _group(table, rows, ["label"])
    labels = share_evenly({label: len(group) for label, group in by_label.items()}, n_windows)
    chosen: list[Rows] = []
    for label, group in by_label.items():
        by_person = _group(table, group, PERSON)
        sizes = {person: len(of_person) for person, of_person in by_person.items()}
        for person, number in share_evenly(sizes, labels[label]).items():
            chosen.append(_spread(by_person[person], number))
    return np.sort(np.concatenate(chosen))


def share_evenly(sizes: Mapping[K, int], total: int) -> dict[K, int]:
    """Share a number over groups as evenly as their sizes allow.

    Parameters
    ----------
    sizes
        Largest share of each group.
    total
        Number to share. What exceeds the sum of the sizes is left.

    Examples
    --------
    >>> share_evenly({"a": 10, "b": 1, "c": 10}, 8)
    {'a': 4, 'b': 1, 'c': 3}
    """
    shares = dict.fromkeys(sizes, 0)
    left = min(total, sum(sizes.values()))
    while left:
        open_groups = [key for key, size in sizes.items() if shares[key] < size]
        step = max(1, left // len(open_groups))
        for key in open_groups:
            number = min(step, sizes[key] - shares[key], left)
            shares[key] += number
            left -= number
    return shares


def _match_column(
    store: Store, table: pd.DataFrame, column: str, wanted: Sequence[str]
) -> npt.NDArray[np.bool_]:
    """Return which windows have one of the values in a column."""
    if column not in table:
        raise NoMatchError(f"{store.url}: has no column {column}, so leave out --{column}")
    values = table[column].astype(str)
    names = values.str.rpartition("/")[2] if column == "recording" else values
    matches = np.zeros(len(table), bool)
    for value in wanted:
        equal = ((values == value) | (names == value)).to_numpy()
        if not equal.any():
            hint = suggest(value, dict.fromkeys(values))
            raise NoMatchError(f"--{column} {value}: no window of {store.url} has it; {hint}")
        matches |= equal
    return matches


def _group(table: pd.DataFrame, rows: Rows, columns: Sequence[str]) -> dict[tuple[str, ...], Rows]:
    """Return rows by their values in those columns that the table has, in order of occurrence."""
    existing = [column for column in columns if column in table]
    if not existing:
        return {(): rows}
    keys = table[existing].iloc[rows].astype(str).itertuples(index=False, name=None)
    groups: dict[tuple[str, ...], list[int]] = {}
    for key, row in zip(keys, rows.tolist(), strict=True):
        groups.setdefault(key, []).append(row)
    return {key: np.array(members, np.intp) for key, members in groups.items()}


def _spread(rows: Rows, number: int) -> Rows:
    """Return rows at equal distances."""
    return rows[((np.arange(number) + 0.5) * len(rows) / number).astype(np.intp)]


def describe_choice(config: ExportConfig) -> str:
    """Describe the values of columns that windows must have, "" if there is none.

    Examples
    --------
    >>> describe_choice(ExportConfig(label=("closed",), subject=("001", "002")))
    'label closed; subject 001, 002'
    """
    parts = []
    for column in COLUMNS:
        if getattr(config, column):
            parts.append(f"{column} {join_names(getattr(config, column))}")
    return "; ".join(parts)
