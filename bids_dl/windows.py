"""Positions of windows inside blocks or around events, computed without reading a signal."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial

from bids_dl.config.stages import WindowsConfig
from bids_dl.datamodel import (
    Block,
    Dropped,
    Event,
    Window,
    boundary_sample,
    exact_rate,
    nearest_sample,
)
from bids_dl.errors import WindowError

TOLERANCE = 1e-6  # s, or windows: onsets in events.tsv are rounded decimal fractions
MAX_DENOMINATOR = 1_000_000  # of a time in s as an exact fraction: microseconds


@dataclass(frozen=True, slots=True)
class RecordingLimits:
    """Facts about a recording that limit its windows, as far as they are known."""

    sfreq: float | None = None  # Hz
    n_times: int | None = None  # samples
    boundaries: tuple[float, ...] = ()  # s, sorted: times at which the signal is not continuous
    excluded: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    """By label: disjoint intervals (start, stop) in s, in order of time; equal for a point."""

    @property
    def half_sample(self) -> float:
        """Half a sample in s, 0 if the rate is unknown."""
        return 0.5 / self.sfreq if self.sfreq else 0.0

    @property
    def end(self) -> float:
        """Length of the recording in s, infinite if unknown."""
        if not self.sfreq or self.n_times is None:
            return math.inf
        return self.n_times / self.sfreq


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """Windows of a plan, and the windows and blocks that were dropped."""

    windows: tuple[Window, ...]
    dropped: tuple[Dropped, ...]  # impossible windows, and blocks shorter than a window
    open: Mapping[str, int]  # label -> number of blocks whose end is not known yet


def count_windows(blocks: Iterable[Block], config: WindowsConfig) -> int:
    """Count the windows that blocks can hold by their times in s.

    Boundaries, exclusions and the rounding of the times to samples are not considered.

    Parameters
    ----------
    blocks
        Blocks of any recordings. A block without a known end counts 0 sliding windows.
    config
        Kind and size of the windows.

    Returns
    -------
    int
        Number of windows.

    Examples
    --------
    >>> block = Block("ds/sub-1", 0, "rest", onset=0.0, end=61.0)
    >>> count_windows([block], WindowsConfig(window=2.0))
    30
    """
    if not config.sliding:
        return sum(1 for _ in blocks)
    total = 0
    for block in blocks:
        if block.end is not None:
            total += _count_fitting(block.end - block.onset, config)
    return total


def plan_windows(
    events: Sequence[Event],
    blocks: Iterable[Block],
    config: WindowsConfig,
    limits: Mapping[str, RecordingLimits],
) -> WindowPlan:
    """Plan all windows of blocks (sliding) or of events (event-locked), in order of the events.

    Parameters
    ----------
    events
        Selected events.
    blocks
        Blocks of the events after trimming. `Block.index` is an index into ``events``.
    config
        Kind and size of the windows.
    limits
        Rate, length, boundaries and exclusions by `Recording.key`. A recording without an entry
        does not limit its windows.

    Returns
    -------
    WindowPlan
        A window that leaves its recording, crosses a boundary or overlaps an exclusion is in
        ``dropped``, with the reason.

    Examples
    --------
    >>> event = Event("ds/sub-1", 0, onset=1.0, end=6.0, end_rule="duration", label="rest")
    >>> block = Block("ds/sub-1", 0, "rest", onset=1.0, end=6.0)
    >>> limits = {"ds/sub-1": RecordingLimits(sfreq=100.0, n_times=1000, boundaries=(4.0,))}
    >>> plan = plan_windows([event], [block], WindowsConfig(window=2.0), limits)
    >>> [(window.onset, window.start) for window in plan.windows]
    [(1.0, 100)]
    >>> plan.dropped[0].reason
    'the signal is not continuous at 4.000 s'
    """
    windows: list[Window] = []
    dropped: list[Dropped] = []
    n_open: Counter[str] = Counter()
    for block in blocks:
        event = events[block.index]
        recording_limits = limits.get(block.recording, RecordingLimits())
        if not config.sliding:
            candidates = [event_locked_window(event, block.index, config, recording_limits)]
        elif block.end is None:
            n_open[block.label] += 1
            continue
        else:
            candidates = sliding_windows(block, config, recording_limits)
            if not candidates:
                dropped.append(_too_short(event, block, config))
        for window in candidates:
            problem = _find_problem(window, config, recording_limits)
            if problem is None:
                windows.append(window)
            else:
                dropped.append(_dropped_window(event, window, *problem))
    return WindowPlan(tuple(windows), tuple(dropped), dict(n_open))


def sliding_windows(block: Block, config: WindowsConfig, limits: RecordingLimits) -> list[Window]:
    """Divide a block into windows of equal length.

    Parameters
    ----------
    block
        Block with a known end.
    config
        Length and stride of the windows in s.
    limits
        Rate of the recording. If it is unknown, all samples are 0.

    Returns
    -------
    list of Window
        The first window begins at the onset of the block. A last window that would leave the
        block is omitted, not padded. Times in events.tsv are rounded, so a window also fits if its
        samples do up to a boundary or the end of the recording.

    Raises
    ------
    WindowError
        The end of the block is unknown.

    Examples
    --------
    >>> block = Block("ds/sub-1", 0, "rest", onset=3.0, end=8.0)
    >>> windows = sliding_windows(block, WindowsConfig(window=2.0), RecordingLimits(sfreq=100.0))
    >>> [(window.onset, window.start) for window in windows]
    [(3.0, 300), (5.0, 500)]
    """
    if block.end is None:
        raise WindowError(
            f"{block.recording}: the block at {block.onset:.3f} s has no known end; "
            "sliding windows need one"
        )
    stride = _stride(config)
    windows = []
    for i in range(_count_in_block(block.onset, block.end, config, limits)):
        onset = block.onset + i * stride
        start = _nearest_sample(onset, limits)
        windows.append(Window(block.recording, block.index, onset, start, start, block.label))
    return windows


def event_locked_window(
    event: Event, index: int, config: WindowsConfig, limits: RecordingLimits
) -> Window:
    """Return the window from ``tmin`` to ``tmax`` around an event.

    Parameters
    ----------
    event
        Event whose sample becomes the anchor of the window.
    index
        Index of the event in the plan.
    config
        ``tmin`` and ``tmax`` in s, relative to the onset of the event.
    limits
        Rate of the recording. If it is unknown, all samples are 0.

    Examples
    --------
    >>> event = Event("ds/sub-1", 0, onset=2.0, end=None, end_rule="", label="press")
    >>> config = WindowsConfig(tmin=-0.5, tmax=1.0)
    >>> window = event_locked_window(event, 0, config, RecordingLimits(sfreq=100.0))
    >>> window.onset, window.start, window.anchor
    (1.5, 150, 200)
    """
    tmin = config.tmin or 0.0
    anchor = _nearest_sample(event.onset, limits)
    start = anchor + _nearest_sample(tmin, limits)
    return Window(event.recording, index, event.onset + tmin, start, anchor, event.label)


def resampled_start(window: Window, ratio: Fraction, offset: int) -> int:
    """Return the first sample of a window after resampling.

    The anchor moves to the nearest new sample (a half is rounded up), and the window begins
    ``offset`` samples from there. An event therefore has the same position in every window,
    independent of the rate of its recording.

    Parameters
    ----------
    window
        Window at the rate of its recording.
    ratio
        New sampling rate divided by that of the recording, exact.
    offset
        Samples at the new rate from the anchor to the first sample, from `window_offset`.

    Examples
    --------
    >>> window = Window("ds/sub-1", 0, onset=1.5, start=150, anchor=200, label="press")
    >>> resampled_start(window, Fraction(128, 100), offset=-64)
    192
    """
    return _round_half_up(window.anchor * ratio) + offset


def window_offset(config: WindowsConfig, sfreq: Fraction) -> int:
    """Return the samples at a rate in Hz from the anchor of a window to its first sample.

    This is ``tmin`` in samples for event-locked windows, and 0 for sliding windows.

    Examples
    --------
    >>> window_offset(WindowsConfig(tmin=-0.5, tmax=1.0), Fraction(128))
    -64
    """
    return _round_half_up(_exact_seconds(config.tmin or 0.0) * sfreq)


def window_length(config: WindowsConfig, sfreq: Fraction) -> int:
    """Return the number of samples of a window at a rate in Hz.

    Raises
    ------
    WindowError
        The window is shorter than half a sample.

    Examples
    --------
    >>> window_length(WindowsConfig(window=2.0), Fraction(128))
    256
    """
    n_times = _round_half_up(_exact_seconds(config.duration) * sfreq)
    if n_times < 1:
        raise WindowError(
            f"a window of {config.duration:g} s has no sample at {float(sfreq):g} Hz; "
            "ask for a longer window"
        )
    return n_times


def _stride(config: WindowsConfig) -> float:
    """Return the interval between the onsets of consecutive windows in s."""
    return config.stride or config.duration


def _count_fitting(span: float, config: WindowsConfig) -> int:
    """Count the windows that fit into a span in s."""
    return max(0, math.floor((span - config.duration) / _stride(config) + TOLERANCE) + 1)


def _count_in_block(
    onset: float, end: float, config: WindowsConfig, limits: RecordingLimits
) -> int:
    """Count the windows that fit into a block, in samples up to a cut: its times are rounded."""
    count = _count_fitting(end - onset, config)
    cut = _cut_at(end, limits)
    if limits.sfreq and (cut is not None or _cut_at(onset, limits) is not None):
        n_times = window_length(config, exact_rate(limits.sfreq))
        last_start = nearest_sample(end if cut is None else cut, limits.sfreq) - n_times
        while nearest_sample(onset + count * _stride(config), limits.sfreq) <= last_start:
            count += 1
    return count


def _cut_at(time: float, limits: RecordingLimits) -> float | None:
    """Return the boundary or end of the recording at a time in s, as early as rows of EEGLAB."""
    if not limits.sfreq:
        return None
    cuts = (0.0, *limits.boundaries, limits.end)
    index = bisect_left(cuts, time - limits.half_sample)
    latest = max(time + limits.half_sample, boundary_sample(time, limits.sfreq) / limits.sfreq)
    return cuts[index] if index < len(cuts) and cuts[index] <= latest else None


def _exact_seconds(seconds: float) -> Fraction:
    """Return the decimal fraction that a float approximates."""
    return Fraction(seconds).limit_denominator(MAX_DENOMINATOR)


def _round_half_up(value: Fraction) -> int:
    """Round to the nearest integer, a half upwards."""
    return math.floor(value + Fraction(1, 2))


def _nearest_sample(time: float, limits: RecordingLimits) -> int:
    """Return the sample nearest to a time in s, or 0 if the rate is unknown (text-only copies)."""
    return nearest_sample(time, limits.sfreq) if limits.sfreq else 0


def _too_short(event: Event, block: Block, config: WindowsConfig) -> Dropped:
    """Report a block that is shorter than a window."""
    duration = (block.end or 0.0) - block.onset
    reason = f"the block lasts {duration:.3f} s, a window {config.duration:g} s"
    return Dropped(event.recording, event.row, block.onset, event.label, "block", "window", reason)


def _dropped_window(event: Event, window: Window, option: str, reason: str) -> Dropped:
    """Report a window that cannot be read from its recording."""
    return Dropped(event.recording, event.row, window.onset, event.label, "window", option, reason)


def _find_problem(
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
    for start, stop in reversed(excluded[max(0, n_before - 3) : n_before]):
        if start == stop and _cut_at(start, limits) is not None:
            continue
        tolerance = max(TOLERANCE, min(limits.half_sample, (stop - start) / 2))
        if start < end - tolerance and max(start, stop - tolerance) > window.onset + TOLERANCE:
            return start
    return None
