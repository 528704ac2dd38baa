"""Events that --exclude, --during, --around and --overlap keep."""

from __future__ import annotations

import pytest
from event_tables import RECORDING, event_rows, onsets, select_events

from bids_dl.errors import EventError


def labels(selection):
    return [event.label for event in selection.events]


def test_labels_that_match_one_event_are_refused():
    with pytest.raises(EventError, match=r"event at 1.000 s \(row 0\) matches a and b"):
        select_events(event_rows((1, "red")), "Red", "Sensory-event")


def test_overlap_first_keeps_the_first_label_and_each_keeps_all():
    table = event_rows((1, "red"), (2, "blue"))
    first = select_events(table, "Red", "Sensory-event", overlap="first")
    assert labels(first) == ["a", "b"]
    assert [(item.onset, item.option, item.reason) for item in first.dropped] == [
        (1, "overlap", "a matches too and comes first (--overlap first)")
    ]
    assert labels(select_events(table, "Red", "Sensory-event", overlap="each")) == ["a", "b", "b"]


def test_an_event_is_kept_from_the_start_of_a_state_to_before_its_end():
    table = event_rows(
        (1, "red"), (2, "on"), (2, "red"), (3, "red"), (5, "off"), (5, "red"), (7, "on"), (8, "red")
    )
    selection = select_events(table, "Red", during="Def/Task-a")
    assert onsets(selection) == [2, 3, 8]
    assert [(item.onset, item.kind, item.option) for item in selection.dropped] == [
        (1, "event", "during"),
        (5, "event", "during"),
    ]


@pytest.mark.parametrize(
    ("seconds", "kept"),
    [(0, [10]), (2, [8, 10, 12]), (3.5, [8, 10, 12, 20])],
)
def test_around_keeps_events_near_a_match(seconds, kept):
    table = event_rows(
        (1, "red"),
        (8, "red"),
        (10, "red"),
        (10, "press"),
        (12, "red"),
        (20, "red"),
        (21, "on"),
        (23, "off"),
        (23.5, "press"),
    )
    assert onsets(select_events(table, "Red", around=("Press", seconds))) == kept


def test_around_a_process_keeps_events_from_its_onset_to_its_end():
    table = event_rows(
        (1, "red"), (7, "red"), (8, "on"), (9, "red"), (12, "off"), (13, "red"), (20, "red")
    )
    selection = select_events(table, "Red", around=("Fixate", 1))
    assert onsets(selection) == [7, 9, 13]
    assert selection.around == {(RECORDING, "a"): ((7, 13),)}
    reason = "it is more than 1 s away from every match of --around"
    assert selection.dropped[0].reason == reason


def test_a_long_event_of_which_a_part_is_near_a_match_is_kept():
    table = event_rows((0, "red", 100), (200, "red", 10), (110, "press"))
    selection = select_events(table, "Red", around=("Press", 30), sliding=True)
    assert onsets(selection) == [0]
    assert selection.around[(RECORDING, "a")] == ((80, 140),)


def test_excluded_intervals_are_reported():
    table = event_rows((1, "red"), (2, "lasting"), (9, "press"))
    selection = select_events(table, "Red AND NOT Triangle", exclude=("Triangle", "Press"))
    assert [(event.onset, event.end, event.end_rule) for event in selection.excluded] == [
        (2, 5, "process"),
        (9, None, ""),
    ]
