"""Assignment of persons to splits of a store and to folds of a cross-validation.

All windows of a person are in the same split or fold, so that a model is always tested on persons
it was not trained on. With strata (`bids_dl.strata`), each split or fold has its share of every
stratum.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from bids_dl.config.stages import SplitsConfig
from bids_dl.datamodel import Person
from bids_dl.errors import ConfigError, TargetError
from bids_dl.wording import count

Strata = Mapping[Person, str]
"""Stratum of each person, whose share should be the same in all splits."""

SPLITS = ("train", "validation", "test")

SPELLINGS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
"""Spelling in participants.tsv -> name of the split."""

MIN_PERSONS = 3  # with fewer persons, random splits leave too little to train on


def requested_splits(config: SplitsConfig) -> tuple[str, ...]:
    """Return the names of the splits whose fraction is above zero.

    Returns
    -------
    tuple of str
        In the order train, validation, test. Empty if a column of participants.tsv decides.

    Examples
    --------
    >>> requested_splits(SplitsConfig(split=(0.8, 0.0, 0.2)))
    ('train', 'test')
    """
    if isinstance(config.split, str):
        return ()
    return tuple(name for name, fraction in zip(SPLITS, config.split, strict=False) if fraction > 0)


def assign_splits(
    persons: Sequence[Person], config: SplitsConfig, strata: Strata | None = None
) -> dict[Person, str]:
    """Assign each person to a split at random.

    The result depends on the seed and the set of persons, not on their order.

    Parameters
    ----------
    persons
        (dataset, subject) pairs. Duplicates are ignored.
    config
        Fractions of the splits, and the seed.
    strata
        Stratum of each person. The persons of a stratum in a split are their fraction of it,
        rounded up or down, unless a split would have no person.

    Returns
    -------
    dict
        Name of the split by person, in sorted order. Each split of `requested_splits` has at
        least one person. With fewer than three persons, or fewer persons than splits, all are
        ``train``; then ``set(result.values()) != set(requested_splits(config))``.

    Raises
    ------
    ConfigError
        The config names a column; use `splits_from_column`.

    Examples
    --------
    >>> persons = [("ds", subject) for subject in "abcde"]
    >>> splits = assign_splits(persons, SplitsConfig(split=(0.6, 0.2, 0.2), seed=0))
    >>> sorted(splits.values())
    ['test', 'train', 'train', 'train', 'validation']
    """
    if isinstance(config.split, str):
        raise ConfigError(
            f"split is the column {config.split!r} of participants.tsv; "
            "pass its values to splits_from_column, or give fractions"
        )
    unique_persons = sorted(set(persons))
    names = requested_splits(config)
    if len(names) == 1:
        return dict.fromkeys(unique_persons, names[0])
    if len(unique_persons) < max(MIN_PERSONS, len(names)):
        return dict.fromkeys(unique_persons, "train")
    fractions = [fraction for fraction in config.split if fraction > 0]
    groups = _group_by_stratum(unique_persons, strata)
    counts = _apportion([len(group) for group in groups], fractions)
    rng = np.random.default_rng(config.seed)
    split_by_person: dict[Person, str] = {}
    for group, group_counts in zip(groups, counts, strict=True):
        order = rng.permutation(len(group))
        shuffled_splits = np.repeat(names, group_counts).tolist()
        for i, split in zip(order.tolist(), shuffled_splits, strict=True):
            split_by_person[group[i]] = split
    return {person: split_by_person[person] for person in unique_persons}


def splits_from_column(values: Mapping[Person, str]) -> dict[Person, str]:
    """Assign each person to the split that a column of participants.tsv names.

    Parameters
    ----------
    values
        Cell of the column by person. Case and surrounding spaces do not matter, and the
        abbreviations of `SPELLINGS` are accepted.

    Returns
    -------
    dict
        ``"train"``, ``"validation"`` or ``"test"`` by person.

    Raises
    ------
    TargetError
        A person has no value, or one that is not the name of a split.

    Examples
    --------
    >>> splits_from_column({("ds", "01"): "Training", ("ds", "02"): "val"})
    {('ds', '01'): 'train', ('ds', '02'): 'validation'}
    """
    splits: dict[Person, str] = {}
    unknown: list[Person] = []
    for person, value in values.items():
        split = SPELLINGS.get(str(value).strip().casefold())
        if split is None:
            unknown.append(person)
        else:
            splits[person] = split
    if unknown:
        first = min(unknown)
        dataset, subject = first
        raise TargetError(
            f"{dataset}/sub-{subject}: the split column has {values[first]!r} "
            f"({len(unknown)} of {count(len(values), 'person')} without a valid split); "
            f"expected {', '.join(SPLITS)}"
        )
    return splits


def make_folds(
    persons: Iterable[Person], n_folds: int | str, seed: int, strata: Strata | None = None
) -> list[tuple[Person, ...]]:
    """Divide persons into folds, so that each person is held out in exactly one fold.

    Parameters
    ----------
    persons
        (dataset, subject) pairs. Their order does not matter, and duplicates are ignored.
    n_folds
        ``"loso"`` for leave one subject out, in sorted order, or the number of folds. The sizes
        of two folds differ by at most one person.
    seed
        Seed of the random assignment, unused with ``"loso"``.
    strata
        Stratum of each person, unused with ``"loso"``. The persons of a stratum in two folds
        differ by at most one.

    Returns
    -------
    list of tuple
        Persons held out in each fold, sorted.

    Raises
    ------
    ConfigError
        ``n_folds`` is not 'loso' or a number from 2 to the number of persons.

    Examples
    --------
    >>> make_folds([("ds", "b"), ("ds", "a")], "loso", seed=0)
    [(('ds', 'a'),), (('ds', 'b'),)]
    """
    unique_persons = sorted(set(persons))
    if n_folds == "loso":
        number = len(unique_persons)
        order = np.arange(number)
    else:
        number = parse_fold_count(n_folds)
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(unique_persons))
    if not 2 <= number <= len(unique_persons):
        raise ConfigError(
            f"{count(number, 'fold')} of {count(len(unique_persons), 'person')} are impossible; "
            "use 'loso' or a number of folds from 2 to the number of persons, "
            "with at least two persons"
        )
    if strata is not None and n_folds != "loso":
        return _deal_strata(_group_by_stratum(unique_persons, strata), number, rng)
    shares = np.array_split(order, number)
    return [tuple(unique_persons[i] for i in sorted(share)) for share in shares]


def hold_out(
    persons: Iterable[Person], fraction: float, seed: int, strata: Strata | None = None
) -> tuple[Person, ...]:
    """Draw a fraction of the persons at random, at least one and never all.

    Parameters
    ----------
    persons
        (dataset, subject) pairs. Their order does not matter, and duplicates are ignored.
    fraction
        Share of the persons to draw, from 0 to 1.
    seed
        Seed of the random draw.
    strata
        Stratum of each person. Each stratum contributes its share of the drawn persons, rounded
        up or down.

    Returns
    -------
    tuple
        Drawn persons, sorted.

    Raises
    ------
    TargetError
        There are fewer than two persons.

    Examples
    --------
    >>> len(hold_out([("ds", subject) for subject in "abcde"], 0.2, seed=0))
    1
    """
    unique_persons = sorted(set(persons))
    if len(unique_persons) < 2:
        raise TargetError(
            f"cannot hold out a validation set: {count(len(unique_persons), 'person')} to train "
            "on; train for a fixed number of epochs instead"
        )
    n_drawn = min(max(1, round(fraction * len(unique_persons))), len(unique_persons) - 1)
    rng = np.random.default_rng(seed)
    groups = _group_by_stratum(unique_persons, strata)
    shares = [n_drawn, len(unique_persons) - n_drawn]
    counts = _apportion([len(group) for group in groups], shares)
    drawn: list[Person] = []
    for group, (n_of_group, _) in zip(groups, counts, strict=True):
        drawn += [group[i] for i in rng.permutation(len(group))[:n_of_group]]
    return tuple(sorted(drawn))


def parse_fold_count(n_folds: int | str) -> int:
    """Convert a number of folds to an integer.

    Raises
    ------
    ConfigError
        The value is not a number.

    Examples
    --------
    >>> parse_fold_count("5")
    5
    """
    if isinstance(n_folds, str) and not n_folds.isdecimal():
        raise ConfigError(f"folds must be 'loso' or a number of folds, got {n_folds!r}")
    return int(n_folds)


def _group_by_stratum(persons: Sequence[Person], strata: Strata | None) -> list[list[Person]]:
    """Group sorted persons by stratum, in order of stratum; one group without strata."""
    groups: dict[str, list[Person]] = {}
    for person in persons:
        groups.setdefault(strata[person] if strata else "", []).append(person)
    return [groups[stratum] for stratum in sorted(groups)]


def _deal_strata(
    groups: Sequence[Sequence[Person]], n_folds: int, rng: np.random.Generator
) -> list[tuple[Person, ...]]:
    """Deal the shuffled persons of one group after the other to the folds, in turn."""
    dealt: list[Person] = []
    for group in groups:
        dealt += [group[i] for i in rng.permutation(len(group))]
    return [tuple(sorted(dealt[fold::n_folds])) for fold in range(n_folds)]


def _apportion(sizes: Sequence[int], fractions: Sequence[float]) -> npt.NDArray[np.int64]:
    """Divide strata by fractions, so that each fraction of a stratum is rounded up or down.

    The columns are those of the largest remainder method for all persons, with at least one person
    each. Rows take the persons that are left by the method of Gale (1957) and Ryser (1957): from
    the columns that lack most, which always works out.

    Parameters
    ----------
    sizes
        Number of persons of each stratum.
    fractions
        Share of each split, in any unit.

    Returns
    -------
    numpy.ndarray
        Number of persons (n_strata, n_splits). Its rows add up to ``sizes``.
    """
    shares = np.asarray(fractions, float) / sum(fractions)
    exact = np.outer(sizes, shares)
    counts = np.floor(exact + 1e-9).astype(np.int64)
    missing = _round_to_total(shares, sum(sizes)) - counts.sum(axis=0)
    for row, size in enumerate(sizes):
        n_left = size - counts[row].sum()
        columns = np.lexsort((counts[row] - exact[row], -missing))[:n_left]
        counts[row, columns] += 1
        missing[columns] -= 1
    while counts.sum(axis=0).min() < 1:
        totals = counts.sum(axis=0)
        giver = np.argmax(totals)
        receiver = np.argmin(totals)
        surplus = np.where(counts[:, giver] > 0, (counts - exact)[:, giver], -np.inf)
        stratum = np.argmax(surplus)
        counts[stratum, giver] -= 1
        counts[stratum, receiver] += 1
    return counts


def _round_to_total(shares: npt.NDArray[np.float64], total: int) -> npt.NDArray[np.int64]:
    """Round the shares of a total to integers by the largest remainder method."""
    exact = shares * total
    counts = np.floor(exact + 1e-9).astype(np.int64)
    n_left = total - counts.sum()
    counts[np.argsort(counts - exact, kind="stable")[:n_left]] += 1
    return counts
