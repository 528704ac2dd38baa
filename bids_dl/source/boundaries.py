"""Points of a recording at which the signal is not continuous."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bids_dl.datamodel import BOUNDARY_NAMES, boundary_sample
from bids_dl.source.gaps import Gap, to_file_time

if TYPE_CHECKING:
    from mne.io import BaseRaw

BOUNDARY_DESCRIPTIONS = BOUNDARY_NAMES | {"-99", "-99.0"}  # numbers in EEGLAB
NEW_SEGMENT = (
    "new segment"  # BrainVision's marker for the start of the recording, or its resumption
)
ROUNDING = 5e-4  # s: onsets in events.tsv have three decimals at least


def find_boundaries(raw: BaseRaw, gaps: Sequence[Gap] = ()) -> tuple[float, ...]:
    """Find the boundaries of a recording in its annotations and gaps.

    Parameters
    ----------
    raw
        Recording with the annotations of its file.
    gaps
        Gaps of the file, which its annotations count as time.

    Returns
    -------
    tuple of float
        Time of the first sample after each boundary, in s on the clock of the file, sorted. The
        beginning and the end of the recording are not included.
    """
    first_time = float(raw.first_time) if raw.annotations.orig_time is not None else 0.0
    markers = []
    for annotation in raw.annotations:
        markers.append((float(annotation["onset"]) - first_time, str(annotation["description"])))
    return place_boundaries(markers, gaps, float(raw.info["sfreq"]), int(raw.n_times))


def place_boundaries(
    markers: Iterable[tuple[float, str]], gaps: Sequence[Gap], sfreq: float, n_times: int
) -> tuple[float, ...]:
    """Find the boundaries of a recording in its markers and gaps, as `find_boundaries`.

    Parameters
    ----------
    markers
        Onset in s and description of each marker of the file.
    gaps
        Gaps of the file, which its markers count as time.
    sfreq
        Sampling rate in Hz.
    n_times
        Number of samples.

    Examples
    --------
    >>> place_boundaries([(1.0, "boundary"), (2.0, "S 1")], (), sfreq=100.0, n_times=500)
    (1.0,)
    """
    times = [gap.onset for gap in gaps]
    for onset, description in markers:
        if is_boundary(description):
            time = to_file_time(onset, gaps)
            if time is not None:
                times.append(time)
    samples = {boundary_sample(time, sfreq) for time in times}
    return tuple(sample / sfreq for sample in sorted(samples) if 0 < sample < n_times)


def join_boundaries(
    file_boundaries: Sequence[float], rows: Iterable[float], sfreq: float
) -> tuple[float, ...]:
    """Join the boundaries of a file and those of its events.tsv.

    Parameters
    ----------
    file_boundaries
        Times in s of the first sample after each boundary, from `find_boundaries`.
    rows
        Onsets in s of the rows of events.tsv named boundary. They may be half a sample early, and
        rounded.
    sfreq
        Sampling rate in Hz.

    Returns
    -------
    tuple of float
        Time in s of the first sample after each boundary, sorted. A row less than a sample and its
        rounding beside a boundary of the file is that boundary.

    Examples
    --------
    >>> join_boundaries([2.0], [1.995, 2.995], sfreq=100.0)
    (2.0, 3.0)
    """
    samples = set()
    for row in rows:
        nearest = min(file_boundaries, key=lambda time: abs(time - row), default=None)
        if nearest is None or abs(nearest - row) > 1 / sfreq + ROUNDING:
            samples.add(boundary_sample(row, sfreq))
    return tuple(sorted({*file_boundaries, *(sample / sfreq for sample in samples)}))


def is_boundary(description: str) -> bool:
    """Return whether an annotation marks a boundary.

    Examples
    --------
    >>> is_boundary("New Segment/"), is_boundary("Stimulus/S  1"), is_boundary("boundary")
    (True, False, True)
    """
    parts = [part.strip() for part in description.casefold().split("/")]
    return parts[0] == NEW_SEGMENT or not BOUNDARY_DESCRIPTIONS.isdisjoint(parts)
