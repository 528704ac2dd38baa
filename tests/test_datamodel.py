"""Values that the stages exchange."""

from __future__ import annotations

import doctest
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl import datamodel
from bids_dl.datamodel import BRAIN_TYPES, VOLTAGE_TYPES, EventRows, Header, Recording, exact_rate


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(datamodel).failed == 0


@given(st.integers(1, 20_000), st.integers(1, 100))
def test_the_exact_rate_is_recovered_from_its_float(numerator, denominator):
    assert exact_rate(numerator / denominator) == Fraction(numerator, denominator)


def test_brain_signal_is_measured_in_volts():
    assert BRAIN_TYPES < VOLTAGE_TYPES


def test_equal_subjects_of_two_datasets_are_two_persons():
    first, second = (
        Recording(dataset, "sub-1/eeg/sub-1_task-x", "1", "", "x", "", "eeg")
        for dataset in ("ds1", "ds2")
    )
    assert first.person != second.person
    assert first.key == "ds1/sub-1/eeg/sub-1_task-x"


@pytest.mark.parametrize(("columns", "length"), [({}, 0), ({"onset": ("1", "2")}, 2)])
def test_the_length_of_event_rows_is_the_number_of_rows(columns, length):
    assert len(EventRows("ds/sub-1", columns, {})) == length


def test_the_duration_of_a_header_is_in_seconds():
    assert Header(250.0, 500, ("Cz",), ("eeg",)).duration == 2.0
