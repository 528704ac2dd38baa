"""Times of the data records of EDF+ and BDF+ files, and the gaps between them.

EDF+: Kemp and Olivan 2003, https://doi.org/10.1016/S1388-2457(03)00123-8.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from bids_dl.errors import RecordingError
from bids_dl.source.formats.edf import EdfHeader
from bids_dl.source.gaps import Gap

ONSET = re.compile(rb"([+-]\d+(?:\.\d*)?)\x14")  # start of the annotations of a data record
MAX_ONSET_BYTES = 32
ONSET_PRECISION_SECONDS = 0.001  # onsets of data records are often rounded to it


def read_onsets(header: EdfHeader, path: Path, n_records: int, *, step: int = 1) -> list[float]:
    """Read the onset of each data record of an EDF+ file from its annotations.

    Parameters
    ----------
    header
        Header of the file.
    path
        The file.
    n_records
        Number of data records of the file.
    step
        Read the first data record and every ``step`` after it.

    Returns
    -------
    list of float
        Onsets in s, relative to the first data record.

    Raises
    ------
    RecordingError
        Stage "header": a data record does not state its onset.
    """
    start = 0
    for signal in header.signals:
        if signal.is_annotations:
            break
        start += signal.n_samples * header.sample_bytes
    else:
        raise RecordingError(
            "header", "an EDF+D file without annotations; the times of its gaps are unknown"
        )
    stop = start + min(signal.n_samples * header.sample_bytes, MAX_ONSET_BYTES)
    shape = (n_records, header.record_bytes)
    records = np.memmap(path, np.uint8, "r", header.header_bytes, shape)
    onsets: list[float] = []
    for number in range(0, n_records, step):
        match = ONSET.match(records[number, start:stop].tobytes())
        if match is None:
            raise RecordingError(
                "header",
                f"data record {number + 1} of an EDF+D file does not state its onset; "
                "download the file again",
            )
        onsets.append(float(match[1]))
    return [onset - onsets[0] for onset in onsets]


def find_gaps(onsets: Sequence[float], duration: float, tolerance: float) -> tuple[Gap, ...]:
    """Find the gaps between data records.

    Parameters
    ----------
    onsets
        Onset of each data record in s.
    duration
        Duration of a data record in s.
    tolerance
        Longest pause in s that is not a gap.

    Returns
    -------
    tuple of Gap
        Gaps with their onset on the clock of the file.

    Raises
    ------
    RecordingError
        Stage "header": a record begins before the end of the previous one.

    Examples
    --------
    >>> find_gaps([0.0, 1.0, 5.0], duration=1.0, tolerance=0.001)
    (Gap(onset=2.0, length=3.0, half_sample=0.0),)
    """
    gaps = []
    for i, (previous, onset) in enumerate(pairwise(onsets), 1):
        length = onset - previous - duration
        if length < -tolerance:
            raise RecordingError(
                "header",
                f"data record {i + 1} begins at {onset:g} s, before the end of the previous one "
                f"({previous + duration:g} s)",
            )
        if length > tolerance:
            gaps.append(Gap(i * duration, length))
    return tuple(gaps)


def read_edf_gaps(header: EdfHeader, path: Path, n_records: int) -> tuple[Gap, ...]:
    """Read the gaps of an EDF+D file, or of an EDF+C file whose data records are not contiguous.

    The onsets of EDF+C are trusted less: they are ignored if one is missing, or if data records
    overlap.

    Raises
    ------
    RecordingError
        Stage "header": the onsets of an EDF+D file are missing or overlap.
    """
    max_sfreq = max(header.sfreq(signal) for signal in header.recorded)
    tolerance = max(1 / max_sfreq, ONSET_PRECISION_SECONDS) + 1e-6
    if header.is_discontinuous:
        onsets = read_onsets(header, path, n_records)
        gaps = find_gaps(onsets, header.record_duration, tolerance)
    elif header.has_onsets:
        gaps = _read_undeclared_gaps(header, path, n_records, tolerance)
    else:
        gaps = ()
    return tuple(replace(gap, half_sample=0.5 / max_sfreq) for gap in gaps)


def _read_undeclared_gaps(
    header: EdfHeader, path: Path, n_records: int, tolerance: float
) -> tuple[Gap, ...]:
    """Read the gaps of a file whose header promises that there are none."""
    try:
        # In most files the last data record tells that there is no gap.
        last_onset = read_onsets(header, path, n_records, step=max(1, n_records - 1))[-1]
        if abs(last_onset - (n_records - 1) * header.record_duration) <= tolerance:
            return ()
        onsets = read_onsets(header, path, n_records)
        gaps = find_gaps(onsets, header.record_duration, tolerance)
    except RecordingError:
        return ()
    is_other_clock = n_records > 2 and len(gaps) == n_records - 1
    return () if is_other_clock else gaps
