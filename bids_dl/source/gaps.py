"""Conversion from the true time of events.tsv to the clock of a file with gaps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bids_dl.datamodel import IN_GAP

TOLERANCE = 1e-6  # s; onsets are decimal fractions
DIGITS = 9  # of a converted onset in s: finer than any sample
Columns = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Gap:
    """A point of a file at which time was left out."""

    onset: float  # s on the clock of the file, which counts samples only
    length: float  # s that are left out
    half_sample: float = 0.0  # s by which a rounded time may be beside its sample


def to_file_time(time: float, gaps: Sequence[Gap]) -> float | None:
    """Convert a true time to the clock of a file with gaps.

    Parameters
    ----------
    time
        Time in s since the first sample.
    gaps
        Gaps of the file, in order of onset.

    Returns
    -------
    float or None
        Time in s on the clock of the file; None if the time is inside a gap. A time less than half
        a sample before the end of a gap is that of the first sample after it, and one less than
        half a sample before its beginning that of the last sample before it.

    Examples
    --------
    >>> gaps = [Gap(onset=10.0, length=5.0)]
    >>> [to_file_time(time, gaps) for time in (9.0, 12.0, 16.0)]
    [9.0, None, 11.0]
    """
    left_out = 0.0
    earliest = -math.inf  # the end of the previous gap
    for gap in gaps:
        start = gap.onset + left_out
        if time < start - TOLERANCE:
            is_past_last_sample = time >= start - gap.half_sample and gap.length > gap.half_sample
            if is_past_last_sample:
                return max(gap.onset - 2 * gap.half_sample, earliest)
            break
        if time < start + gap.length - max(TOLERANCE, gap.half_sample):
            return None
        left_out += gap.length
        earliest = gap.onset
    return max(time - left_out, earliest)


def events_to_file_time(columns: Columns, gaps: Sequence[Gap]) -> dict[str, tuple[str, ...]]:
    """Convert onsets and durations of events.tsv to the clock of a file with gaps.

    BIDS counts onsets in true time from the first sample (1.10, "Events"), whereas the samples of
    such a file are contiguous.

    Parameters
    ----------
    columns
        Columns of events.tsv as text.
    gaps
        Gaps of the file, in order of onset.

    Returns
    -------
    dict
        All columns. A row inside a gap, to which no sample belongs, has the onset `IN_GAP`. A row
        that begins before a gap and ends inside it ends where the gap begins.

    Examples
    --------
    >>> columns = {"onset": ("16", "12"), "duration": ("2", "1")}
    >>> events_to_file_time(columns, [Gap(onset=10.0, length=5.0)])
    {'onset': ('11.0', 'in a gap'), 'duration': ('2', '1')}
    """
    if not gaps or "onset" not in columns:
        return dict(columns)
    n_rows = len(columns["onset"])
    onsets = []
    durations = []
    for onset, duration in zip(
        columns["onset"], columns.get("duration", ("n/a",) * n_rows), strict=True
    ):
        new_onset, new_duration = _convert_row(onset, duration, gaps)
        onsets.append(new_onset)
        durations.append(new_duration)
    converted = {**columns, "onset": tuple(onsets)}
    if "duration" in columns:
        converted["duration"] = tuple(durations)
    return converted


def parse_onsets(columns: Columns) -> list[float]:
    """Return the onsets of events.tsv in s, without those that are no numbers.

    Examples
    --------
    >>> parse_onsets({"onset": ("1.5", "n/a")})
    [1.5]
    """
    seconds = map(_parse_seconds, columns.get("onset", ()))
    return [onset for onset in seconds if not math.isnan(onset)]


def _convert_row(onset: str, duration: str, gaps: Sequence[Gap]) -> tuple[str, str]:
    """Convert the onset and the duration of one row, keeping the text of unchanged values."""
    true_onset = _parse_seconds(onset)
    length = _parse_seconds(duration)
    if math.isnan(true_onset):
        return onset, duration
    file_onset = to_file_time(true_onset, gaps)
    if file_onset is None:
        return IN_GAP, duration
    new_onset = onset if file_onset == true_onset else str(round(file_onset, DIGITS))
    if not length > 0:
        return new_onset, duration
    new_length = _end_to_file_time(true_onset + length, gaps) - file_onset
    if math.isclose(new_length, length, abs_tol=TOLERANCE):
        return new_onset, duration
    return new_onset, str(round(new_length, DIGITS))


def _end_to_file_time(time: float, gaps: Sequence[Gap]) -> float:
    """Convert the end of an interval, which inside a gap is the beginning of the gap."""
    left_out = 0.0
    for gap in gaps:
        start = gap.onset + left_out
        if time <= start + gap.length:
            return min(time - left_out, gap.onset)
        left_out += gap.length
    return time - left_out


def _parse_seconds(text: str) -> float:
    """Convert a cell to a number of seconds, NaN if it is not a number."""
    try:
        return float(text)
    except ValueError:
        return math.nan
