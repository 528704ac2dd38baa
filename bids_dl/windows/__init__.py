"""Positions of windows inside blocks or around events, computed without reading a signal."""

from bids_dl.windows.positions import (
    count_windows,
    event_locked_windows,
    resampled_start,
    sliding_windows,
    window_length,
    window_offset,
)
from bids_dl.windows.recording_limits import RecordingLimits
from bids_dl.windows.window_plan import WindowPlan, plan_windows
from bids_dl.windows.window_sequence import WindowSequence

__all__ = [
    "RecordingLimits",
    "WindowPlan",
    "WindowSequence",
    "count_windows",
    "event_locked_windows",
    "plan_windows",
    "resampled_start",
    "sliding_windows",
    "window_length",
    "window_offset",
]
