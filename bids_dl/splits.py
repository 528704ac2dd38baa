"""Assignment of persons to splits of a store and to folds of a cross-validation.

All windows of a person are in the same split or fold, so that a model is always tested on persons
it was not trained on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from bids_dl.config.stages import SplitsConfig
from bids_dl.datamodel import Person
from bids_dl.errors import ConfigError, TargetError
from bids_dl.wording import count

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


def assign_splits(persons: Sequence[Person], config: SplitsConfig) -> dict[Person, str]:
    """Assign each person to a split at random.

    The result depends on the seed and the set of persons, not on their order.

    Parameters
    ----------
    persons
        (dataset, subject) pairs. Duplicates are ignored.
    config
        Fractions of the splits, and the seed.

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
    order = np.random.default_rng(config.seed).permutation(len(unique_persons))
    shuffled_splits = np.repeat(names, _apportion(len(unique_persons), fractions))
    split_by_index = dict(zip(order.tolist(), shuffled_splits.tolist(), strict=True))
    return {person: split_by_index[i] for i, person in enumerate(unique_persons)}


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
    persons: Iterable[Person], n_folds: int | str, seed: int
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
        number = _parse_fold_count(n_folds)
        order = np.random.default_rng(seed).permutation(len(unique_persons))
    if not 2 <= number <= len(unique_persons):
        raise ConfigError(
            f"{count(number, 'fold')} of {count(len(unique_persons), 'person')} are impossible; "
            "use 'loso' or a number of folds from 2 to the number of persons, "
            "with at least two persons"
        )
    shares = np.array_split(order, number)
    return [tuple(unique_persons[i] for i in sorted(share)) for share in shares]


def hold_out(persons: Iterable[Person], fraction: float, seed: int) -> tuple[Person, ...]:
    """Draw a fraction of the persons at random, at least one and never all.

    Parameters
    ----------
    persons
        (dataset, subject) pairs. Their order does not matter, and duplicates are ignored.
    fraction
        Share of the persons to draw, from 0 to 1.
    seed
        Seed of the random draw.

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
    drawn = np.random.default_rng(seed).permutation(len(unique_persons))[:n_drawn]
    return tuple(unique_persons[i] for i in sorted(drawn))


def _parse_fold_count(n_folds: int | str) -> int:
    """Convert the option for the number of folds to an integer."""
    if isinstance(n_folds, str) and not n_folds.isdecimal():
        raise ConfigError(f"folds must be 'loso' or a number of folds, got {n_folds!r}")
    return int(n_folds)


def _apportion(n_persons: int, fractions: Sequence[float]) -> list[int]:
    """Divide persons by the largest remainder method, with at least one for each fraction."""
    exact = np.asarray(fractions) / sum(fractions) * n_persons
    counts = np.floor(exact + 1e-9).astype(int)
    for i in np.argsort(counts - exact, kind="stable")[: n_persons - counts.sum()]:
        counts[i] += 1
    while counts.min() < 1:
        counts[np.argmax(counts)] -= 1
        counts[np.argmin(counts)] += 1
    result: list[int] = counts.tolist()
    return result
