"""Intervals in which a state holds."""

from __future__ import annotations

import math

import pytest
from event_tables import event_rows, onsets, select_events
from hed_datasets import load_bundled_schema

from bids_dl.errors import NoMatchError
from bids_dl.selection.interval import Interval
from bids_dl.selection.queries.grammar import compile_query
from bids_dl.selection.search.states import StateSearcher

SCHEMA = load_bundled_schema("8.3.0")


@pytest.mark.parametrize(
    ("query", "intervals"),
    [
        ("Red", [(1, 5)]),
        ("Blue", [(2, 3), (4, math.inf)]),
        ("Red AND Blue", [(2, 3), (4, 5)]),
        ("@Red", [(-math.inf, 1), (5, math.inf)]),
        ("Green", []),
    ],
)
def test_a_state_holds_from_a_start_to_before_a_stop_and_neighbours_are_joined(query, intervals):
    processes = [
        ("(Red)", Interval(1, 3)),
        ("(Red)", Interval(2, 5)),
        ("(Blue)", Interval(2, 3)),
        ("(Blue)", Interval(4, math.inf)),
        ("(Green)", Interval(6, 6)),
    ]
    searcher = StateSearcher(SCHEMA, (compile_query(query),))
    assert searcher.find_intervals(processes) == [tuple(intervals)]


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        ("Fixate", [3, 5]),  # by the content of a definition
        ("Def/Task-a && Def/Acc/3", [5]),  # two processes that run together
        ("Def/Task-a AND NOT Sphere", [3]),
        ("@Def/Task-a", [1, 7, 9]),  # also while no process runs
        ("NOT Def/Task-a", [1, 7, 9]),
        ("Def/Task-a || Def/Acc/*", [3, 5, 7]),
    ],
)
def test_a_state_is_all_running_processes_taken_together(state, kept):
    table = event_rows(
        (1, "red"),
        (2, "on"),
        (3, "red"),
        (4, "on3"),
        (5, "red"),
        (6, "off"),
        (7, "red"),
        (8, "off3"),
        (9, "red"),
    )
    assert onsets(select_events(table, "Red", during=state)) == kept


def test_a_duration_is_a_state_too():
    table = event_rows((1, "lasting"), (2, "blue"), (3.5, "blue"), (4, "blue"))
    assert onsets(select_events(table, "Blue", during="Triangle")) == [2, 3.5]
    assert onsets(select_events(table, "Blue", during="Triangle && Red")) == [2, 3.5]


def test_a_comparison_holds_as_a_state_in_the_rows_that_match_and_last():
    table = event_rows(
        (1, "other", 4),
        (2, "red"),
        (3, "other"),
        (5, "red"),
        (6, "on"),
        (7, "red"),
        (8, "other", 1),
    )
    selection = select_events(table, "code==red", during="code==other")
    assert onsets(selection) == [2]
    assert selection.warnings == (
        "--during: 1 row without a duration above 0, in which the state does not hold "
        f"(first: row 2 of {table.recording}: 'n/a')",
    )
    assert onsets(select_events(table, "code==red", during="code==other OR Def/Task-a")) == [2, 7]
    assert onsets(select_events(table, "code==red", during="NOT code==other")) == [5, 7]
    with pytest.raises(NoMatchError, match="never holds as a state: no such row has a duration"):
        select_events(table, "code==red", during="code==on")
