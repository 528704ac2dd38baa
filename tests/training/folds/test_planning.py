from __future__ import annotations

import doctest

import numpy as np
import pytest
from fold_tables import plan, recording_table
from people_store import window_table

from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import ConfigError, TargetError
from bids_dl.training.folds import planning
from bids_dl.training.folds.planning import plan_folds

RUNS = [("01", "1", "1"), ("01", "2", "1"), ("02", "1", "1"), ("02", "2", "1")]


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(planning).failed == 0


@pytest.mark.parametrize(
    ("folds", "same_person", "n_folds"),
    [
        ("loso", False, 2),
        ("2", False, 2),
        ("session", True, 2),
        ("recording", True, 2),
        ("time", True, 1),
    ],
)
def test_a_fold_says_that_it_tests_on_persons_of_whom_other_windows_are_trained_on(
    folds, same_person, n_folds
):
    table = recording_table(RUNS)
    planned = plan(table, folds=folds)
    assert [fold.same_person for fold in planned.folds] == [same_person] * n_folds
    for fold in planned.folds:
        people = [set(table["subject"].iloc[rows]) for rows in (fold.train, fold.test)]
        assert bool(people[0] & people[1]) == same_person


@pytest.mark.parametrize("folds", ["loso", "session", "time"])
def test_windows_that_may_not_be_used_are_on_no_side(folds):
    table = recording_table(RUNS)
    known = np.arange(len(table)) % 3 > 0
    classes = np.where(table["label"] == "rest", 0, 1)
    planned = plan_folds(
        table,
        TrainConfig(folds=folds, gap=10),
        known=known,
        classes_of=np.where(known, classes, -1),
        window_seconds=2.0,
        store_name="a.zarr",
    )
    for fold in planned.folds:
        assert known[fold.train].all()
        assert known[fold.test].all()


@pytest.mark.parametrize("folds", ["loso", "session", "time"])
def test_a_target_without_classes_has_folds_too(folds):
    table = recording_table(RUNS)
    planned = plan_folds(
        table,
        TrainConfig(folds=folds),
        known=np.ones(len(table), bool),
        classes_of=None,
        window_seconds=2.0,
        store_name="a.zarr",
    )
    assert all(len(fold.train) and len(fold.test) for fold in planned.folds)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"folds": "1"}, "--folds 1: at least 2 folds are needed, or loso"),
        ({"folds": 0}, "--folds 0: at least 2 folds"),
        ({"folds": "-3"}, "--folds -3: at least 2 folds"),
        ({"folds": "9" * 5000}, r"--folds 999999999\.\.\.: more folds than persons"),
        ({"folds": "sessions"}, "a number of folds, got 'sessions'; did you mean 'session'?"),
        ({"folds": "2.5"}, "folds must be 'loso', 'session', .* got '2.5'; use one of them"),
        ({"folds": ""}, "folds must be 'loso', .* got ''"),
        ({"stratify": "split"}, "the splits of the store are used; give --folds K"),
        ({"stratify": "split", "folds": "loso"}, "--folds is loso; give --folds K"),
        ({"stratify": "split", "folds": "time"}, "--folds is time; give --folds K"),
        ({"gap": 5.0}, "--gap 5 separates .* the splits of the store are used; give --folds time"),
        ({"gap": 5.0, "folds": 4}, "--gap 5 separates .* but --folds is 4; give --folds time"),
        ({"gap": 5.0, "folds": "run"}, "--gap 5 separates .* but --folds is run"),
    ],
)
def test_wrong_folds_and_options_without_effect_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message) as caught:
        plan(window_table(6, splits=("train", "test")), **settings)
    assert "\n" not in str(caught.value)


def test_a_class_that_is_only_in_the_held_out_runs_is_refused():
    runs = [(subject, "1", run) for subject in ("01", "02") for run in ("1", "2")]
    table = recording_table(runs)
    table["label"] = np.where(table["run"] == "1", "rest", "move")
    message = (
        r"a\.zarr: run 1 of each person held out: class 'rest' is tested but has no training "
        "window, because it is in no other run; train with --folds time or loso"
    )
    with pytest.raises(TargetError, match=message):
        plan(table, folds="run")
    assert len(plan(table, folds="time").folds) == 1
    assert len(plan(table, folds="loso").folds) == 2


def test_a_fold_with_one_class_to_train_on_is_refused():
    table = window_table(2)
    table.loc[table["subject"] == "01", "label"] = "move"
    message = "sub-00 held out, 16 windows to train on, all move; a fold needs two classes of 'la"
    with pytest.raises(TargetError, match=message):
        plan(table, folds="loso")


def test_a_class_of_one_person_is_a_warning_with_folds_over_persons():
    table = recording_table([*RUNS, ("03", "1", "1")])
    classes = np.where(table["label"] == "rest", 0, 1)
    classes[-4:] = 2
    table.loc[table.index[-4:], "label"] = "sleep"
    planned = plan_folds(
        table,
        TrainConfig(folds="loso"),
        known=np.ones(len(table), bool),
        classes_of=classes,
        window_seconds=2.0,
        store_name="a.zarr",
    )
    assert planned.warnings == (
        "1 fold with a tested class that no training person has: sleep (sub-03)",
    )
