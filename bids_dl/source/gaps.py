"""From the time that events.tsv counts to the place in a file that leaves out time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TOLERANCE = 1e-6  # s; onsets are decimal fractions
DIGITS = 9  # of a moved onset in s: finer than any sample
Columns = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Gap:
    """A place where a file leaves out time."""

    onset: float  # s on the file's own clock, where samples follow each other
    length: float  # s that are left out there


def place(time: float, gaps: Sequence[Gap]) -> float | None:
    """Where a time (s after the first sample) lies in a file with gaps, in s of its own; None in a gap."""
    left_out = 0.0
    for gap in gaps:
        start = gap.onset + left_out
        if time < start - TOLERANCE:
            break
        if time < start + gap.length - TOLERANCE:
            return None
        left_out += gap.length
    return time - left_out


def on_file(columns: Columns, gaps: Sequence[Gap]) -> dict[str, tuple[str, ...]]:
    """Rows of events.tsv with onset and duration moved to the clock of a file with gaps.

    BIDS counts onsets from the first sample in true time (1.10, "Events"); such a file has its samples in a row. A row that lies in a gap
    gets the onset n/a: there is no sample of it. One that begins before a gap and ends in it ends where the gap begins.
    """
    if not gaps or "onset" not in columns:
        return dict(columns)
    durations = columns.get("duration", ("n/a",) * len(columns["onset"]))
    moved = [
        _move(onset, duration, gaps)
        for onset, duration in zip(columns["onset"], durations, strict=True)
    ]
    found = {**columns, "onset": tuple(onset for onset, _ in moved)}
    return (
        found | {"duration": tuple(duration for _, duration in moved)}
        if "duration" in columns
        else found
    )


def _move(onset: str, duration: str, gaps: Sequence[Gap]) -> tuple[str, str]:
    start, length = _seconds(onset), _seconds(duration)
    if math.isnan(start):
        return onset, duration
    moved = place(start, gaps)
    if moved is None:
        return "n/a", duration
    said = onset if moved == start else str(round(moved, DIGITS))
    if not length > 0:
        return said, duration
    lasts = _end(start + length, gaps) - moved
    return said, duration if math.isclose(lasts, length, abs_tol=TOLERANCE) else str(
        round(lasts, DIGITS)
    )


def _end(time: float, gaps: Sequence[Gap]) -> float:
    """Where a time lies in the file; of one in a gap, where the gap is."""
    left_out = 0.0
    for gap in gaps:
        start = gap.onset + left_out
        if time <= start + gap.length:
            return min(time - left_out, gap.onset)
        left_out += gap.length
    return time - left_out


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
