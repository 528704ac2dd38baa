"""Divide persons into training, validation and test sides. Windows of a person stay together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl import splits
from bids_dl.config.stages import TrainConfig
from bids_dl.datamodel import Person
from bids_dl.errors import TargetError

VALIDATION_FRACTION = 0.2  # of a fold's training side, held out if patience is set


@dataclass(frozen=True, slots=True)
class Fold:
    """One training: the persons of each side."""

    index: int
    train: tuple[Person, ...]
    validation: tuple[Person, ...]
    test: tuple[Person, ...]


def plan_folds(table: pd.DataFrame, config: TrainConfig, store_name: str) -> list[Fold]:
    """Return the trainings to do, in order.

    Without ``folds`` there is one, by the splits of the store. With ``folds`` each person is
    tested once. Persons are held out for validation only if ``patience`` is set, and then from
    the training side.

    Parameters
    ----------
    table
        Windows with a known target: columns dataset, subject, split.
    config
        Folds, patience and seed.
    store_name
        Name of the store, for messages.

    Raises
    ------
    TargetError
        A person is in two splits, or a required split is empty.
    """
    if config.folds is None:
        folds = [_fold_by_split(table, config, store_name)]
    else:
        folds = _folds_by_person(list_persons(table), config)
    for fold in folds:
        check_disjoint(fold, store_name)
    return folds


def list_persons(table: pd.DataFrame) -> list[Person]:
    """Return the distinct persons of a table, sorted."""
    pairs = table[["dataset", "subject"]].drop_duplicates().itertuples(index=False)
    return sorted((str(dataset), str(subject)) for dataset, subject in pairs)


def rows_of_persons(table: pd.DataFrame, persons: Iterable[Person]) -> npt.NDArray[np.bool_]:
    """Return a mask (n_rows,) of the rows of a table that belong to the persons."""
    row_persons = pd.MultiIndex.from_arrays(
        [table["dataset"].astype(str), table["subject"].astype(str)]
    )
    mask: npt.NDArray[np.bool_] = row_persons.isin(list(persons))
    return mask


def check_disjoint(fold: Fold, store_name: str) -> None:
    """Raise `TargetError` if a person is on two sides of a fold.

    Test results would then include persons that the model was trained on.
    """
    sides = {"train": set(fold.train), "validation": set(fold.validation), "test": set(fold.test)}
    for first, second in (("train", "validation"), ("train", "test"), ("validation", "test")):
        shared = sorted(sides[first] & sides[second])
        if shared:
            dataset, subject = shared[0]
            raise TargetError(
                f"{store_name}: {len(shared)} person(s) are in {first} and in {second}, "
                f"the first is {dataset}/sub-{subject}; "
                "a person must be in one split: convert again, or train with --folds"
            )


def _fold_by_split(table: pd.DataFrame, config: TrainConfig, store_name: str) -> Fold:
    persons: dict[str, tuple[Person, ...]] = {}
    for split in splits.SPLITS:
        persons[split] = tuple(list_persons(table[table["split"] == split]))
    required = ("train", "test") if config.patience is None else splits.SPLITS
    empty = [split for split in required if not persons[split]]
    if empty:
        counts = ", ".join(f"{split} {len(persons[split])}" for split in splits.SPLITS)
        without_patience = "without --patience, " if empty == ["validation"] else ""
        raise TargetError(
            f"{store_name}: no person is in split {empty[0]} (persons: {counts}); "
            f"train with --folds loso, {without_patience}or convert with another --split"
        )
    return Fold(0, persons["train"], persons["validation"], persons["test"])


def _folds_by_person(persons: list[Person], config: TrainConfig) -> list[Fold]:
    folds: list[Fold] = []
    tested = splits.make_folds(persons, config.folds or "loso", config.seed)
    for index, test in enumerate(tested):
        others = [person for person in persons if person not in test]
        validation: tuple[Person, ...] = ()
        if config.patience is not None:
            validation = splits.hold_out(others, VALIDATION_FRACTION, config.seed + index)
        train = tuple(person for person in others if person not in validation)
        folds.append(Fold(index, train, validation, test))
    return folds
