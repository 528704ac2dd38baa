"""Checks of the cells of an events.tsv that are used, or left out, although they look wrong."""

from __future__ import annotations

from bids_dl.datamodel import MISSING_SPELLINGS, EventRows
from bids_dl.selection.advice.issues import IssueCounter
from bids_dl.selection.search.timelines import parse_number


def check_table(table: EventRows, issues: IssueCounter) -> None:
    """Count what was found when a table was read, its unusable durations and its repeated rows.

    Parameters
    ----------
    table
        Rows of a recording.
    issues
        Counter to which problems are added.

    Examples
    --------
    >>> issues = IssueCounter()
    >>> check_table(EventRows("ds/a", {"onset": ("1", "2"), "duration": ("5", "5 s")}, {}), issues)
    >>> issues.first["bad_duration"]
    "row 1 of ds/a: '5 s'"
    """
    for issue in table.issues:
        issues.add(issue.kind, issue.place, issue.number)
    _check_durations(table, issues)
    _check_repeated_rows(table, issues)


def _check_durations(table: EventRows, issues: IssueCounter) -> None:
    cells = table.columns.get("duration", ())
    bad_cells = {cell for cell in set(cells) if not _is_duration(cell)}
    if not bad_cells:
        return
    rows = [row for row, cell in enumerate(cells) if cell in bad_cells]
    place = f"row {rows[0]} of {table.recording}: {cells[rows[0]]!r}"
    issues.add("bad_duration", place, len(rows))


def _is_duration(cell: str) -> bool:
    """Return whether a cell is a duration in s, or missing."""
    number = parse_number(cell)
    return cell.strip() in MISSING_SPELLINGS if number is None else number >= 0


def _check_repeated_rows(table: EventRows, issues: IssueCounter) -> None:
    """Count the rows with an onset of which an earlier row has all the cells."""
    rows = list(zip(*table.columns.values(), strict=True))
    if len(set(rows)) == len(rows):
        return
    first_rows: dict[tuple[str, ...], int] = {}
    for row, (cells, onset) in enumerate(zip(rows, table.columns.get("onset", ()), strict=False)):
        first = first_rows.setdefault(cells, row)
        if first < row and parse_number(onset) is not None:
            issues.add("repeated_row", f"row {row} repeats row {first} of {table.recording}")
