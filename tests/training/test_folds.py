from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from people_store import window_table, write_store

from bids_dl.config.stages import TrainConfig
from bids_dl.errors import TargetError
from bids_dl.training import train
from bids_dl.training.folds import Fold, check_apart, persons_of, plan, rows_of

THREE = ("train", "validation", "test")


def test_without_folds_the_splits_of_the_store_are_taken():
    [fold] = plan(window_table(6, splits=THREE), TrainConfig(), "a.zarr")
    assert (fold.train, fold.validation, fold.test) == tuple(
        tuple(("ds1", f"{i + k:02}") for k in (0, 3)) for i in range(3)
    )


def test_people_of_the_same_name_in_two_datasets_are_two_people():
    table = pd.concat([window_table(2), window_table(2).assign(dataset="ds2")])
    assert persons_of(table) == [("ds1", "00"), ("ds1", "01"), ("ds2", "00"), ("ds2", "01")]
    assert [fold.test for fold in plan(table, TrainConfig(folds="loso"), "a.zarr")] == [
        (person,) for person in persons_of(table)
    ]
    assert np.flatnonzero(rows_of(table, [("ds2", "00")])).tolist() == list(range(32, 48))


def test_validation_persons_are_held_out_of_the_training_side_only_when_patience_asks():
    for fold in plan(window_table(10), TrainConfig(folds=5, patience=3), "a.zarr"):
        assert (len(fold.train), len(fold.validation), len(fold.test)) == (6, 2, 2)
    for fold in plan(window_table(10), TrainConfig(folds=5), "a.zarr"):
        assert (len(fold.train), len(fold.validation), len(fold.test)) == (8, 0, 2)


@pytest.mark.parametrize(
    ("splits", "patience", "message"),
    [
        (
            ("train",),
            None,
            r"a\.zarr: nobody in split test \(persons: train 4, validation 0, test 0\); train with --folds loso, or convert",
        ),
        (
            ("train", "test"),
            3,
            r"nobody in split validation .* train with --folds loso, without --patience, or convert",
        ),
        (("test",), None, r"nobody in split train"),
    ],
)
def test_a_store_without_the_splits_it_takes_says_what_to_do(splits, patience, message):
    with pytest.raises(TargetError, match=message):
        plan(window_table(4, splits=splits), TrainConfig(patience=patience), "a.zarr")


def test_a_person_in_two_splits_is_refused():
    table = window_table(4, splits=("train", "test"))
    table.loc[0, "split"] = "test"
    with pytest.raises(
        TargetError,
        match=r"a\.zarr: 1 person\(s\) are in train and in test, the first is ds1/sub-00; a person must be in one",
    ):
        plan(table, TrainConfig(), "a.zarr")


@pytest.mark.parametrize("sides", [((1, 2), (2,), (3,)), ((1,), (2, 3), (3,)), ((1, 3), (), (3,))])
def test_no_two_sides_of_a_fold_share_a_person(sides):
    with pytest.raises(TargetError, match="a person must be in one split"):
        check_apart(Fold(0, *(tuple(("ds1", str(i)) for i in side) for side in sides)), "a.zarr")


def test_a_fold_with_one_class_to_train_on_is_refused(tmp_path):
    table = window_table(2).assign(sex=["F"] * 16 + ["M"] * 16)
    store = write_store(tmp_path / "s.zarr", table)
    with pytest.raises(
        TargetError,
        match=r"s\.zarr: sub-00 held out, the 1 person\(s\) to train on are all M; a fold needs two classes of 'sex'",
    ):
        train(store, TrainConfig(target="sex", folds="loso"), run_dir=tmp_path / "run")
