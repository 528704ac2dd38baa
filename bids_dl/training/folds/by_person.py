"""Folds that test on other persons: the splits of the store, leave one out, or K folds."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl import splits, strata
from bids_dl.datamodel import Person
from bids_dl.errors import ConfigError, TargetError
from bids_dl.training.folds.fold import Fold, FoldPlan, make_fold
from bids_dl.training.folds.people import People, describe_people, find_people
from bids_dl.training.folds.request import FoldRequest
from bids_dl.wording import count, suggest

VALIDATION_FRACTION = 0.2  # of the training persons, held out if patience is set


def fold_by_split(request: FoldRequest) -> FoldPlan:
    """Return one fold, by the splits of the store.

    Raises
    ------
    TargetError
        A person is in two splits, or a required split is empty.
    """
    request.require_columns(["split"], "a training without --folds")
    people = find_people(request.table)
    split_of = request.table["split"].to_numpy()
    masks = {}
    sides = {}
    for split in splits.SPLITS:
        masks[split] = np.asarray(split_of == split, dtype=bool)
        sides[split] = [people.names[i] for i in np.unique(people.codes[masks[split]])]
    _check_splits(sides, request)
    check_disjoint(sides, request.store_name)
    held_out = describe_people(sides["test"], with_dataset=_has_datasets(people))
    rows = {split: request.rows[mask] for split, mask in masks.items()}
    return FoldPlan((make_fold(0, held_out, same_person=False, **rows),))


def folds_by_person(request: FoldRequest) -> FoldPlan:
    """Return folds that test each person once.

    With ``patience``, a fifth of the training persons validates. With ``stratify``, the values of
    a column are balanced over the folds and over the validation.

    Raises
    ------
    ConfigError
        The number of folds is impossible.
    TargetError
        The column to stratify by does not exist, varies within a person or has no value.
    """
    config = request.config
    folds = config.folds or "loso"
    people = find_people(request.table)
    _check_count(folds, people, request.store_name)
    groups = None
    warnings: list[str] = []
    if config.stratify is not None:
        n_folds = splits.parse_fold_count(folds)
        values = person_values(request.table, config.stratify, request.store_name)
        groups = strata.make_strata(values, n_folds)
        warnings = strata.find_small_strata(groups, n_folds, f"--stratify {config.stratify}")
    planned = []
    for index, test in enumerate(splits.make_folds(people.names, folds, config.seed, groups)):
        planned.append(_hold_out_persons(request, people, groups, index=index, test=test))
    return FoldPlan(tuple(planned), tuple(warnings))


def person_values(table: pd.DataFrame, column: str, store_name: str) -> dict[Person, str]:
    """Return the value of each person in a column as text, "n/a" without a value.

    Raises
    ------
    TargetError
        There is no such column, the windows of a person have different values, or no person has
        a value.

    Examples
    --------
    >>> table = pd.DataFrame({"dataset": ["ds"] * 2, "subject": ["01", "02"], "age": [20, None]})
    >>> person_values(table, "age", "eyes.zarr")
    {('ds', '01'): '20.0', ('ds', '02'): 'n/a'}
    """
    if column not in table.columns:
        hint = suggest(column, map(str, table.columns), limit=len(table.columns))
        raise TargetError(f"{store_name}: --stratify {column}: no such column; {hint}")
    pairs = pd.DataFrame(
        {"dataset": table["dataset"], "subject": table["subject"], "value": table[column]}
    ).drop_duplicates()
    values: dict[Person, str] = {}
    for dataset, subject, value in pairs.itertuples(index=False, name=None):
        person = (str(dataset), str(subject))
        text = "n/a" if pd.isna(value) else str(value)
        if values.setdefault(person, text) != text:
            raise TargetError(
                f"{store_name}: --stratify {column}: {dataset}/sub-{subject} has "
                f"{values[person]!r} and {text!r}; choose a column with one value per person"
            )
    if set(values.values()) <= {"n/a", ""}:
        raise TargetError(f"{store_name}: --stratify {column}: no person has a value")
    return values


def check_disjoint(sides: dict[str, list[Person]], store_name: str) -> None:
    """Raise `TargetError` if a person is on two sides of a fold.

    Test results would then include persons that the model was trained on.

    Examples
    --------
    >>> check_disjoint({"train": [("ds", "01")], "validation": [], "test": [("ds", "02")]}, "a")
    """
    for first, second in (("train", "validation"), ("train", "test"), ("validation", "test")):
        shared = sorted(set(sides[first]) & set(sides[second]))
        if shared:
            dataset, subject = shared[0]
            raise TargetError(
                f"{store_name}: {count(len(shared), 'person')} both in {first} and in {second}, "
                f"the first is {dataset}/sub-{subject}; "
                "a person must be in one split: convert again, or train with --folds"
            )


def _check_splits(sides: dict[str, list[Person]], request: FoldRequest) -> None:
    """Raise `TargetError` if a split that the training needs has no person."""
    required = ("train", "test") if request.config.patience is None else splits.SPLITS
    empty = [split for split in required if not sides[split]]
    if empty:
        counts = ", ".join(f"{split} {len(sides[split])}" for split in splits.SPLITS)
        without_patience = "without --patience, " if empty == ["validation"] else ""
        raise TargetError(
            f"{request.store_name}: no person is in split {empty[0]} (persons: {counts}); "
            f"train with --folds loso, {without_patience}or convert with another --split"
        )


def _check_count(folds: str | int, people: People, store_name: str) -> None:
    """Raise `ConfigError` if the persons cannot be divided into so many folds."""
    n_persons = len(people.names)
    if n_persons == 1:
        raise ConfigError(
            f"{store_name}: --folds {folds} tests on other persons, but 1 person has windows with "
            "a target; train with --folds time, session, run or recording"
        )
    if folds != "loso" and not 2 <= splits.parse_fold_count(folds) <= n_persons:
        folds_text = count(splits.parse_fold_count(folds), "fold")
        raise ConfigError(
            f"{store_name}: {folds_text} of {n_persons} persons cannot be made; "
            f"give --folds loso or a number from 2 to {n_persons}"
        )


def _hold_out_persons(
    request: FoldRequest,
    people: People,
    groups: splits.Strata | None,
    *,
    index: int,
    test: tuple[Person, ...],
) -> Fold:
    """Return the fold that tests some persons and trains on the others."""
    tested = set(test)
    others = [person for person in people.names if person not in tested]
    validation: tuple[Person, ...] = ()
    if request.config.patience is not None:
        seed = request.config.seed + index
        validation = splits.hold_out(others, VALIDATION_FRACTION, seed, groups)
    held_out = tested.union(validation)
    train = [person for person in others if person not in held_out]
    return make_fold(
        index,
        describe_people(test, with_dataset=_has_datasets(people)),
        same_person=False,
        train=request.rows[_windows_of(people, train)],
        validation=request.rows[_windows_of(people, validation)],
        test=request.rows[_windows_of(people, test)],
    )


def _windows_of(people: People, names: Iterable[Person]) -> npt.NDArray[np.bool_]:
    """Return a mask (n_windows,) of the windows of some persons."""
    chosen = set(names)
    is_chosen = np.array([person in chosen for person in people.names], dtype=bool)
    mask: npt.NDArray[np.bool_] = is_chosen[people.codes]
    return mask


def _has_datasets(people: People) -> bool:
    """Return whether the persons are of several datasets, so that a label alone is ambiguous."""
    return len({dataset for dataset, _ in people.names}) > 1
