"""The limits of the windows of each recording, as far as text files and headers state them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bids_dl import selection, source, windows
from bids_dl.datamodel import Event, EventRows, Header

Intervals = list[tuple[float, float]]  # (start, end) in s


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
