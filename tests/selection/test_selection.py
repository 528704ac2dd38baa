"""Events of a whole request, and annotations that are broken."""

from __future__ import annotations

import contextlib
import math

import pytest
from event_tables import DEFINITIONS, SIDECAR, event_rows, onsets, select_events
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_dl.datamodel import EventRows
from bids_dl.errors import NoMatchError, SourceError

ATOMS = """
    Red|Def/Task-a|Def/Acc/3|Def-expand/Task-a|(Def-expand/New, (Red))|(Definition/Late, (Red))
    Definition/#|Onset|Offset|Inset|Duration/3 s|Duration/x|Delay/2 s|Delay/3 months|{code}|{HED}
    {c}|#|Label/#|()|n/a|Nonsense/é|Delay|(Onset)|~|)|Def|Def/|/|sc:Red|Label/a b
""".strip().replace("\n    ", "|")
LEAVES = st.lists(st.sampled_from(["", *ATOMS.split("|")]), max_size=3).map(", ".join)
HED = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, min_size=1, max_size=3).map(
        lambda parts: f"({', '.join(parts)})"
    ),
    max_leaves=4,
)
ENTRIES = st.one_of(
    HED,
    st.dictionaries(st.sampled_from(["x", "1", "n/a"]), HED),
    st.sampled_from([5, ["x"], {"x": None}]),
)
ROWS = st.lists(
    st.tuples(st.sampled_from(["1", "n/a", "-2"]), st.sampled_from(["x", "1", "("]), HED),
    min_size=1,
    max_size=3,
)


def test_recordings_stay_in_the_order_given():
    tables = [event_rows((1, "red"), recording=f"ds/sub-{number}") for number in "312"]
    assert [event.recording for event in select_events(tables, "Red").events] == [
        "ds/sub-3",
        "ds/sub-1",
        "ds/sub-2",
    ]


def test_an_alias_matches_any_of_its_queries_and_causes_a_warning():
    table = event_rows((1, "red"), (2, "blue"), (3, "press"))
    selection = select_events(table, "Colour", aliases={"Colour": ("Red", "Green")})
    assert onsets(selection) == [1, 2]
    assert "alias Colour: Red OR Green" in selection.warnings


def test_rows_named_boundary_are_reported():
    columns = {
        "onset": ("1", "2", "n/a"),
        "code": ("red", "n/a", "n/a"),
        "trial_type": ("x", "boundary", "boundary"),
    }
    selection = select_events(EventRows("ds/a", columns, SIDECAR), "Red")
    assert selection.boundaries == {"ds/a": (2.0,)}


@pytest.mark.parametrize("name", ["boundary ", "Boundary", "BAD boundary", "EDGE boundary"])
def test_other_spellings_of_boundary_are_boundaries(name):
    columns = {"onset": ("1", "2"), "code": ("red", "n/a"), "value": ("x", name)}
    selection = select_events(EventRows("ds/a", columns, SIDECAR), "Red")
    assert selection.boundaries == {"ds/a": (2.0,)}


def test_a_selected_row_that_is_named_boundary_is_counted():
    columns = {"onset": ("1", "2", "3"), "trial_type": ("x", "boundary", "y")}
    selection = select_events(EventRows("ds/a", columns, {}), "NOT trial_type==x")
    assert onsets(selection) == [2, 3]
    assert any("1 event in a row named boundary" in line for line in selection.warnings)


def test_broken_annotations_are_counted_and_not_fatal():
    table = event_rows((0, "off"), (1, "red"), (2, "broken"), (3, "strange"), ("x", "red"))
    lines = "\n".join(select_events(table, "Red || White").warnings)
    assert "skipped 1 row whose HED has unpaired" in lines
    assert "ignored 1 Offset without a preceding Onset" in lines
    assert "Purple-thing in row 3" in lines
    assert "skipped 1 row whose onset is not a number" in lines
    assert "hedtools reports" in lines


@settings(max_examples=80)
@given(ENTRIES, ENTRIES, ROWS)
@pytest.mark.parametrize("query", ["Red || Label", "@Red AND NOT Def", "[Def && Offset]", "{Red:}"])
def test_no_annotation_however_odd_raises_another_error(query, entry, other, rows):
    onset, code, hed = zip(*rows, strict=True)
    columns = {
        "onset": onset,
        "duration": ("2",) * len(rows),
        "code": code,
        "c": code,
        "HED": hed,
    }
    sidecar = {"code": {"HED": entry}, "c": {"HED": other}, "definitions": DEFINITIONS}
    table = EventRows("ds/a", columns, sidecar)
    options = {"sliding": True, "exclude": ("Blue",), "until": "next"}
    for strict in (False, True):
        with contextlib.suppress(NoMatchError, SourceError):
            selection = select_events(table, query, hed_strict=strict, **options)
            assert all(math.isfinite(event.onset) for event in selection.events)
