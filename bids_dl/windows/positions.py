"""Positions of sliding and event-locked windows, before and after resampling."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from bids_dl.config.stages import WindowsConfig
from bids_dl.datamodel import Block, Event, Window, exact_rate, nearest_sample
from bids_dl.errors import WindowError
from bids_dl.windows.recording_limits import RecordingLimits
from bids_dl.windows.window_sequence import WindowSequence

TOLERANCE = 1e-6  # s, or windows: onsets in events.tsv are rounded decimal fractions
MAX_DENOMINATOR = 1_000_000  # of a time in s as an exact fraction: microseconds
MAX_SAMPLE = float(1 << 62)  # of a position, which int64 holds with the length of a window added
KNOWN_LENGTHS = 256  # of windows, one for each rate of a plan


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


def sliding_windows(
    blocks: Sequence[Block], config: WindowsConfig, limits: RecordingLimits
) -> WindowSequence:
    """Divide blocks of one recording into windows of equal length.

    Parameters
    ----------
    blocks
        Blocks with a known end.
    config
        Length and stride of the windows in s.
    limits
        Rate of the recording. If it is unknown, all samples are 0.

    Returns
    -------
    WindowSequence
        The first window of a block begins at its onset. A last window that would leave the block
        is omitted, not padded. Times in events.tsv are rounded, so a window also fits if its
        samples do up to a boundary or the end of the recording.

    Raises
    ------
    WindowError
        The end of a block is unknown.

    Examples
    --------
    >>> block = Block("ds/sub-1", 0, "rest", onset=3.0, end=8.0)
    >>> windows = sliding_windows([block], WindowsConfig(window=2.0), RecordingLimits(sfreq=100.0))
    >>> [(window.onset, window.start) for window in windows]
    [(3.0, 300), (5.0, 500)]
    """
    counts = [count_in_block(block, config, limits) for block in blocks]
    return divide_blocks(blocks, counts, config, limits)


def divide_blocks(
    blocks: Sequence[Block], counts: Sequence[int], config: WindowsConfig, limits: RecordingLimits
) -> WindowSequence:
    """Divide each block of a recording into a given number of windows, as `sliding_windows`."""
    first_windows = np.repeat(np.cumsum([0, *counts])[:-1], counts)
    onsets = np.repeat(np.array([block.onset for block in blocks], dtype=np.float64), counts)
    onsets += (np.arange(len(onsets)) - first_windows) * _stride(config)
    starts = nearest_samples(onsets, limits)
    positions = np.repeat(np.arange(len(blocks)), counts)
    return WindowSequence.of_blocks(blocks, positions, onsets, starts)


def event_locked_windows(
    events: Sequence[Event],
    blocks: Sequence[Block],
    config: WindowsConfig,
    limits: RecordingLimits,
) -> WindowSequence:
    """Return the windows from ``tmin`` to ``tmax`` around events of one recording.

    Parameters
    ----------
    events
        All events of the plan, whose samples become the anchors of the windows.
    blocks
        Blocks of the events. `Block.index` is an index into ``events``.
    config
        ``tmin`` and ``tmax`` in s, relative to the onset of the event.
    limits
        Rate of the recording. If it is unknown, all samples are 0.

    Examples
    --------
    >>> event = Event("ds/sub-1", 0, onset=2.0, end=None, end_rule="", label="press")
    >>> block = Block("ds/sub-1", 0, "press", onset=2.0, end=None)
    >>> config = WindowsConfig(tmin=-0.5, tmax=1.0)
    >>> windows = event_locked_windows([event], [block], config, RecordingLimits(sfreq=100.0))
    >>> windows[0].onset, windows[0].start, windows[0].anchor
    (1.5, 150, 200)
    """
    tmin = config.tmin or 0.0
    onsets = np.array([events[block.index].onset for block in blocks], dtype=np.float64)
    anchors = nearest_samples(onsets, limits)
    shift = nearest_sample(tmin, limits.sfreq) if limits.sfreq else 0
    return WindowSequence.of_blocks(
        blocks, np.arange(len(blocks)), onsets + tmin, anchors + shift, anchors=anchors
    )


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
    n_times = _count_samples(config.duration, sfreq)
    if n_times < 1:
        raise WindowError(
            f"a window of {config.duration:g} s has no sample at {float(sfreq):g} Hz; "
            "ask for a longer window"
        )
    return n_times


def nearest_samples(
    times: npt.NDArray[np.float64], limits: RecordingLimits
) -> npt.NDArray[np.int64]:
    """Return the samples nearest to times in s, or 0 if the rate is unknown (text-only copies).

    The samples are those of `bids_dl.datamodel.nearest_sample`, limited to `MAX_SAMPLE`.
    """
    if not limits.sfreq:
        return np.zeros(len(times), dtype=np.int64)
    samples = np.floor(times * limits.sfreq + 0.5)
    return np.clip(samples, -MAX_SAMPLE, MAX_SAMPLE).astype(np.int64)


def count_in_block(block: Block, config: WindowsConfig, limits: RecordingLimits) -> int:
    """Count the windows that fit into a block, in samples up to a cut: its times are rounded.

    Raises
    ------
    WindowError
        The end of the block is unknown.
    """
    onset, end = block.onset, block.end
    if end is None:
        raise WindowError(
            f"{block.recording}: the block at {onset:.3f} s has no known end; "
            "sliding windows need one"
        )
    count = _count_fitting(end - onset, config)
    cut = limits.cut_at(end)
    if limits.sfreq and (cut is not None or limits.cut_at(onset) is not None):
        n_times = window_length(config, exact_rate(limits.sfreq))
        last_start = nearest_sample(end if cut is None else cut, limits.sfreq) - n_times
        while nearest_sample(onset + count * _stride(config), limits.sfreq) <= last_start:
            count += 1
    return count


@lru_cache(maxsize=KNOWN_LENGTHS)
def _count_samples(seconds: float, sfreq: Fraction) -> int:
    """Return the number of samples of a duration in s, at a rate in Hz."""
    return _round_half_up(_exact_seconds(seconds) * sfreq)


def _stride(config: WindowsConfig) -> float:
    """Return the interval between the onsets of consecutive windows in s."""
    return config.stride or config.duration


def _count_fitting(span: float, config: WindowsConfig) -> int:
    """Count the windows that fit into a span in s."""
    return max(0, math.floor((span - config.duration) / _stride(config) + TOLERANCE) + 1)


def _exact_seconds(seconds: float) -> Fraction:
    """Return the decimal fraction that a float approximates."""
    return Fraction(seconds).limit_denominator(MAX_DENOMINATOR)


def _round_half_up(value: Fraction) -> int:
    """Round to the nearest integer, a half upwards."""
    return math.floor(value + Fraction(1, 2))
