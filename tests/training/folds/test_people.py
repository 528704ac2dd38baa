from __future__ import annotations

import doctest

import numpy as np
import pandas as pd

from bids_dl.training.folds import people
from bids_dl.training.folds.people import find_people, number_groups


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(people).failed == 0


def test_persons_of_the_same_name_in_two_datasets_are_two_persons():
    table = pd.DataFrame({"dataset": ["b", "a", "b", "a"], "subject": ["1", "1", "0", "1"]})
    found = find_people(table)
    assert found.names == (("a", "1"), ("b", "0"), ("b", "1"))
    assert found.codes.tolist() == [2, 0, 1, 0]


def test_missing_cells_are_one_group():
    table = pd.DataFrame({"run": [np.nan, "1", np.nan]})
    assert number_groups(table, ["run"]).tolist() == [0, 1, 0]
