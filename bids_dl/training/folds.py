"""Who is trained on, who stops the training and who is tested: persons, never windows."""

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

VALIDATION = 0.2  # share of a fold's training side that is held out where patience is asked for


@dataclass(frozen=True, slots=True)
class Fold:
    """One training: persons on either side."""

    index: int
    train: tuple[Person, ...]
    validation: tuple[Person, ...]
    test: tuple[Person, ...]


def plan(table: pd.DataFrame, config: TrainConfig, name: str) -> list[Fold]:
    """Return the trainings to do, in order.

    Without ``folds`` it is one, by the splits of the store. With them, each person is tested once; nobody is held out for
    validation unless ``patience`` asks, and then from the training side only.

    Parameters
    ----------
    table
        Rows with a known target: columns dataset, subject, split.
    name
        The store's, for messages.

    Raises
    ------
    TargetError
        Persons in two splits, or a split that is needed and empty.
    """
    made = (
        [_by_split(table, config, name)]
        if config.folds is None
        else _by_fold(persons_of(table), config)
    )
    for fold in made:
        check_apart(fold, name)
    return made


def persons_of(table: pd.DataFrame) -> list[Person]:
    """Return the distinct persons of a table, sorted."""
    pairs = table[["dataset", "subject"]].drop_duplicates()
    return sorted(
        (str(dataset), str(subject)) for dataset, subject in pairs.itertuples(index=False)
    )


def rows_of(table: pd.DataFrame, persons: Iterable[Person]) -> npt.NDArray[np.bool_]:
    """Tell which rows belong to these persons."""
    keys = pd.MultiIndex.from_arrays([table["dataset"].astype(str), table["subject"].astype(str)])
    found: npt.NDArray[np.bool_] = keys.isin(list(persons))
    return found


def check_apart(fold: Fold, name: str) -> None:
    """Refuse a fold where a person is on two sides: its numbers would be of people the network knows."""
    sides = {"train": set(fold.train), "validation": set(fold.validation), "test": set(fold.test)}
    for first, second in (("train", "validation"), ("train", "test"), ("validation", "test")):
        if both := sorted(sides[first] & sides[second]):
            raise TargetError(
                f"{name}: {len(both)} person(s) are in {first} and in {second}, the first is {both[0][0]}/sub-{both[0][1]}; "
                "a person must be in one split: convert again, or train with --folds"
            )


def _by_split(table: pd.DataFrame, config: TrainConfig, name: str) -> Fold:
    there = {split: tuple(persons_of(table[table["split"] == split])) for split in splits.SPLITS}
    needed = ("train", "test") if config.patience is None else splits.SPLITS
    if empty := [split for split in needed if not there[split]]:
        counts = ", ".join(f"{split} {len(there[split])}" for split in splits.SPLITS)
        ways = "train with --folds loso, " + (
            "without --patience, " if empty == ["validation"] else ""
        )
        raise TargetError(
            f"{name}: nobody in split {empty[0]} (persons: {counts}); {ways}or convert with another --split"
        )
    return Fold(0, there["train"], there["validation"], there["test"])


def _by_fold(persons: list[Person], config: TrainConfig) -> list[Fold]:
    made = []
    for index, test in enumerate(splits.folds(persons, config.folds or "loso", config.seed)):
        rest = [person for person in persons if person not in test]
        validation = (
            splits.hold_out(rest, VALIDATION, config.seed + index)
            if config.patience is not None
            else ()
        )
        made.append(
            Fold(
                index,
                tuple(person for person in rest if person not in validation),
                validation,
                test,
            )
        )
    return made
