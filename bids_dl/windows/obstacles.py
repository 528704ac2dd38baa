"""Windows that cannot be read from their recording, and the reasons."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import partial

import numpy as np
import numpy.typing as npt

from bids_dl.config.stages import WindowsConfig
from bids_dl.datamodel import Window, boundary_sample, exact_rate
from bids_dl.windows.positions import TOLERANCE, window_length
from bids_dl.windows.recording_limits import RecordingLimits
from bids_dl.windows.window_sequence import WindowSequence

N_REACHING = 3  # excluded intervals before the end of a window that may reach into it
Mask = npt.NDArray[np.bool_]


def find_suspects(
    windows: WindowSequence, config: WindowsConfig, limits: RecordingLimits
) -> npt.NDArray[np.intp]:
    """Find the windows that may be impossible.

    Parameters
    ----------
    windows
        Windows of one recording.

    Returns
    -------
    ndarray of int
        Numbers of the windows, in order. All others are possible.
    """
    suspects = windows.onsets < -TOLERANCE
    if not len(windows):  # the length of a window need not be possible
        return np.flatnonzero(suspects)
    if limits.sfreq:
        stops = windows.starts + window_length(config, exact_rate(limits.sfreq))
        if limits.n_times is not None:
            suspects |= stops > limits.n_times
        samples = np.array([boundary_sample(time, limits.sfreq) for time in limits.boundaries])
        suspects |= _have_between(samples, windows.starts, stops)
    else:
        ends = windows.onsets + config.duration
        suspects |= _have_between(np.array(limits.boundaries), windows.onsets, ends)
    for number, label in enumerate(windows.labels):
        intervals = limits.excluded.get(label, ())
        if intervals:
            suspects |= (windows.label_codes == number) & _may_overlap(
                np.array(intervals, dtype=np.float64), windows.onsets, config.duration
            )
    return np.flatnonzero(suspects)


def find_problem(
    window: Window, config: WindowsConfig, limits: RecordingLimits
) -> tuple[str, str] | None:
    """Return the option and the reason that make a window impossible, None if it is possible."""
    if window.onset < -TOLERANCE and (window.start < 0 or not limits.sfreq):
        return "recording", f"it begins {-window.onset:.3f} s before the recording"
    if limits.sfreq and limits.n_times is not None:
        stop = window.start + window_length(config, exact_rate(limits.sfreq))
        if stop > limits.n_times:
            lengths = f"{stop / limits.sfreq:.3f} s, the recording at {limits.end:.3f} s"
            return "recording", f"it ends at {lengths}"
    boundary = _find_boundary(window, config, limits)
    if boundary is not None:
        return "boundary", f"the signal is not continuous at {boundary:.3f} s"
    start = _find_excluded(window, config, limits)
    if start is not None:
        return "exclude", f"it overlaps the excluded interval at {start:.3f} s"
    return None


def _have_between(
    values: npt.NDArray[np.number], lows: npt.NDArray[np.number], highs: npt.NDArray[np.number]
) -> Mask:
    """Return which intervals, without their beginnings, contain a value of a sorted array."""
    if not len(values):
        return np.zeros(len(lows), dtype=bool)
    positions = np.searchsorted(values, lows, side="right")
    following = values[np.minimum(positions, len(values) - 1)]
    return (positions < len(values)) & (following < highs)


def _may_overlap(
    intervals: npt.NDArray[np.float64], onsets: npt.NDArray[np.float64], duration: float
) -> Mask:
    """Return which windows may overlap one of the intervals (start, stop), sorted by start."""
    latest_stops = np.maximum.accumulate(intervals[:, 1])
    positions = np.searchsorted(intervals[:, 0], onsets + duration, side="left")
    return (positions > 0) & (latest_stops[np.maximum(positions - 1, 0)] > onsets)


def _find_boundary(window: Window, config: WindowsConfig, limits: RecordingLimits) -> float | None:
    """Return the first boundary in s that a window crosses: in samples if the rate is known."""
    if not limits.sfreq:
        first = window.onset + TOLERANCE
        last = first + config.duration - 2 * TOLERANCE
        return next((time for time in limits.boundaries if first < time < last), None)
    stop = window.start + window_length(config, exact_rate(limits.sfreq))
    samples = partial(boundary_sample, sfreq=limits.sfreq)
    index = bisect_right(limits.boundaries, window.start, key=samples)
    if index < len(limits.boundaries) and samples(limits.boundaries[index]) < stop:
        return limits.boundaries[index]
    return None


def _find_excluded(window: Window, config: WindowsConfig, limits: RecordingLimits) -> float | None:
    """Return the start in s of the last excluded interval that a window overlaps.

    Less than half a sample is rounding, unless the interval is as short. No point at a cut counts.
    """
    end = window.onset + config.duration
    excluded = limits.excluded.get(window.label, ())
    # The intervals are disjoint: few that start before the end of the window can reach into it.
    n_before = bisect_left(excluded, end - TOLERANCE, key=lambda interval: interval[0])
    for start, stop in reversed(excluded[max(0, n_before - N_REACHING) : n_before]):
        if start == stop and limits.cut_at(start) is not None:
            continue
        tolerance = max(TOLERANCE, min(limits.half_sample, (stop - start) / 2))
        if start < end - tolerance and max(start, stop - tolerance) > window.onset + TOLERANCE:
            return start
    return None
