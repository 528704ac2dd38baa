"""Divide persons into training, validation and test sides. Windows of a person stay together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl import splits, strata
from bids_dl.config.training_stage import TrainConfig
from bids_dl.datamodel import Person
from bids_dl.errors import ConfigError, TargetError
from bids_dl.wording import count, suggest

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
    the training side. With ``stratify`` a column is balanced over the folds.

    Parameters
    ----------
    table
        Windows with a known target: columns dataset, subject, split, and that of ``stratify``.
    config
        Folds, column to stratify by, patience and seed.
    store_name
        Name of the store, for messages.

    Raises
    ------
    TargetError
        A person is in two splits, a required split is empty, or the column to stratify by does
        not exist or varies within a person.
    ConfigError
        There are no folds to stratify.
    """
    groups = find_strata(table, config, store_name)
    if config.folds is None:
        folds = [_fold_by_split(table, config, store_name)]
    else:
        folds = _folds_by_person(list_persons(table), config, groups)
    for fold in folds:
        check_disjoint(fold, store_name)
    return folds


def list_persons(table: pd.DataFrame) -> list[Person]:
    """Return the distinct persons of a table, sorted."""
    pairs = table[["dataset", "subject"]].drop_duplicates().itertuples(index=False)
    return sorted((str(dataset), str(subject)) for dataset, subject in pairs)


def find_strata(
    table: pd.DataFrame, config: TrainConfig, store_name: str
) -> dict[Person, str] | None:
    """Return the stratum of each person, or None without ``stratify``.

    Raises
    ------
    TargetError
        The column does not exist, or varies within a person.
    ConfigError
        There are no folds to stratify.
    """
    if config.stratify is None:
        return None
    if config.folds is None or config.folds == "loso":
        problem = "the splits of the store are used" if config.folds is None else "--folds is loso"
        raise ConfigError(
            f"--stratify {config.stratify} balances folds, but {problem}; give --folds K"
        )
    values = person_values(table, config.stratify, store_name)
    return strata.make_strata(values, splits.parse_fold_count(config.folds))


def warn_about_strata(table: pd.DataFrame, config: TrainConfig, store_name: str) -> list[str]:
    """Warn about strata with fewer persons than there are folds."""
    groups = find_strata(table, config, store_name)
    if groups is None or config.folds is None:
        return []
    n_folds = splits.parse_fold_count(config.folds)
    return strata.find_small_strata(groups, n_folds, f"--stratify {config.stratify}")


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
    texts = table[column].astype(object).where(table[column].notna(), "n/a").astype(str)
    values: dict[Person, str] = {}
    for dataset, subject, text in zip(table["dataset"], table["subject"], texts, strict=True):
        person = (str(dataset), str(subject))
        if values.setdefault(person, text) != text:
            raise TargetError(
                f"{store_name}: --stratify {column}: {dataset}/sub-{subject} has "
                f"{values[person]!r} and {text!r}; choose a column with one value per person"
            )
    if set(values.values()) <= {"n/a", ""}:
        raise TargetError(f"{store_name}: --stratify {column}: no person has a value")
    return values


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
                f"{store_name}: {count(len(shared), 'person')} both in {first} and in {second}, "
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


def _folds_by_person(
    persons: list[Person], config: TrainConfig, groups: splits.Strata | None
) -> list[Fold]:
    folds: list[Fold] = []
    tested = splits.make_folds(persons, config.folds or "loso", config.seed, groups)
    for index, test in enumerate(tested):
        others = [person for person in persons if person not in test]
        validation: tuple[Person, ...] = ()
        if config.patience is not None:
            seed = config.seed + index
            validation = splits.hold_out(others, VALIDATION_FRACTION, seed, groups)
        train = tuple(person for person in others if person not in validation)
        folds.append(Fold(index, train, validation, test))
    return folds
