"""The limits of the windows of each recording, as far as text files and headers state them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from bids_dl import selection, source, windows
from bids_dl.datamodel import Event, EventRows, Header
from bids_dl.planning.shared_notes import SharedNotes
from bids_dl.wording import count

Intervals = list[tuple[float, float]]  # (start, end) in s
MAX_ROUNDING_SAMPLES = 0.25  # of an onset: with more, half a sample early cannot be told from exact


def find_recording_limits(
    datasets: Mapping[str, source.Dataset],
    tables: Sequence[EventRows],
    headers: Mapping[str, Header],
    selected: selection.Selection,
) -> dict[str, windows.RecordingLimits]:
    """Find rate, length, boundaries and excluded intervals of each recording.

    Parameters
    ----------
    datasets
        Datasets by name.
    tables
        The events.tsv of each recording.
    headers
        Headers by recording key, of the recordings whose header was read.
    selected
        The events, with what ``--exclude`` matches and the boundaries of events.tsv.

    Returns
    -------
    dict
        Limits by recording key. What is not known is None.
    """
    excluded = _excluded_intervals(selected.excluded)
    limits = {}
    for rows in tables:
        key = rows.recording
        boundaries = selected.boundaries.get(key, ())
        if key in headers:
            basic = _limits_of_header(headers[key], boundaries)
        else:
            basic = _limits_of_sidecars(datasets, rows, boundaries)
        limits[key] = replace(basic, excluded=excluded.get(key, {}))
    return limits


def note_coarse_boundaries(
    selected: selection.Selection, headers: Mapping[str, Header]
) -> list[str]:
    """Describe recordings whose rows named boundary have too few decimals to place a cut.

    A boundary of the file places the cut instead, if it is within a sample of the row.

    Parameters
    ----------
    headers
        Headers by recording key.
    """
    notes = SharedNotes()
    for key, rows in selected.boundaries.items():
        if key not in headers:
            continue
        header = headers[key]
        lone = [row for row in rows if not _is_near(row, header.boundaries, header.sfreq)]
        n_decimals = max(map(_count_decimals, lone), default=0)
        if lone and 0.5 * 10.0**-n_decimals > MAX_ROUNDING_SAMPLES / header.sfreq:
            notes.add(
                key,
                f"its rows named boundary have {count(n_decimals, 'decimal')}, too few to place a "
                f"cut to the sample at {header.sfreq:g} Hz: windows beside one may be dropped, or "
                "hold a sample from beyond it; write their onsets with more decimals",
            )
    return notes.lines()


def _is_near(row: float, boundaries: Sequence[float], sfreq: float) -> bool:
    return any(abs(boundary - row) <= 1.5 / sfreq for boundary in boundaries)


def _count_decimals(onset: float) -> int:
    """Count the decimals that an onset in s was written with, without trailing zeros."""
    exponent = Decimal(repr(onset)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _limits_of_header(header: Header, boundaries: Sequence[float]) -> windows.RecordingLimits:
    joined = source.join_boundaries(header.boundaries, boundaries, header.sfreq)
    return windows.RecordingLimits(header.sfreq, header.n_times, joined)


def _limits_of_sidecars(
    datasets: Mapping[str, source.Dataset], rows: EventRows, boundaries: Sequence[float]
) -> windows.RecordingLimits:
    dataset, _, path = rows.recording.partition("/")
    sfreq = source.read_sidecar_header(datasets[dataset], path).sfreq
    n_times = round(rows.duration * sfreq) if sfreq and rows.duration else None
    if sfreq:
        boundaries = source.join_boundaries((), boundaries, sfreq)
    return windows.RecordingLimits(sfreq, n_times, tuple(boundaries))


def _excluded_intervals(excluded: Sequence[Event]) -> dict[str, dict[str, Intervals]]:
    """Join the excluded intervals of each recording and label.

    An event whose end is not known excludes the rest of its recording.
    """
    intervals: dict[str, dict[str, Intervals]] = {}
    for event in sorted(excluded, key=lambda event: event.onset):
        end = _end_of_excluded(event)
        joined = intervals.setdefault(event.recording, {}).setdefault(event.label, [])
        if joined and event.onset < joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((event.onset, end))
    return intervals


def _end_of_excluded(event: Event) -> float:
    if event.end is not None:
        return event.end
    return math.inf if event.end_rule else event.onset
