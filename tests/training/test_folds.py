from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from people_store import window_table

from bids_dl.config.stages import TrainConfig
from bids_dl.errors import TargetError
from bids_dl.training.folds import (
    Fold,
    check_disjoint,
    list_persons,
    plan_folds,
    rows_of_persons,
)

SPLITS = ("train", "validation", "test")


def test_without_folds_the_splits_of_the_store_are_used():
    [fold] = plan_folds(window_table(6, splits=SPLITS), TrainConfig(), "a.zarr")
    assert fold.train == (("ds1", "00"), ("ds1", "03"))
    assert fold.validation == (("ds1", "01"), ("ds1", "04"))
    assert fold.test == (("ds1", "02"), ("ds1", "05"))


def test_persons_of_the_same_name_in_two_datasets_are_two_persons():
    table = pd.concat([window_table(2), window_table(2).assign(dataset="ds2")])
    persons = list_persons(table)
    assert persons == [("ds1", "00"), ("ds1", "01"), ("ds2", "00"), ("ds2", "01")]
    folds = plan_folds(table, TrainConfig(folds="loso"), "a.zarr")
    assert [fold.test for fold in folds] == [(person,) for person in persons]
    rows = np.flatnonzero(rows_of_persons(table, [("ds2", "00")]))
    assert rows.tolist() == list(range(32, 48))


@pytest.mark.parametrize(("patience", "sizes"), [(3, (6, 2, 2)), (None, (8, 0, 2))])
def test_only_with_patience_persons_of_the_training_side_are_held_out_for_validation(
    patience, sizes
):
    for fold in plan_folds(window_table(10), TrainConfig(folds=5, patience=patience), "a.zarr"):
        assert (len(fold.train), len(fold.validation), len(fold.test)) == sizes


@pytest.mark.parametrize(
    ("splits", "patience", "message"),
    [
        (
            ("train",),
            None,
            r"a\.zarr: no person is in split test \(persons: train 4, validation 0, test 0\); "
            "train with --folds loso, or convert",
        ),
        (
            ("train", "test"),
            3,
            r"no person is in split validation .* "
            "train with --folds loso, without --patience, or convert",
        ),
        (("test",), None, r"no person is in split train"),
    ],
)
def test_a_store_without_a_required_split_is_refused_with_the_ways_out(splits, patience, message):
    with pytest.raises(TargetError, match=message):
        plan_folds(window_table(4, splits=splits), TrainConfig(patience=patience), "a.zarr")


def test_a_person_in_two_splits_is_refused():
    table = window_table(4, splits=("train", "test"))
    table.loc[0, "split"] = "test"
    message = (
        r"a\.zarr: 1 person\(s\) are in train and in test, the first is ds1/sub-00; "
        "a person must be in one split"
    )
    with pytest.raises(TargetError, match=message):
        plan_folds(table, TrainConfig(), "a.zarr")


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [("ab", "b", "c"), ("a", "bc", "c"), ("ac", "", "c")],
)
def test_a_fold_with_a_person_on_two_sides_is_refused(train, validation, test):
    sides = [tuple(("ds1", name) for name in names) for names in (train, validation, test)]
    with pytest.raises(TargetError, match="a person must be in one split"):
        check_disjoint(Fold(0, *sides), "a.zarr")
