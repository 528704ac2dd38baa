from __future__ import annotations

import doctest

import numpy as np
import pandas as pd
import pytest
from fold_tables import plan, request_all
from hypothesis import given, settings
from hypothesis import strategies as st
from people_store import window_table

from bids_dl import splits
from bids_dl.errors import ConfigError, TargetError
from bids_dl.training.folds import by_person
from bids_dl.training.folds.by_person import check_disjoint, fold_by_split, folds_by_person
from bids_dl.training.folds.people import find_people

SPLITS = ("train", "validation", "test")


def persons_of(table, rows):
    return sorted(set(table["subject"].iloc[rows]))


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(by_person).failed == 0


def test_without_folds_the_splits_of_the_store_are_used():
    table = window_table(6, splits=SPLITS)
    [fold] = fold_by_split(request_all(table)).folds
    assert persons_of(table, fold.train) == ["00", "03"]
    assert persons_of(table, fold.validation) == ["01", "04"]
    assert persons_of(table, fold.test) == ["02", "05"]
    assert fold.held_out == "sub-02, sub-05"
    assert not fold.same_person


def test_persons_of_the_same_name_in_two_datasets_are_tested_each_by_itself():
    table = pd.concat([window_table(2), window_table(2).assign(dataset="ds2")], ignore_index=True)
    folds = folds_by_person(request_all(table, folds="loso")).folds
    assert [fold.test.tolist() for fold in folds] == np.arange(64).reshape(4, 16).tolist()
    assert folds[2].held_out == "ds2/sub-00"


@pytest.mark.parametrize(("patience", "sizes"), [(3, (6, 2, 2)), (None, (8, 0, 2))])
def test_only_with_patience_persons_of_the_training_side_are_held_out_for_validation(
    patience, sizes
):
    table = window_table(10)
    for fold in folds_by_person(request_all(table, folds=5, patience=patience)).folds:
        sides = (fold.train, fold.validation, fold.test)
        assert tuple(len(persons_of(table, rows)) for rows in sides) == sizes


@settings(max_examples=40)
@given(
    n_persons=st.integers(4, 12),
    folds=st.sampled_from(["loso", 2, "3", 4]),
    seed=st.integers(0, 5),
    patience=st.sampled_from([None, 2]),
    order=st.randoms(use_true_random=False),
)
def test_each_window_is_tested_once_and_no_person_is_on_two_sides(
    n_persons, folds, seed, patience, order
):
    table = window_table(n_persons, n_windows=2)
    shuffled = list(range(len(table)))
    order.shuffle(shuffled)
    mixed = table.iloc[shuffled].reset_index(drop=True)
    options = {"folds": folds, "seed": seed, "patience": patience}
    planned = folds_by_person(request_all(mixed, **options)).folds
    assert sorted(np.concatenate([fold.test for fold in planned])) == list(range(len(table)))
    in_order = folds_by_person(request_all(table, **options)).folds
    for fold, same_fold in zip(planned, in_order, strict=True):
        sides = [fold.train, fold.validation, fold.test]
        assert sorted(np.concatenate(sides)) == list(range(len(table)))
        persons = [set(persons_of(mixed, rows)) for rows in sides]
        assert sum(map(len, persons)) == n_persons
        same_sides = [same_fold.train, same_fold.validation, same_fold.test]
        assert persons == [set(persons_of(table, rows)) for rows in same_sides]


def test_folds_of_a_seed_are_those_of_the_module_splits():
    table = window_table(9)
    names = find_people(table).names
    expected = splits.make_folds(names, 4, seed=7)
    folds = folds_by_person(request_all(table, folds="4", seed=7, patience=1)).folds
    for index, (fold, test) in enumerate(zip(folds, expected, strict=True)):
        assert persons_of(table, fold.test) == [subject for _, subject in test]
        others = [name for name in names if name not in test]
        validation = splits.hold_out(others, 0.2, 7 + index)
        assert persons_of(table, fold.validation) == [subject for _, subject in validation]


@pytest.mark.parametrize(
    ("splits_of_persons", "patience", "message"),
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
def test_a_store_without_a_required_split_is_refused_with_the_ways_out(
    splits_of_persons, patience, message
):
    table = window_table(4, splits=splits_of_persons)
    with pytest.raises(TargetError, match=message):
        fold_by_split(request_all(table, patience=patience))


def test_a_person_in_two_splits_is_refused():
    table = window_table(4, splits=("train", "test"))
    table.loc[0, "split"] = "test"
    message = (
        r"a\.zarr: 1 person both in train and in test, the first is ds1/sub-00; "
        "a person must be in one split"
    )
    with pytest.raises(TargetError, match=message):
        fold_by_split(request_all(table))


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [("ab", "b", "c"), ("a", "bc", "c"), ("ac", "", "c")],
)
def test_sides_that_share_a_person_are_refused(train, validation, test):
    sides = {}
    for side, names in zip(SPLITS, (train, validation, test), strict=True):
        sides[side] = [("ds1", name) for name in names]
    with pytest.raises(TargetError, match="a person must be in one split"):
        check_disjoint(sides, "a.zarr")


def test_stratified_folds_hold_out_the_same_share_of_each_value():
    table = window_table(12)
    table["sex"] = ["F" if int(subject) < 6 else "M" for subject in table["subject"]]
    planned = folds_by_person(request_all(table, folds=3, stratify="sex", patience=2))
    for fold in planned.folds:
        for rows, n_of_each in ((fold.test, 2), (fold.validation, 1), (fold.train, 3)):
            persons = persons_of(table, rows)
            assert sum(int(subject) < 6 for subject in persons) == n_of_each
            assert len(persons) == 2 * n_of_each
    assert planned.warnings == ()
    [line] = folds_by_person(request_all(table, folds=9, stratify="sex")).warnings
    assert "fewer people than the 9 parts to balance: F (6), M (6)" in line


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("label", "--stratify label: ds1/sub-00 has 'rest'"),
        ("sex", "--stratify sex: no such column; use one"),
        ("hand", "--stratify hand: no person has a value"),
    ],
)
def test_a_column_that_cannot_stratify_folds_is_refused(column, message):
    with pytest.raises(TargetError, match=message):
        plan(window_table(4).assign(hand="n/a"), stratify=column, folds=2)


@pytest.mark.parametrize(
    ("n_persons", "folds", "message"),
    [
        (4, 9, "a.zarr: 9 folds of 4 persons cannot be made; give --folds loso or a number from 2"),
        (1, "loso", "--folds loso tests on other persons, but 1 person has windows"),
        (1, 2, "--folds 2 tests on other persons, but 1 person has windows"),
    ],
)
def test_more_folds_than_persons_are_refused(n_persons, folds, message):
    with pytest.raises(ConfigError, match=message):
        folds_by_person(request_all(window_table(n_persons), folds=folds))
