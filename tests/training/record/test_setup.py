"""The setup of a record is said in words, and settings without effect are left out."""

from __future__ import annotations

import doctest

import pandas as pd
import pytest

from bids_dl.models.target import TargetSpec
from bids_dl.training.record import setup
from bids_dl.training.record.setup import (
    describe_split,
    is_class_its_own_recording,
    name_target,
    select_settings,
)

CLASSES = TargetSpec("label", "classes", ("label",), ("rest", "move"))
NUMBER = TargetSpec("age", "number", ("age",), ("age",))


def test_the_examples_are_right():
    assert doctest.testmod(setup).failed == 0


def test_a_class_of_a_person_is_no_class_of_a_recording():
    table = pd.DataFrame({"dataset": "ds", "subject": ["01", "02"], "recording": ["a", "b"]})
    spec = TargetSpec("sex", "classes", ("sex",), ("F", "M"))
    assert not is_class_its_own_recording(spec, table.assign(sex=["F", "M"]))


@pytest.mark.parametrize(
    ("folds", "n_folds", "expected"),
    [
        (None, 1, "the test people of the store"),
        (5, 5, "each person tested by a model of the other folds, 5 folds"),
        ("session", 2, "another session of the same people (session), 2 folds"),
    ],
)
def test_each_kind_of_split_has_a_description(folds, n_folds, expected):
    assert describe_split({"folds": folds}, n_folds) == expected


def test_the_people_of_another_store_are_named():
    settings = {"folds": "other store", "test": "new.zarr"}
    assert describe_split(settings, 1) == "all windows of another store, new.zarr"


def test_long_classes_are_not_in_the_title():
    spec = TargetSpec("label", "classes", ("label",), ("a" * 40, "b" * 40))
    assert name_target(spec) == "label"


@pytest.mark.parametrize(("spec", "shown"), [(CLASSES, "label_smoothing"), (NUMBER, "loss")])
def test_a_loss_is_shown_for_its_kind_of_target(spec, shown):
    settings = {"loss": "huber", "label_smoothing": 0.0}
    assert list(select_settings(settings, spec)) == [shown]


def test_options_of_another_option_need_it():
    settings = {"folds": "time", "gap": 10.0, "schedule": "cosine", "min_lr": 0.0}
    settings |= {"patience": 5, "monitor": "loss"}
    assert select_settings(settings, CLASSES) == settings
    changed = settings | {"folds": "loso", "schedule": "constant", "patience": None}
    assert select_settings(changed, CLASSES) == {"folds": "loso", "schedule": "constant"}
