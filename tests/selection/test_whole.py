"""Whole recordings as events."""

from __future__ import annotations

import doctest

import pytest

from bids_dl.config.parsing import parse_events
from bids_dl.datamodel import NO_ROW, EventRows
from bids_dl.errors import ConfigError, NoMatchError
from bids_dl.selection import select, whole

BARE = EventRows("ds/a", {}, {}, 60.0)
UNKNOWN = EventRows("ds/b", {}, {})
HED = EventRows(
    "ds/c", {"onset": ("10", "30"), "duration": ("5", "n/a"), "HED": ("Red", "Blue")}, {}, 60.0
)


def select_whole(*tables: EventRows, **options):
    config = parse_events({"whole": True, **options})
    return select(tables, config, hed_versions={"ds": "8.3.0"}, sliding=True)


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(whole).failed == 0


def test_each_recording_is_one_event_with_or_without_rows():
    selected = select_whole(BARE, UNKNOWN, HED)
    events = [(e.recording, e.row, e.onset, e.end, e.end_rule, e.label) for e in selected.events]
    assert events == [
        ("ds/a", NO_ROW, 0.0, 60.0, "recording", "recording"),
        ("ds/b", NO_ROW, 0.0, None, "recording", "recording"),
        ("ds/c", NO_ROW, 0.0, 60.0, "recording", "recording"),
    ]
    assert selected.hed_versions == {}


def test_what_matches_exclude_is_left_out_with_its_duration():
    selected = select_whole(BARE, HED, exclude="Red")
    assert [event.recording for event in selected.events] == ["ds/a", "ds/c"]
    [excluded] = selected.excluded
    assert (excluded.recording, excluded.onset, excluded.end) == ("ds/c", 10.0, 15.0)
    assert excluded.label == "recording"


def test_an_exclusion_that_matches_nothing_is_no_error():
    assert len(select_whole(HED, exclude="Green").events) == 1


def test_recordings_without_a_match_of_around_are_dropped_with_the_reason():
    selected = select_whole(BARE, HED, around=("Blue", 4.0))
    assert [event.recording for event in selected.events] == ["ds/c"]
    assert selected.around["ds/c", "recording"] == ((26.0, 34.0),)
    [dropped] = selected.dropped
    assert (dropped.recording, dropped.row, dropped.option) == ("ds/a", NO_ROW, "around")


def test_a_query_without_any_hed_to_search_is_an_error():
    with pytest.raises(NoMatchError, match="no HED annotations"):
        select_whole(BARE, exclude="Red")


def test_rows_named_boundary_are_kept_as_boundaries():
    table = EventRows("ds/a", {"onset": ("7", "9"), "type": ("boundary", "go")}, {}, 60.0)
    assert select_whole(table).boundaries == {"ds/a": (7.0,)}


def test_a_boundary_without_an_onset_is_said():
    table = EventRows("ds/a", {"onset": ("n/a", "9"), "type": ("boundary", "go")}, {}, 60.0)
    [warning] = select_whole(table).warnings
    assert "1 row whose onset is not a number (first: row 0 of ds/a)" in warning


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hed": "Red"}, "--whole takes whole recordings and --hed selects parts of them"),
        ({"event": "value==1"}, "--whole takes whole recordings and --event selects parts"),
        ({"until": "next"}, "--whole takes recordings from start to end, which --until does not"),
        ({"during": "Red"}, "--during does not fit"),
        ({"trim": "rest=3"}, "no query has the label 'rest'; the labels are recording"),
    ],
)
def test_options_that_whole_recordings_contradict_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        parse_events({"whole": True, **options})
