"""Persons shared out: splits of a store, folds of a cross-validation. Windows follow their person, never the other way round."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from bids_dl.config.stages import SplitsConfig
from bids_dl.datamodel import Person
from bids_dl.errors import ConfigError, TargetError

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


def asked(config: SplitsConfig) -> tuple[str, ...]:
    """Names of the splits with a fraction above zero; none where a column decides."""
    if isinstance(config.split, str):
        return ()
    return tuple(name for name, fraction in zip(SPLITS, config.split, strict=False) if fraction > 0)


def assign(persons: Sequence[Person], config: SplitsConfig) -> dict[Person, str]:
    """Give each person a split, at random from the seed, whatever the order they come in.

    Each split of `asked` gets at least one person. Under three persons, or with fewer persons than
    splits, all are ``train``: ``set(result.values()) != set(asked(config))`` tells.

    Raises
    ------
    ConfigError
        Where the config names a column: that is `from_column`.
    """
    if isinstance(config.split, str):
        raise ConfigError(
            f"split is the column {config.split!r} of participants.tsv: its values are needed, not fractions"
        )
    people = sorted(set(persons))
    names = asked(config)
    if len(names) == 1:
        return dict.fromkeys(people, names[0])
    if len(people) < max(3, len(names)):
        return dict.fromkeys(people, "train")
    fractions = [fraction for fraction in config.split if fraction > 0]
    order = np.random.default_rng(config.seed).permutation(len(people))
    drawn = np.repeat(names, _counts(len(people), fractions))
    given = {people[i]: str(name) for i, name in zip(order, drawn, strict=True)}
    return {person: given[person] for person in people}


def from_column(values: Mapping[Person, str]) -> dict[Person, str]:
    """Give each person the split that a column of participants.tsv says, in one spelling.

    Raises
    ------
    TargetError
        Where a person has no value, or one that names no split.
    """
    given = {
        person: SPELLINGS.get(str(value).strip().casefold()) for person, value in values.items()
    }
    if wrong := sorted(person for person, split in given.items() if split is None):
        dataset, subject = wrong[0]
        raise TargetError(
            f"{dataset}/sub-{subject}: the split column says {values[wrong[0]]!r} ({len(wrong)} of {len(given)} persons are like that); "
            f"expected {', '.join(SPLITS)}"
        )
    return {person: split for person, split in given.items() if split is not None}


def folds(persons: Iterable[Person], n_folds: int | str, seed: int) -> list[tuple[Person, ...]]:
    """Persons held out in each fold, every person exactly once, whatever the order they come in.

    Parameters
    ----------
    n_folds
        ``"loso"`` (one person a fold, sorted) or a number of folds, whose sizes differ by one at most.
    """
    people = sorted(set(persons))
    if n_folds == "loso":
        n_folds, order = len(people), np.arange(len(people))
    else:
        order = np.random.default_rng(seed).permutation(len(people))
    count = _number(n_folds)
    if not 2 <= count <= len(people):
        raise ConfigError(
            f"{count} folds of {len(people)} persons: ask for 'loso' or for 2 to {len(people)} folds, and have two persons"
        )
    return [tuple(people[i] for i in sorted(share)) for share in np.array_split(order, count)]


def hold_out(persons: Iterable[Person], fraction: float, seed: int) -> tuple[Person, ...]:
    """Draw a fraction of the persons, at least one and never all, sorted.

    Raises
    ------
    TargetError
        Where there are not two persons.
    """
    people = sorted(set(persons))
    if len(people) < 2:
        raise TargetError(
            f"{len(people)} person to train on: none can be held out for validation, train a fixed number of epochs instead"
        )
    count = min(max(1, round(fraction * len(people))), len(people) - 1)
    drawn = np.random.default_rng(seed).permutation(len(people))[:count]
    return tuple(people[i] for i in sorted(drawn))


def _number(n_folds: int | str) -> int:
    if isinstance(n_folds, str) and not n_folds.isdecimal():
        raise ConfigError(f"folds is 'loso' or a number of folds, got {n_folds!r}")
    return int(n_folds)


def _counts(n_persons: int, fractions: Sequence[float]) -> list[int]:
    """Share out persons by largest remainder, at least one to each fraction."""
    exact = np.asarray(fractions) / sum(fractions) * n_persons
    counts = np.floor(exact + 1e-9).astype(int)
    for i in np.argsort(counts - exact, kind="stable")[: n_persons - counts.sum()]:
        counts[i] += 1
    while counts.min() < 1:
        counts[np.argmax(counts)] -= 1
        counts[np.argmin(counts)] += 1
    return [int(count) for count in counts]
