"""Cells of events.tsv that look wrong, counted and shown."""

from __future__ import annotations

import pytest
from event_tables import event_ends, event_rows, select_events

from bids_dl.datamodel import EventRows, TableIssue


@pytest.mark.parametrize("cell", ["10 s", "-1", "inf", "10,5", "long", "1_0", "-inf"])
def test_unusable_durations_are_counted_and_the_first_is_shown(cell):
    table = event_rows((1, "red", 2), (2, "red", cell), (9, "red", cell))
    selection = select_events(table, "Red")
    assert event_ends(selection)[1:] == [(2, None, ""), (9, None, "")]
    [line] = [line for line in selection.warnings if "duration" in line]
    assert line.startswith("2 rows whose duration is not a number of at least 0; it is read as n/a")
    assert f"(first: row 1 of ds/sub-1/eeg/sub-1_task-x: {cell!r})" in line


@pytest.mark.parametrize("cell", ["n/a", "", "NaN", "nan", "N/A", "NA", "None", "0", "1e3", " 2 "])
def test_missing_and_usable_durations_are_not_mentioned(cell):
    warnings = select_events(event_rows((1, "red", cell)), "Red").warnings
    assert not any("duration" in line for line in warnings)


@pytest.mark.parametrize("cell", ["5 s", "1,234", "inf", "first"])
def test_an_unusable_onset_is_shown_with_its_value(cell):
    warnings = select_events(event_rows((1, "red"), (cell, "red")), "Red").warnings
    assert any(
        f"skipped 1 row whose onset is not a number (first: row 1 of ds/sub-1/eeg/sub-1_task-x: "
        f"{cell!r})" in line
        for line in warnings
    )


def test_rows_that_repeat_are_counted_once_and_stay_events():
    rows = [(1, "red", 2), (1, "red", 2), (5, "red", 2), (1, "red", 2)]
    selection = select_events(
        [event_rows(*rows, recording="ds/a"), event_rows(*rows, recording="ds/b")], "Red"
    )
    [line] = [line for line in selection.warnings if "earlier row" in line]
    assert line.startswith("4 rows with the cells of an earlier row, so that their windows repeat")
    assert "(first: row 1 repeats row 0 of ds/a)" in line
    assert len(selection.events) == 8


def test_rows_that_differ_in_any_cell_or_have_no_onset_do_not_repeat():
    table = event_rows((1, "red", 2), (1, "red", 3), (1, "blue", 2), ("n/a", "red"), ("n/a", "red"))
    warnings = select_events(table, "Red").warnings
    assert not any("earlier row" in line for line in warnings)


def test_what_was_found_when_tables_were_read_is_added_up():
    tables = []
    for name in ("ds/a", "ds/b"):
        row = event_rows((1, "red"), recording=name)
        issues = (TableIssue("decimal_comma", f"onset 1,5 in row 0 of {name}", 3),)
        tables.append(EventRows(name, row.columns, row.sidecar, issues=issues))
    warnings = select_events(tables, "Red").warnings
    assert (
        "6 cells of onset or duration with a decimal comma, which is read as a point "
        "(first: onset 1,5 in row 0 of ds/a)"
    ) in warnings
