from __future__ import annotations

import doctest

import numpy as np
import pandas as pd
import pytest
from people_store import window_table

from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import ConfigError, TargetError
from bids_dl.training import folds
from bids_dl.training.folds import (
    Fold,
    check_disjoint,
    list_persons,
    plan_folds,
    rows_of_persons,
    warn_about_strata,
)


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(folds).failed == 0


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
        r"a\.zarr: 1 person both in train and in test, the first is ds1/sub-00; "
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


def test_stratified_folds_hold_out_the_same_share_of_each_value():
    table = window_table(12)
    table["sex"] = ["F" if int(subject) < 6 else "M" for subject in table["subject"]]
    config = TrainConfig(folds=3, stratify="sex", patience=2)
    for fold in plan_folds(table, config, "a.zarr"):
        for side, n_of_each in ((fold.test, 2), (fold.validation, 1), (fold.train, 3)):
            assert sum(int(subject) < 6 for _, subject in side) == n_of_each
            assert len(side) == 2 * n_of_each
    assert warn_about_strata(table, config, "a.zarr") == []
    [line] = warn_about_strata(table, TrainConfig(folds=9, stratify="sex"), "a.zarr")
    assert "fewer people than the 9 parts to balance: F (6), M (6)" in line


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"stratify": "label", "folds": 2}, TargetError, "--stratify label: ds1/sub-00 has 'rest'"),
        ({"stratify": "sex", "folds": 2}, TargetError, "--stratify sex: no such column; use one"),
        ({"stratify": "hand", "folds": 2}, TargetError, "--stratify hand: no person has a value"),
        ({"stratify": "split"}, ConfigError, "the splits of the store are used; give --folds K"),
        ({"stratify": "split", "folds": "loso"}, ConfigError, "--folds is loso; give --folds K"),
        ({"stratify": "split", "folds": "some"}, ConfigError, "'loso' or a number of folds"),
    ],
)
def test_a_column_that_cannot_stratify_folds_is_refused(settings, error, message):
    with pytest.raises(error, match=message):
        plan_folds(window_table(4).assign(hand="n/a"), TrainConfig(**settings), "a.zarr")
