"""Conditions on columns of people, against a simple reference."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.config.selecting import conditions
from bids_dl.config.selecting.conditions import parse_condition, parse_where
from bids_dl.errors import ConfigError, RequestError

CELLS = st.sampled_from(
    ["n/a", "", "F", "M", "1", "1.0", "01", "18", "30.5", "-3", "0.1", "0.3", "Fz", "N/A"]
)
LIMITS = st.sampled_from(["", "-3", "0.1", "0.3", "1", "18", "30.5"])
VALUES = st.sampled_from(["F", "M", "1", "18.0", "F*", "x"])


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(conditions).failed == 0


def as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


@given(CELLS, LIMITS, LIMITS)
def test_a_range_matches_the_numbers_from_low_to_high(cell, low, high):
    lowest = float(low or "-inf")
    highest = float(high or "inf")
    if lowest > highest or not low + high:
        with pytest.raises(ConfigError, match=r"empty|no range"):
            parse_condition(f"age={low}..{high}")
        return
    number = as_number(cell)
    expected = number is not None and lowest <= number <= highest
    assert parse_condition(f"age={low}..{high}").matches(cell) == expected


@given(CELLS, st.lists(VALUES, min_size=1, max_size=3))
def test_a_value_matches_equal_texts_and_equal_numbers_but_never_n_a(cell, values):
    expected = False
    for value in values:
        is_same_number = as_number(cell) is not None and as_number(cell) == as_number(value)
        is_same_start = value.endswith("*") and cell.startswith(value[:-1])
        expected = expected or cell == value or is_same_number or is_same_start
    expected = expected and cell not in ("", "n/a", "N/A")
    assert parse_condition(f"group={','.join(values)}").matches(cell) == expected


def test_a_value_in_quotes_may_have_a_comma():
    condition = parse_condition('group="ADHD, combined",control')
    cells = ("ADHD, combined", "control", "ADHD")
    assert [condition.matches(cell) for cell in cells] == [True, True, False]


@pytest.mark.parametrize(
    "text", ["age", "age=", "=3", "age=..", "age=young..old", "age=30..18", "sex=F,,M", "sex=F,"]
)
def test_a_malformed_condition_is_refused_in_one_line_that_shows_it(text):
    with pytest.raises(RequestError) as raised:
        parse_condition(text)
    assert f"--where {text}" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ({"age": (18, 30.5), "sex": "F"}, ("age=18..30.5", "sex=F")),
        ({"age": (None, 30)}, ("age=..30",)),
        ({"group": ["a,b", "c"]}, ('group="a,b",c',)),
        ({"age": 18}, ("age=18",)),
        ({"age": np.int64(18)}, ("age=18",)),
        ("sex == F", ("sex=F",)),
        (["sex=F", "age=3.."], ("sex=F", "age=3..")),
        ([], None),
        (None, None),
    ],
)
def test_a_mapping_gives_the_conditions_that_text_gives(value, texts):
    assert parse_where(value) == texts


@pytest.mark.parametrize("value", [{"age": None}, {"age": []}, {"age": {"low": 3}}, [None], 3])
def test_a_value_that_is_no_condition_is_refused(value):
    with pytest.raises(ConfigError, match="expected COLUMN=VALUE"):
        parse_where(value)
