from __future__ import annotations

import doctest

import numpy as np
import pandas as pd
import pytest

from bids_dl.errors import ConditionError, ConfigError
from bids_dl.training.folds import conditions
from bids_dl.training.folds.conditions import rows_where

TABLE = pd.DataFrame(
    {
        "subject": ["01", "02", "10", "11"],
        "session": ["pre", "post", "pre", "post"],
        "run": ["01", "2", "", "1"],
        "age": [20.0, 35.5, np.nan, 65.0],
        "sex": ["F", "M", "n/a", "F"],
        "row": [0, 1, 2, 3],
        "is_left": [True, False, True, False],
    }
)


def selected(*texts):
    return np.flatnonzero(rows_where(TABLE, texts, "a.zarr")).tolist()


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(conditions).failed == 0


@pytest.mark.parametrize(
    ("texts", "rows"),
    [
        ([], [0, 1, 2, 3]),
        (["age=18..40"], [0, 1]),
        (["age=65"], [3]),
        (["age=..35.5"], [0, 1]),
        (["row=1..2"], [1, 2]),
        (["sex=F", "age=60.."], [3]),
        (["subject=sub-01,sub-02"], [0, 1]),
        (["subject=sub-1*"], [2, 3]),
        (["session=ses-pre"], [0, 2]),
        (["run=1"], [0, 3]),
        (["run=run-01,2"], [0, 1, 3]),
        (["is_left=True"], [0, 2]),
    ],
)
def test_windows_meet_all_conditions_and_a_missing_cell_meets_none(texts, rows):
    assert selected(*texts) == rows


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        (["agee=3"], ConditionError, "a.zarr: --where agee=3: no such column; did you mean 'age'"),
        (["sex=X"], ConditionError, "sex=X matches none of 4 windows; values of sex: F, M"),
        (["age=70.."], ConditionError, "none of 4 windows; values of age: 20.0, 35.5, 65.0"),
        (["sex=M", "age=20"], ConditionError, "sex=M --where age=20 together .*leave one out"),
        (["sex"], ConfigError, "expected COLUMN=VALUE"),
    ],
)
def test_a_condition_without_a_window_is_refused(texts, error, message):
    with pytest.raises(error, match=message):
        selected(*texts)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.arange(30.0), "age is from 0 to 29"),
        (np.full(30, np.nan), "age is n/a for all of them"),
    ],
)
def test_many_numbers_are_shown_as_a_range(values, message):
    with pytest.raises(ConditionError, match=message):
        rows_where(pd.DataFrame({"age": values}), ["age=99"], "a.zarr")


def test_labels_of_subjects_are_listed_although_they_are_numbers():
    table = pd.DataFrame({"subject": [f"{number:03}" for number in range(30)]})
    with pytest.raises(ConditionError, match=r"values of subject: 000, 001, .* and 20 more"):
        rows_where(table, ["subject=99"], "a.zarr")
