from __future__ import annotations

import doctest

import numpy as np
import pytest

from bids_dl.explanation.page import levels
from bids_dl.explanation.page.levels import diverging, round_up, sequential


def test_the_examples_are_right():
    assert doctest.testmod(levels).failed == 0


def test_the_middle_level_of_differences_is_around_zero():
    scale = diverging([-3.0, 1.0, np.nan], "dB")
    steps = scale.step_of([-3.0, -0.1, 0.0, 0.1, 3.0])
    assert steps.tolist() == [0, 5, 5, 5, 10]
    assert scale.styles[5] == "d5"


def test_values_outside_belong_to_the_first_and_the_last_level():
    assert sequential([0.0, 1.0], "%").step_of([-5.0, 5.0]).tolist() == [0, 8]


@pytest.mark.parametrize("values", [[], [np.nan], [0.0, 0.0], [3.0]])
@pytest.mark.parametrize("make", [diverging, sequential])
def test_levels_of_no_and_of_equal_values_ascend(make, values):
    assert (np.diff(make(values, "dB").edges) > 0).all()


@pytest.mark.parametrize("value", [1e-7, 0.0311, 1.0, 7.7, 123.0])
def test_a_number_is_rounded_up_by_less_than_a_third(value):
    assert value <= round_up(value) <= 1.34 * value
