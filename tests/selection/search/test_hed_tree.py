"""The trees that queries are searched in."""

from __future__ import annotations

from event_tables import DEFINITIONS, hed_rows, rows, select_events
from hed import HedString
from hed_datasets import load_bundled_schema

from bids_dl.errors import NoMatchError
from bids_dl.selection.search.hed_tree import find_tag, parse_seconds, without_timing_tags

SCHEMA = load_bundled_schema("8.3.0")
SIDECAR = {"definitions": DEFINITIONS}


def matching_rows(table, query):
    try:
        return rows(select_events(table, query))
    except NoMatchError:
        return []


def test_a_definition_is_found_by_its_name_and_by_its_content():
    table = hed_rows("Def/Task-a", "(Def/Acc/3, Onset)", "Red", "Task", sidecar=SIDECAR)
    assert matching_rows(table, "Def/Task-a") == [0]
    assert matching_rows(table, "Fixate") == [0]
    assert matching_rows(table, "Task") == [0, 3]
    assert matching_rows(table, "Acceleration/3*") == [1]
    assert matching_rows(table, "Def/Acc/*") == [1]
    assert matching_rows(table, "Def/Acc") == []


def test_a_def_expand_is_found_like_its_def_and_keeps_its_content_if_it_is_not_defined():
    table = hed_rows(
        "(Def-expand/Task-a, (Task, Experiment-participant, (Fixate, Cross)))",
        "(Def-expand/Other, (Red, Square))",
        sidecar=SIDECAR,
    )
    assert matching_rows(table, "Def/Task-a") == [0]
    assert matching_rows(table, "Fixate") == [0]
    assert matching_rows(table, "Def/Other && Square") == [1]


def test_definitions_in_a_row_are_not_events():
    table = hed_rows("(Definition/Inner, (Green))", "Green", sidecar=SIDECAR)
    assert matching_rows(table, "Green") == [1]


def test_a_group_without_its_timing_tags_keeps_its_other_tags_in_order():
    tree = HedString("(Red, Onset, Def/X, (Blue, Delay/2 s), Duration/3 s)", SCHEMA)
    assert without_timing_tags(tree.groups()[0]) == "(Red,Def/X,(Blue,Delay/2 s))"


def test_times_are_converted_to_seconds_if_their_unit_has_a_length():
    tree = HedString("(Duration/500 ms, Delay/2 minutes)", SCHEMA)
    assert parse_seconds(find_tag(tree.groups()[0], "Duration")) == 0.5
    assert parse_seconds(find_tag(tree.groups()[0], "Delay")) == 120
    months = HedString("(Delay/3 months)", SCHEMA)
    assert parse_seconds(find_tag(months.groups()[0], "Delay")) is None
