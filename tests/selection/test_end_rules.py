"""Ends of events and the rules that determine them."""

from __future__ import annotations

import pytest
from event_tables import event_ends, event_rows, select_events

from bids_dl.datamodel import EventRows


def test_an_event_ends_at_the_next_match_of_until():
    table = event_rows((1, "red"), (2, "blue"), (2, "press"), (5, "red"), (6, "press"), (8, "red"))
    assert event_ends(select_events(table, "Red", until="Press")) == [
        (1, 2, "until"),
        (5, 6, "until"),
        (8, None, "until"),
    ]


def test_until_needs_a_later_match_than_the_event_itself():
    table = event_rows((1, "red"), (1, "press"), (3, "press"))
    assert event_ends(select_events(table, "Red", until="Press")) == [(1, 3, "until")]


def test_until_next_ends_at_any_label():
    table = event_rows((1, "red"), (3, "blue"), (4, "press"), (7, "red"))
    assert event_ends(select_events(table, "Red", "Blue", until="next")) == [
        (1, 3, "until"),
        (3, 7, "until"),
        (7, None, "until"),
    ]


@pytest.mark.parametrize("seconds", [2.5, "2.5"])
def test_until_may_be_a_number_of_seconds(seconds):
    table = event_rows((1, "red"), (2, "red"))
    assert event_ends(select_events(table, "Red", until=seconds)) == [
        (1, 3.5, "until"),
        (2, 4.5, "until"),
    ]


def test_an_excluded_row_still_ends_a_block():
    table = event_rows((1, "red"), (2, "press"), (3, "press"))
    selection = select_events(table, "Red", until="Press", exclude=("Press",))
    assert event_ends(selection) == [(1, 2, "until")]


def test_the_process_that_ends_last_determines_the_end():
    table = event_rows((1, "lasting"))
    assert event_ends(select_events(table, "Triangle")) == [(1, 4, "process")]
    assert event_ends(select_events(table, "Triangle && Red")) == [(1, 4, "process")]


def test_a_process_counts_only_if_its_group_matches():
    sidecar = {"code": {"HED": {"x": "Red, (Duration/2 s, (Blue))"}}}
    table = event_rows((1, "x"), sidecar=sidecar)
    assert event_ends(select_events(table, "Red")) == [(1, None, "")]
    assert event_ends(select_events(table, "Blue")) == [(1, 3, "process")]
    assert event_ends(select_events(table, "Red AND Blue")) == [(1, 3, "process")]


@pytest.mark.parametrize("duration", ["n/a", "0", "-1", "nan", "inf", "1_0", ""])
def test_an_event_without_a_positive_duration_has_no_length(duration):
    assert event_ends(select_events(event_rows((1, "red", duration)), "Red")) == [(1, None, "")]


def test_until_precedes_process_precedes_duration_precedes_next():
    table = event_rows((1, "on", 10), (3, "off"), (8, "red", 10), (9, "press"), (20, "red"))
    assert event_ends(select_events(table, "Fixate", until=1.0)) == [(1, 2, "until")]
    assert event_ends(select_events(table, "Fixate", sliding=True)) == [(1, 3, "process")]
    assert event_ends(select_events(table, "Red", sliding=True)) == [
        (8, 18, "duration"),
        (20, None, "recording"),
    ]
    assert event_ends(select_events(table, "Press", sliding=True)) == [(9, 20, "next")]


def test_next_is_the_next_row_at_another_time():
    table = event_rows((1, "red"), (1, "blue"), (4, "strange"), ("n/a", "press"))
    assert event_ends(select_events(table, "Red", sliding=True)) == [(1, 4, "next")]


def test_the_recording_ends_the_last_block_of_sliding_windows_only():
    table = event_rows((1, "red"), duration=61.0)
    assert event_ends(select_events(table, "Red", sliding=True)) == [(1, 61, "recording")]
    assert event_ends(select_events(table, "Red")) == [(1, None, "")]


def test_a_process_or_until_that_nothing_ends_has_no_end():
    table = event_rows((1, "on"), duration=61.0)
    assert event_ends(select_events(table, "Fixate", sliding=True)) == [(1, None, "process")]
    until = select_events(table, "Fixate", sliding=True, until="Offset")
    assert event_ends(until) == [(1, None, "until")]


def test_units_of_hed_8_0_are_converted_to_seconds():
    hed = "(Duration/500 ms, (Red)), (Delay/2 minutes, (Blue))"
    table = EventRows("ds/a", {"onset": ("1",), "HED": (hed,)}, {})
    selection = select_events(table, "Red", "Blue", versions={"ds": "8.0.0"})
    assert event_ends(selection) == [(1, 1.5, "process"), (121, None, "")]
