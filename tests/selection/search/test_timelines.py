"""The order of time in a recording, and its numbers."""

from __future__ import annotations

import pytest
from event_tables import SIDECAR, event_rows, select_events

from bids_dl.datamodel import IN_GAP, EventRows
from bids_dl.errors import NoMatchError
from bids_dl.selection.search.timelines import parse_number


def test_rows_with_equal_onset_stay_separate_and_an_unsorted_file_is_sorted():
    table = event_rows((5, "red"), (1, "red"), (1, "red"), ("n/a", "red"))
    selection = select_events(table, "Red")
    assert [(event.onset, event.row) for event in selection.events] == [(1, 1), (1, 2), (5, 0)]
    assert any(
        "skipped 1 row whose onset is not a number (first: row 3 of ds" in line
        for line in selection.warnings
    )


def test_a_row_in_a_gap_of_the_recording_is_counted_as_such():
    warnings = select_events(event_rows((1, "red"), (IN_GAP, "red")), "Red").warnings
    assert any("skipped 1 row in a gap of the recording" in line for line in warnings)
    assert not any("not a number" in line for line in warnings)


def test_the_hed_of_an_event_is_that_of_its_row_including_value_columns():
    table = EventRows("ds/a", {"onset": ("1",), "code": ("red",), "trial": ("7",)}, SIDECAR)
    [event] = select_events(table, "Red").events
    assert event.hed == "Sensory-event, Red, Experimental-trial/7"


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.5", 1.5), (" 2 ", 2.0), ("-1e3", -1000.0), ("n/a", None), ("inf", None), ("1_0", None)],
)
def test_only_finite_decimal_numbers_are_numbers(text, number):
    assert parse_number(text) == number


def test_a_column_that_is_onset_but_for_its_case_is_named():
    table = EventRows("ds/a", {"Onset": ("1",), "code": ("red",)}, SIDECAR)
    with pytest.raises(NoMatchError, match=r"first: ds/a, which has 'Onset'"):
        select_events(table, "Red")
