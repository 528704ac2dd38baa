"""Strata of persons: the groups that splits and folds should have in equal shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from bids_dl.config.values import parse_number
from bids_dl.datamodel import Person
from bids_dl.wording import count, join_names

MAX_NUMBERS = 4  # that are strata of their own; more numbers are divided into quarters
N_QUANTILES = 4
MISSING = "n/a"  # stratum of the persons without a value


def make_strata(values: Mapping[Person, str], n_parts: int) -> dict[Person, str]:
    """Divide persons into strata by their value in a column.

    Each text is a stratum, and so is each number if there are at most four. More numbers are
    divided at their quartiles, or at their median if quarters would have fewer persons than there
    are parts. Persons without a value are a stratum of their own.

    Parameters
    ----------
    values
        Cell of the column by person; "n/a" or "" without a value.
    n_parts
        Number of splits or folds.

    Returns
    -------
    dict
        Stratum by person.

    Examples
    --------
    >>> ages = {("ds", str(age)): str(age) for age in range(20, 60)}
    >>> sorted(set(make_strata(ages, n_parts=3).values()))
    ['20 to 29', '30 to 39', '40 to 49', '50 to 59']
    """
    known = {}
    for person, value in values.items():
        if value.strip().casefold() not in {"", MISSING}:
            known[person] = value.strip()
    numbers = {person: parse_number(value) for person, value in known.items()}
    finite = {person: number for person, number in numbers.items() if number is not None}
    strata = dict.fromkeys(values, MISSING)
    if len(finite) < len(known):
        return strata | known
    if len(set(finite.values())) <= MAX_NUMBERS:
        return strata | {person: _number_text(number) for person, number in finite.items()}
    return strata | _divide_numbers(finite, n_parts)


def find_small_strata(strata: Mapping[Person, str], n_parts: int, option: str) -> list[str]:
    """Warn about strata with fewer persons than there are splits or folds.

    Parameters
    ----------
    option
        The option with its column, such as ``"--stratify sex"``.

    Returns
    -------
    list of str
        One line, or none.

    Examples
    --------
    >>> find_small_strata({("ds", "01"): "F", ("ds", "02"): "M"}, 1, "--stratify sex")
    []
    """
    sizes = Counter(strata.values())
    small = [f"{name} ({size})" for name, size in sorted(sizes.items()) if size < n_parts]
    if not small:
        return []
    return [
        f"{option}: {len(small)} of {count(len(sizes), 'group')} with fewer people than the "
        f"{n_parts} parts to balance: {join_names(small)}"
    ]


def _divide_numbers(numbers: Mapping[Person, float], n_parts: int) -> dict[Person, str]:
    """Divide persons at quantiles of their numbers. Equal numbers stay together."""
    n_bins = N_QUANTILES if len(numbers) >= N_QUANTILES * n_parts else 2
    persons = sorted(numbers)
    array = np.array([numbers[person] for person in persons])
    limits = np.quantile(array, np.arange(1, n_bins) / n_bins)
    bins = np.searchsorted(limits, array, side="left")
    names = {}
    for index in np.unique(bins):
        members = array[bins == index]
        names[index] = f"{_number_text(members.min())} to {_number_text(members.max())}"
    return {person: names[index] for person, index in zip(persons, bins, strict=True)}


def _number_text(number: float) -> str:
    """Return a number with all its digits, so that different numbers have different names."""
    return f"{number:.15g}"
