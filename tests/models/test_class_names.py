"""Whole numbers as classes."""

from __future__ import annotations

import doctest

import numpy as np
import pandas as pd
import pytest

from bids_dl.models import class_names
from bids_dl.models.class_names import name_classes, number_classes


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(class_names).failed == 0


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([1, 0, 1], ("0", "1")),
        ([3.0, 1.0, 2.0, np.nan], ("1", "2", "3")),
        ([0.0], ("0",)),
        ([0, 2], ()),
        ([0.0, 0.5, 1.0], ()),
        ([18, 19, 20], ()),
        (range(11), ()),
        ([-1, 0, 1], ()),
        ([np.nan], ()),
        ([True, False], ()),
        (["0", "1"], ()),
    ],
)
def test_only_whole_numbers_from_0_or_1_on_without_a_gap_are_classes(values, classes):
    assert number_classes(pd.Series(values)) == classes


def test_numbers_are_named_as_their_classes_also_in_a_part_of_a_table():
    assert name_classes(pd.Series([2.0, np.nan, 0.0])).tolist() == ["2", "n/a", "0"]
