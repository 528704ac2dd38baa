"""Persons of a window table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl.datamodel import Person

Codes = npt.NDArray[np.int64]
"""Number of the group of each window (n_windows,)."""

MAX_NAMED = 3  # persons named in the description of a fold


@dataclass(frozen=True, slots=True)
class People:
    """Persons of a table.

    Attributes
    ----------
    names
        Distinct persons, sorted.
    codes
        Index into ``names`` of each window (n_windows,).
    """

    names: tuple[Person, ...]
    codes: Codes


def find_people(table: pd.DataFrame) -> People:
    """Return the persons of a table with the columns dataset and subject.

    Examples
    --------
    >>> table = pd.DataFrame({"dataset": ["ds"] * 3, "subject": ["02", "01", "02"]})
    >>> people = find_people(table)
    >>> people.names, people.codes.tolist()
    ((('ds', '01'), ('ds', '02')), [1, 0, 1])
    """
    codes = number_groups(table, ("dataset", "subject"))
    first = first_rows(codes)
    names = []
    for dataset, subject in table[["dataset", "subject"]].iloc[first].itertuples(index=False):
        names.append((str(dataset), str(subject)))
    order = sorted(range(len(names)), key=names.__getitem__)
    ranks = np.empty(len(names), np.int64)
    ranks[order] = np.arange(len(names))
    return People(tuple(names[i] for i in order), ranks[codes])


def number_groups(table: pd.DataFrame, columns: Sequence[str]) -> Codes:
    """Return numbers of the distinct combinations of columns, in the order of their first row.

    Empty cells are equal to each other.

    Examples
    --------
    >>> table = pd.DataFrame({"session": ["2", "1", "2"], "run": ["1", "1", "1"]})
    >>> number_groups(table, ("session", "run")).tolist()
    [0, 1, 0]
    """
    codes = np.zeros(len(table), np.int64)
    for column in columns:
        codes = combine_codes(codes, factorize(table[column].to_numpy()))
    return codes


def combine_codes(first: Codes, second: Codes) -> Codes:
    """Return numbers of the distinct pairs of two codes, in the order of their first row.

    Examples
    --------
    >>> combine_codes(np.array([5, 5, 0]), np.array([1, 0, 1])).tolist()
    [0, 1, 2]
    """
    if not len(first):
        return first
    return factorize(first * (second.max() + 1) + second)


def factorize(values: npt.NDArray[np.generic]) -> Codes:
    """Return numbers of the distinct values, in the order of their first row."""
    codes, _ = pd.factorize(values, use_na_sentinel=False)
    return codes.astype(np.int64)


def first_rows(codes: Codes) -> Codes:
    """Return the first row of each number from 0 to the largest (n_groups,).

    Examples
    --------
    >>> first_rows(np.array([1, 0, 1, 0])).tolist()
    [1, 0]
    """
    _, first = np.unique(codes, return_index=True)
    return first.astype(np.int64)


def describe_people(names: Sequence[Person], *, with_dataset: bool = False) -> str:
    """Name up to three persons, or the first one and the number of the others.

    Examples
    --------
    >>> describe_people([("ds", "01"), ("ds", "02")])
    'sub-01, sub-02'
    >>> describe_people([("ds", str(i)) for i in range(4)], with_dataset=True)
    'ds/sub-0 and 3 more'
    """
    texts = [f"{dataset}/sub-{name}" if with_dataset else f"sub-{name}" for dataset, name in names]
    if len(texts) <= MAX_NAMED:
        return ", ".join(texts)
    return f"{texts[0]} and {len(texts) - 1} more"
