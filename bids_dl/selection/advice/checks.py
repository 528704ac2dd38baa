"""Checks of annotations that are used even if they are wrong.

Sidecars are checked by hedtools' validators (`hed.Sidecar.validate`, `hed.TabularInput.validate`),
durations by their plausibility.
"""

from __future__ import annotations

import io
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from hed import HedFileError, Sidecar, TabularInput

from bids_dl.datamodel import Event, EventRows
from bids_dl.errors import SourceError
from bids_dl.selection.advice.issues import IssueCounter, format_codes
from bids_dl.selection.search.timelines import Timeline
from bids_dl.selection.tables.annotated_tables import AnnotatedTables
from bids_dl.selection.tables.annotations import hed_entries
from bids_dl.wording import one_line

HedIssue = dict[str, Any]
"""Code, severity and message, as hedtools' validators return them."""

ERROR_SEVERITY = 1  # hedtools: 1 is an error, 10 a warning
MAX_REASON_CHARS = 200
SEPARATOR = re.compile(r"[\t\r\n]")  # hedtools splits a quoted cell at a tab


def check_sidecars(annotated: AnnotatedTables, issues: IssueCounter, *, strict: bool) -> None:
    """Count the issues that hedtools reports for each distinct sidecar.

    Parameters
    ----------
    strict
        Also validate every row, and raise an error if there is any.

    Raises
    ------
    SourceError
        If ``strict`` and hedtools reports an error.
    """
    checked: set[int] = set()
    for table, sidecar in zip(annotated.tables, annotated.sidecars, strict=True):
        if sidecar.schema is None:
            continue
        reported: list[HedIssue] = []
        if id(sidecar) not in checked:
            checked.add(id(sidecar))
            reported += _validate(partial(_validate_sidecar, table, sidecar.schema))
        if strict:
            reported += _validate(partial(_validate_rows, table, sidecar.schema))
        errors = [issue for issue in reported if issue["severity"] == ERROR_SEVERITY]
        warnings = [issue for issue in reported if issue["severity"] != ERROR_SEVERITY]
        if strict and errors:
            raise SourceError(_describe_errors(table, errors))
        issues.add_codes("errors", _codes(errors))
        issues.add_codes("warnings", _codes(warnings))


def _codes(reported: Iterable[HedIssue]) -> list[str]:
    return [str(issue["code"]) for issue in reported]


def _validate(validator: Callable[[], list[HedIssue]]) -> list[HedIssue]:
    """Run a validator. An exception that it raises is reported as an error of its own."""
    try:
        return validator()
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
        HedFileError,
    ) as error:
        message = f"hedtools' validator stops with {error!r}"
        return [{"code": "UNREADABLE", "severity": ERROR_SEVERITY, "message": message}]


def _validate_sidecar(table: EventRows, schema: Any) -> list[HedIssue]:
    return list(_hed_sidecar(table).validate(schema))


def _validate_rows(table: EventRows, schema: Any) -> list[HedIssue]:
    rows = [table.columns.keys(), *zip(*table.columns.values(), strict=True)]
    lines = ["\t".join(SEPARATOR.sub(" ", cell) for cell in cells) for cells in rows]
    text = io.StringIO("\n".join(lines))
    tabular = TabularInput(text, sidecar=_hed_sidecar(table))
    return list(tabular.validate(schema, validate_sidecar=False))


def _hed_sidecar(table: EventRows) -> Any:
    """Return a `hed.Sidecar` of the columns that carry HED."""
    entries = {name: table.sidecar[name] for name in hed_entries(table.sidecar)}
    return Sidecar(io.StringIO(json.dumps(entries)))


def _describe_errors(table: EventRows, errors: Sequence[HedIssue]) -> str:
    codes = format_codes(Counter(_codes(errors)))
    first = str(errors[0].get("message", "")).splitlines()[0]
    return (
        f"{table.recording}: hedtools reports errors, which --hed-strict rejects: {codes};\n"
        f"  the first: {one_line(first, max_chars=MAX_REASON_CHARS)}"
    )


def check_durations(
    timelines: Iterable[Timeline], events: Sequence[Event], issues: IssueCounter
) -> None:
    """Count the recordings whose durations cannot be in seconds.

    Some datasets write durations in samples. A recording is counted if its events end by their
    duration and most rows with a duration reach past the next such row.
    """
    used = {event.recording for event in events if event.end_rule == "duration"}
    for timeline in timelines:
        if timeline.table.recording in used:
            _check_recording_durations(timeline, issues)


def _check_recording_durations(timeline: Timeline, issues: IssueCounter) -> None:
    n_pairs = 0
    too_long = []
    for (onset, duration), (next_onset, _) in itertools.pairwise(_rows_with_duration(timeline)):
        if onset < next_onset:
            n_pairs += 1
            if onset + duration > next_onset:
                too_long.append((onset, duration, next_onset))
    if n_pairs > 1 and len(too_long) > n_pairs / 2:
        onset, duration, next_onset = too_long[0]
        issues.add(
            "long_durations",
            f"{duration:g} at {onset:g} s in {timeline.table.recording}, "
            f"{next_onset - onset:g} s before the next row with a duration",
        )


def _rows_with_duration(timeline: Timeline) -> list[tuple[float, float]]:
    """Return onset and duration in s of each row with a duration above 0, sorted."""
    rows = []
    for row in range(len(timeline.table)):
        onset = timeline.onset(row)
        duration = timeline.duration(row)
        if onset is not None and duration > 0:
            rows.append((onset, duration))
    return sorted(rows)
