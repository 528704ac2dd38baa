"""The timeline of a recording: what matches at what time, and the processes and states.

Replaces hedtools' `EventManager` and `HedTagManager`: rows with equal onset stay separate, files
need not be sorted, and rows without a numeric onset are skipped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bids_dl.datamodel import IN_GAP, MISSING_SPELLINGS, EventRows
from bids_dl.selection.advice.issues import IssueCounter
from bids_dl.selection.interval import Interval
from bids_dl.selection.search.matching import (
    TIME_DIGITS,
    ColumnComparisons,
    RowAnnotation,
    RowMatcher,
)
from bids_dl.selection.search.processes import Occurrence, Process, track_processes
from bids_dl.selection.search.states import StateSearcher
from bids_dl.selection.tables.annotations import HedSidecar


@dataclass(frozen=True, slots=True)
class Timeline:
    """Matches of the queries in one recording, in order of time."""

    table: EventRows
    sidecar: HedSidecar
    columns: tuple[str, ...]  # those that carry HED
    onsets: tuple[float, ...]  # s, of all rows, sorted
    occurrences: tuple[Occurrence, ...]  # those that any query matches
    processes: Sequence[Sequence[Process]]  # those that each occurrence begins
    states: Sequence[tuple[Interval, ...]] = ()  # for each state query: when it holds

    def onset(self, row: int) -> float | None:
        """Return the onset of a row in s, or None if it is not a number."""
        cells = self.table.columns.get("onset")
        return parse_number(cells[row]) if cells else None

    def duration(self, row: int) -> float:
        """Return the duration column of a row in s, or 0 if it is not a number."""
        cells = self.table.columns.get("duration")
        return (parse_number(cells[row]) or 0.0) if cells else 0.0

    def hed(self, row: int) -> str:
        """Return the assembled HED string of a row."""
        cells = [self.table.columns[name][row] for name in self.columns]
        return self.sidecar.assemble(self.columns, cells)


def build_timeline(
    table: EventRows, matcher: RowMatcher, searcher: StateSearcher, issues: IssueCounter
) -> Timeline:
    """Search the rows of a recording, sort them by time, and track processes and states.

    Parameters
    ----------
    table
        Rows of the recording.
    matcher, searcher
        The queries of rows and of states, with the sidecar and schema of the table.
    issues
        Counter to which problems in the rows are added.
    """
    onsets = _onsets(table)
    occurrences = _occurrences(table, onsets, matcher.annotate(table), issues)
    tracked = track_processes(occurrences)
    if unmatched := tracked.unmatched:
        issues.add("unmatched_offset", f"row {unmatched[0]} of {table.recording}", len(unmatched))
    matched = []
    begun = []
    for index, occurrence in enumerate(occurrences):
        if occurrence.annotation.matches_any:
            matched.append(occurrence)
            begun.append(tracked.begun.get(index, ()))
    states: Sequence[tuple[Interval, ...]] = ()
    if searcher.queries:
        states = searcher.find_intervals(
            _process_intervals(occurrences, tracked.begun),
            _comparison_intervals(table, onsets, ColumnComparisons(searcher.queries), issues),
        )
    return Timeline(
        table=table,
        sidecar=matcher.sidecar,
        columns=matcher.sidecar.hed_columns(table.columns),
        onsets=tuple(sorted(onset for onset in onsets if onset is not None)),
        occurrences=tuple(matched),
        processes=begun,
        states=states,
    )


def _occurrences(
    table: EventRows,
    onsets: Sequence[float | None],
    annotations: Sequence[RowAnnotation],
    issues: IssueCounter,
) -> list[Occurrence]:
    """Return the occurrences that match or change processes, in order of time."""
    if len(table) and not table.columns.get("onset"):
        issues.add("no_onset_column", table.recording + _name_similar_column(table))
    occurrences: list[Occurrence] = []
    for row, (onset, annotation) in enumerate(zip(onsets, annotations, strict=True)):
        if annotation.has_issues:
            _count_issues(annotation, f"row {row} of {table.recording}", issues)
        if onset is None:
            if "onset" in table.columns:
                cell = table.columns["onset"][row]
                if cell == IN_GAP:
                    issues.add("row_in_gap", f"row {row} of {table.recording}")
                    continue
                value = "" if cell.strip() in MISSING_SPELLINGS else f": {cell!r}"
                issues.add("bad_onset", f"row {row} of {table.recording}{value}")
            continue
        occurrences += [
            Occurrence(timed.time_after(onset), row, timed)
            for timed in annotation.timed
            if timed.matches_any or timed.temporal_groups
        ]
    occurrences.sort(key=lambda item: (item.onset, item.annotation.is_delayed, item.row))
    return occurrences


def _name_similar_column(table: EventRows) -> str:
    """Name a column that differs from "onset" in case only, "" without such a column."""
    for name in table.columns:
        if name.casefold() == "onset":
            return f", which has {name!r}"
    return ""


def _onsets(table: EventRows) -> list[float | None]:
    """Return the onset of each row in s, or None if it is not a number."""
    cells = table.columns.get("onset")
    return list(map(parse_number, cells)) if cells else [None] * len(table)


def _process_intervals(
    occurrences: Sequence[Occurrence], begun: Mapping[int, Sequence[Process]]
) -> Iterator[tuple[str, Interval]]:
    """Yield HED and interval of every process."""
    for index, processes in begun.items():
        onset = occurrences[index].onset
        for process in processes:
            stop = math.inf if process.end is None else process.end
            yield process.group.hed, Interval(onset, stop)


def _comparison_intervals(
    table: EventRows,
    onsets: Sequence[float | None],
    comparisons: ColumnComparisons,
    issues: IssueCounter,
) -> Iterator[tuple[str, Interval]]:
    """Yield each comparison of a state that a row matches, and the interval of the row.

    A row without a duration above 0 is counted, because no state holds in it.
    """
    durations = table.columns.get("duration", ("n/a",) * len(table))
    for row, results in enumerate(zip(*comparisons.evaluate(table), strict=True)):
        onset = onsets[row]
        matches = comparisons.by_text(results)
        if onset is None or not any(matches.values()):
            continue
        duration = parse_number(durations[row]) or 0.0
        if duration <= 0:
            issues.add("no_state", f"row {row} of {table.recording}: {durations[row]!r}")
            continue
        for text, is_match in matches.items():
            if is_match:
                yield text, Interval(onset, round(onset + duration, TIME_DIGITS))


def _count_issues(annotation: RowAnnotation, place: str, issues: IssueCounter) -> None:
    issues.add("unbalanced", place, annotation.is_unbalanced)
    issues.add("no_definition", place, annotation.n_without_definition)
    for kind, tags in (
        ("unreadable_time", annotation.unreadable_times),
        ("unknown_tag", annotation.unknown_tags),
        ("undefined", annotation.undefined),
    ):
        if tags:
            issues.add(kind, f"{tags[0]} in {place}")


def parse_number(text: str) -> float | None:
    """Parse a cell as a finite number, or return None.

    Examples
    --------
    >>> parse_number("1.50"), parse_number("n/a"), parse_number("1_0")
    (1.5, None, None)
    """
    try:
        number = float(text.replace("_", "x"))  # because float() accepts "1_0"
    except ValueError:
        return None
    return number if math.isfinite(number) else None
