"""Points of a recording at which the signal is not continuous."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bids_dl.source.gaps import Gap, to_file_time

if TYPE_CHECKING:
    from mne.io import BaseRaw

# Annotations of EEGLAB and MNE at a boundary
BOUNDARY_DESCRIPTIONS = {"boundary", "bad boundary", "edge boundary", "-99", "-99.0"}
NEW_SEGMENT = (
    "new segment"  # BrainVision's marker for the start of the recording, or its resumption
)
ROUNDING_SAMPLES = 1e-3  # tolerance: the times of annotations are rounded


def find_boundaries(raw: BaseRaw, gaps: Sequence[Gap] = ()) -> tuple[float, ...]:
    """Find the boundaries of a recording in its annotations and gaps.

    Parameters
    ----------
    raw
        Recording with the annotations of its file.
    gaps
        Gaps of the file (EDF+D), which its annotations count as time.

    Returns
    -------
    tuple of float
        Time of the first sample after each boundary, in s on the clock of the file, sorted. The
        beginning and the end of the recording are not included.
    """
    sfreq = float(raw.info["sfreq"])
    first_time = float(raw.first_time) if raw.annotations.orig_time is not None else 0.0
    times = [gap.onset for gap in gaps]
    for annotation in raw.annotations:
        if is_boundary(str(annotation["description"])):
            time = to_file_time(float(annotation["onset"]) - first_time, gaps)
            if time is not None:
                times.append(time)
    samples = {math.ceil(time * sfreq - ROUNDING_SAMPLES) for time in times}
    return tuple(sample / sfreq for sample in sorted(samples) if 0 < sample < raw.n_times)


def is_boundary(description: str) -> bool:
    """Return whether an annotation marks a boundary.

    Examples
    --------
    >>> is_boundary("New Segment/"), is_boundary("Stimulus/S  1"), is_boundary("boundary")
    (True, False, True)
    """
    parts = [part.strip() for part in description.casefold().split("/")]
    return parts[0] == NEW_SEGMENT or not BOUNDARY_DESCRIPTIONS.isdisjoint(parts)
