"""Matches of queries in rows: Offset, Delay, and HED that cannot be read."""

from __future__ import annotations

import pytest
from event_tables import event_ends, event_rows, rows, select_events
from hed_datasets import load_bundled_schema

from bids_dl.datamodel import EventRows
from bids_dl.errors import NoMatchError
from bids_dl.selection.annotations import read_sidecar
from bids_dl.selection.matching import RowMatcher
from bids_dl.selection.queries.grammar import compile_query

SCHEMA = load_bundled_schema("8.3.0")


def annotate(*texts):
    """Return the annotations of rows with a HED column, searched for Red."""
    table = EventRows("ds/a", {"HED": texts}, {})
    return RowMatcher(read_sidecar({}, SCHEMA), (compile_query("Red"),)).annotate(table)


def test_offset_groups_are_searched_only_by_queries_that_name_offset():
    table = event_rows((1, "on"), (2, "off"))
    assert rows(select_events(table, "Def/Task-a")) == [0]
    assert rows(select_events(table, "[Def/Task-a && Offset]")) == [1]
    assert rows(select_events(table, "Def/Task-a AND NOT Offset")) == [0]


def test_a_delayed_group_is_an_event_of_its_own_in_the_same_row():
    selection = select_events(event_rows((1, "later", 9)), "Square")
    assert event_ends(selection) == [(2.5, 3.0, "process")]
    assert rows(selection) == [0]
    assert event_ends(select_events(event_rows((1, "later", 9)), "Circle")) == [(1, 10, "duration")]
    with pytest.raises(NoMatchError):
        select_events(event_rows((1, "later")), "Square AND Circle")


def test_rows_with_equal_hed_share_one_annotation():
    first, other, second = annotate("Red", "Blue", "Red")
    assert first is second is not other


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        ("Red, (Blue", {"is_unbalanced": True}),
        ("(Duration/x, (Red))", {"unreadable_times": ("Duration/x",)}),
        ("(Delay/3 months, (Red))", {"unreadable_times": ("(Delay/3 months,(Red))",)}),
        ("(Onset, (Red))", {"n_without_definition": 1}),
        ("Purple-thing", {"unknown_tags": ("Purple-thing",)}),
        ("Def/Late", {"undefined": ("Def/Late",)}),
    ],
)
def test_hed_that_cannot_be_read_is_an_issue_of_its_row(text, issue):
    [annotation] = annotate(text)
    assert annotation.has_issues
    assert {name: getattr(annotation, name) for name in issue} == issue


def test_hed_that_can_be_read_has_no_issue():
    [annotation] = annotate("Sensory-event, (Red, Square)")
    assert not annotation.has_issues
