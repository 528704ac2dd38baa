"""Annotations that do not validate, and durations that are not in seconds."""

from __future__ import annotations

import pytest
from event_tables import event_rows, select_events

from bids_dl.datamodel import EventRows
from bids_dl.errors import SourceError

QUESTION = "are they in seconds?"


def test_strict_refuses_annotations_that_do_not_validate():
    with pytest.raises(SourceError, match=r"(?s)--hed-strict rejects: .*the first: "):
        select_events(event_rows((1, "red")), "Red", hed_strict=True)
    columns = {"onset": ("1",), "duration": ("0",), "HED": ("Sensory-event, Red",)}
    valid = EventRows("ds/a", columns, {})
    assert len(select_events(valid, "Red", hed_strict=True).events) == 1


def test_strict_reads_the_columns_after_a_cell_with_a_tab():
    columns = {"onset": ("1",), "note": ("said\tyes\nno",), "HED": ("Sensory-event, Red",)}
    table = EventRows("ds/a", columns, {})
    assert len(select_events(table, "Red", hed_strict=True).events) == 1


@pytest.mark.parametrize(
    ("rows", "is_doubted"),
    [
        ([(1, "red", 300), (2, "red", 300), (3, "red", 300)], True),
        ([(1, "red", 0.5), (2, "red", 0.5), (3, "red", 300)], False),
        (  # rows without a duration lie within those with one
            [
                (1, "red", 10),
                (3, "blue"),
                (11, "red", 10),
                (14, "blue"),
                (21, "red", 10),
                (24, "blue"),
            ],
            False,
        ),
    ],
)
def test_durations_that_mostly_reach_past_the_next_duration_are_doubted(rows, is_doubted):
    warnings = select_events(event_rows(*rows), "Red").warnings
    assert any(QUESTION in line for line in warnings) == is_doubted


def test_a_warning_about_durations_shows_the_first():
    table = event_rows((1, "red", 300), (2, "red", 300), (3.5, "red", 300))
    [line] = [line for line in select_events(table, "Red").warnings if QUESTION in line]
    assert "first: 300 at 1 s in ds/sub-1/eeg/sub-1_task-x, 1 s before the next" in line
