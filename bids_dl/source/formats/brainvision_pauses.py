"""Pauses of BrainVision recordings: the times that New Segment markers state.

A recording that was paused, or exported in segments, has its samples concatenated. Each segment
begins with a marker New Segment, which may state the date and time of its first sample.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from bids_dl.source.formats.brainvision import decode_text
from bids_dl.source.gaps import Gap

NEW_SEGMENT = "New Segment"
MARKER = re.compile(r"^Mk\d+=(.*)$", re.MULTILINE)
SAMPLE_FIELD = 2  # of a marker: type, description, sample, length, channel, date
DATE_FIELD = 5
DATE_FORMAT = "%Y%m%d%H%M%S%f"
LENGTH_DIGITS = 6  # of a pause in s: dates have µs
ROUNDING = 5e-4  # s: onsets in events.tsv have three decimals at least


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker of a .vmrk file."""

    kind: str
    sample: int  # 0-based
    date: datetime | None  # of a New Segment, if it is stated


def read_markers(path: Path) -> tuple[Marker, ...]:
    """Read the markers of a .vmrk file. Lines that are not markers are skipped."""
    markers = []
    for entry in MARKER.findall(decode_text(path.read_bytes())):
        fields = [field.strip() for field in entry.split(",")]
        if len(fields) > SAMPLE_FIELD and fields[SAMPLE_FIELD].isdecimal():
            date = fields[DATE_FIELD] if len(fields) > DATE_FIELD else ""
            markers.append(Marker(fields[0], int(fields[SAMPLE_FIELD]) - 1, _parse_date(date)))
    return tuple(markers)


def find_pauses(markers: Sequence[Marker], sfreq: float) -> tuple[Gap, ...]:
    """Find the pauses that the dates of New Segment markers state.

    Parameters
    ----------
    markers
        Markers of the recording.
    sfreq
        Sampling rate in Hz.

    Returns
    -------
    tuple of Gap
        Empty if a date is missing, or if segments overlap, as those around events may.

    Examples
    --------
    >>> start = datetime(2024, 1, 1, 12, 0, 0)
    >>> later = datetime(2024, 1, 1, 12, 0, 10)
    >>> segments = [Marker("New Segment", 0, start), Marker("New Segment", 200, later)]
    >>> find_pauses(segments, sfreq=100.0)
    (Gap(onset=2.0, length=8.0, half_sample=0.005),)
    """
    segments = [marker for marker in markers if marker.kind == NEW_SEGMENT]
    segments.sort(key=lambda marker: marker.sample)
    pauses = []
    for previous, segment in pairwise(segments):
        if previous.date is None or segment.date is None:
            return ()
        recorded = (segment.sample - previous.sample) / sfreq
        length = (segment.date - previous.date).total_seconds() - recorded
        tolerance = max(1 / sfreq, ROUNDING)
        if length < -tolerance:
            return ()
        if length > tolerance:
            onset = segment.sample / sfreq
            pauses.append(Gap(onset, round(length, LENGTH_DIGITS), 0.5 / sfreq))
    return tuple(pauses)


def count_time_of_pauses(
    onsets: Sequence[float], markers: Sequence[Marker], pauses: Sequence[Gap], sfreq: float
) -> bool:
    """Return whether onsets of events.tsv count the time of pauses.

    Most programs compute onsets from the samples of the file, others from true time. The markers
    of the file tell, because events.tsv repeats them.

    Parameters
    ----------
    onsets
        Onsets in s.
    markers, pauses
        Content of the .vmrk file.
    sfreq
        Sampling rate in Hz.

    Examples
    --------
    >>> markers = [Marker("Stimulus", 300, None)]
    >>> pauses = [Gap(onset=2.0, length=8.0)]
    >>> count_time_of_pauses([11.0], markers, pauses, 100.0)
    True
    >>> count_time_of_pauses([3.0], markers, pauses, 100.0)
    False
    """
    tolerance = 0.5 / sfreq + ROUNDING
    ordered = sorted(onsets)
    n_true = 0
    n_file = 0
    for marker in markers:
        file_time = marker.sample / sfreq
        left_out = sum(pause.length for pause in pauses if pause.onset <= file_time)
        if left_out and marker.kind != NEW_SEGMENT:
            n_true += _contains(ordered, file_time + left_out, tolerance)
            n_file += _contains(ordered, file_time, tolerance)
    return n_true > n_file


def _contains(times: Sequence[float], time: float, tolerance: float) -> bool:
    """Return whether sorted times have one within a tolerance of a time, all in s."""
    index = bisect_left(times, time - tolerance)
    return index < len(times) and times[index] <= time + tolerance


def _parse_date(text: str) -> datetime | None:
    """Parse the date of a marker, None if it is absent or all zeros."""
    try:
        return datetime.strptime(text, DATE_FORMAT)
    except ValueError:
        return None
