"""Fewer training persons: nested shares of those of a fold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bids_dl.errors import ConfigError
from bids_dl.training.folds.fold import Fold, make_fold
from bids_dl.training.folds.people import People, find_people
from bids_dl.training.folds.request import FoldRequest

FRACTION_STREAM = 10**6 + 20  # of random numbers, beside those of the folds


def reduce_folds(
    folds: Sequence[Fold], request: FoldRequest, share: float
) -> tuple[tuple[Fold, ...], list[str]]:
    """Keep a share of the training persons of each fold. Validation and test stay as they are.

    Parameters
    ----------
    folds
        Folds that test on other persons.
    request
        Windows that may be used, and settings with the seed.
    share
        Share of the training persons, above 0 and up to 1.

    Returns
    -------
    folds
        The reduced folds.
    lines
        One line on the number of persons, none for a share of 1.

    Raises
    ------
    ConfigError
        The folds train and test on the same persons.
    """
    if share == 1:
        return tuple(folds), []
    if any(fold.same_person for fold in folds):
        raise ConfigError(
            f"--train-fraction {share:g} takes a share of the training persons, but --folds "
            f"{request.config.folds} trains and tests on the same persons; give --folds loso or K"
        )
    people = find_people(request.table)
    reduced: list[Fold] = []
    before: list[int] = []
    after: list[int] = []
    for fold in folds:
        rows = np.searchsorted(request.rows, fold.train)
        persons = order_persons(people, rows, request.classes, [request.config.seed, fold.index])
        kept = persons[: count_kept(people, rows, request.classes, persons, share)]
        is_kept = np.isin(people.codes[rows], kept)
        reduced.append(
            make_fold(
                fold.index,
                fold.held_out,
                same_person=False,
                train=fold.train[is_kept],
                validation=fold.validation,
                test=fold.test,
            )
        )
        before.append(len(persons))
        after.append(len(kept))
    line = f"--train-fraction {share:g}: {_range(after)} of {_range(before)} training persons"
    return tuple(reduced), [line]


def order_persons(
    people: People,
    rows: npt.NDArray[np.int64],
    classes: npt.NDArray[np.int64] | None,
    seed: Sequence[int],
) -> list[int]:
    """Return the persons of some windows in the order in which they are added to a training.

    The first persons have all classes. After them, persons with the same classes are spread
    evenly, so that each beginning of the order has about the same shares of the classes.

    Parameters
    ----------
    people
        Persons of all windows.
    rows
        Indices of the windows in ``people.codes`` (n_rows,).
    classes
        Class index of each window of ``people`` (n_windows,), or None.
    seed
        Seeds of the order.

    Examples
    --------
    >>> import pandas as pd
    >>> subjects = [f"{i:02}" for i in range(8)]
    >>> people = find_people(pd.DataFrame({"dataset": "ds", "subject": subjects}))
    >>> classes = np.array([0, 0, 0, 0, 0, 0, 1, 1])
    >>> persons = order_persons(people, np.arange(8), classes, [0])
    >>> classes[persons].tolist()
    [0, 1, 0, 0, 0, 1, 0, 0]
    """
    persons = np.unique(people.codes[rows]).tolist()
    shuffled = np.random.default_rng([*seed, FRACTION_STREAM]).permutation(persons).tolist()
    classes_of = _classes_of(people, rows, classes)
    strata: dict[frozenset[int], list[int]] = {}
    for person in shuffled:
        strata.setdefault(classes_of.get(person, frozenset()), []).append(person)
    place = {}
    for members in strata.values():
        for rank, person in enumerate(members):
            place[person] = (rank + 0.5) / len(members)
    spread = sorted(shuffled, key=place.__getitem__)
    first = _cover(spread, classes_of)
    return first + [person for person in spread if person not in first]


def count_kept(
    people: People,
    rows: npt.NDArray[np.int64],
    classes: npt.NDArray[np.int64] | None,
    persons: Sequence[int],
    share: float,
) -> int:
    """Return how many persons of an order a share keeps: at least one, and one of each class."""
    n_covering = len(_cover(persons, _classes_of(people, rows, classes)))
    return max(1, n_covering, round(share * len(persons)))


def _classes_of(
    people: People, rows: npt.NDArray[np.int64], classes: npt.NDArray[np.int64] | None
) -> dict[int, frozenset[int]]:
    """Return the classes of the windows of each person, none if the target has no classes."""
    if classes is None:
        return {}
    pairs = np.unique(np.column_stack((people.codes[rows], classes[rows])), axis=0)
    found: dict[int, set[int]] = {}
    for person, label in pairs.tolist():
        found.setdefault(person, set()).add(label)
    return {person: frozenset(labels) for person, labels in found.items()}


def _cover(persons: Sequence[int], classes_of: dict[int, frozenset[int]]) -> list[int]:
    """Return the first persons who add a class that the persons before them do not have."""
    seen: set[int] = set()
    chosen: list[int] = []
    for person in persons:
        if classes_of.get(person, frozenset()) - seen:
            seen |= classes_of[person]
            chosen.append(person)
    return chosen


def _range(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low} to {high}"
