"""Windows inside blocks or around events: addresses only; nothing here reads a signal."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from bids_dl.config.stages import WindowsConfig
from bids_dl.datamodel import Block, Dropped, Event, Window, exact_rate
from bids_dl.errors import WindowError

TOLERANCE = 1e-6  # s or windows; onsets in events.tsv are decimal fractions


@dataclass(frozen=True, slots=True)
class RecordingLimits:
    """What limits the windows of a recording, as far as known."""

    sfreq: float | None = None  # Hz
    n_times: int | None = None  # samples
    boundaries: tuple[float, ...] = ()  # s: where time jumps
    excluded: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    """By label: disjoint stretches (onset, end) in s, in order of time; a moment has one twice."""

    @property
    def end(self) -> float:
        """Length in s; infinite where unknown."""
        return self.n_times / self.sfreq if self.sfreq and self.n_times is not None else math.inf


@dataclass(frozen=True, slots=True)
class Cut:
    """The windows of a plan and what became of the rest."""

    windows: tuple[Window, ...]
    dropped: tuple[Dropped, ...]  # windows that cannot be cut, and blocks too short for any
    open: Mapping[str, int]  # label -> blocks whose end nobody knows yet


def count(blocks: Iterable[Block], config: WindowsConfig) -> int:
    """How many windows some blocks give, before any is looked at."""
    if not config.sliding:
        return sum(1 for _ in blocks)
    return sum(
        _fitting(block.end - block.onset, config) for block in blocks if block.end is not None
    )


def cut(
    events: Sequence[Event],
    blocks: Iterable[Block],
    config: WindowsConfig,
    extents: Mapping[str, RecordingLimits],
) -> Cut:
    """All windows of the blocks (sliding) or of the events (event-locked), in the order of the events.

    Parameters
    ----------
    blocks
        What is left of the events after trimming; `Block.index` points into ``events``.
    extents
        Rate and length of each recording, by key.
    """
    windows: list[Window] = []
    dropped: list[Dropped] = []
    still_open: Counter[str] = Counter()
    for block in blocks:
        event, extent = events[block.index], extents.get(block.recording, RecordingLimits())
        if config.sliding and block.end is None:
            still_open[block.label] += 1
            continue
        found = (
            slide(block, config, extent)
            if config.sliding
            else [lock(event, block.index, config, extent)]
        )
        for window in found:
            if problem := _unusable(window, config, extent):
                dropped.append(
                    Dropped(
                        event.recording, event.row, window.onset, event.label, "window", *problem
                    )
                )
            else:
                windows.append(window)
        if not found and block.end is not None:
            reason = (
                f"the block lasts {block.end - block.onset:.3f} s, a window {config.duration:g} s"
            )
            dropped.append(
                Dropped(
                    event.recording, event.row, block.onset, event.label, "block", "window", reason
                )
            )
    return Cut(tuple(windows), tuple(dropped), dict(still_open))


def slide(block: Block, config: WindowsConfig, extent: RecordingLimits) -> list[Window]:
    """Tile a block with windows of equal size; one that would leave the block is left out, not padded.

    Raises
    ------
    WindowError
        The block has no known end.
    """
    if block.end is None:
        raise WindowError(
            f"{block.recording}: the block at {block.onset:.3f} s has no end; windows cannot slide in it"
        )
    stride = config.stride or config.duration
    found = []
    for i in range(_fitting(block.end - block.onset, config)):
        onset = block.onset + i * stride
        start = _sample(onset, extent)
        found.append(Window(block.recording, block.index, onset, start, start, block.label))
    return found


def _fitting(span: float, config: WindowsConfig) -> int:
    """How many windows fit in a span in s."""
    return max(
        0, math.floor((span - config.duration) / (config.stride or config.duration) + TOLERANCE) + 1
    )


def lock(event: Event, index: int, config: WindowsConfig, extent: RecordingLimits) -> Window:
    """The window from ``tmin`` to ``tmax`` around an event; the event's sample is the anchor."""
    tmin = config.tmin or 0.0
    anchor = _sample(event.onset, extent)
    return Window(
        event.recording,
        index,
        event.onset + tmin,
        anchor + _sample(tmin, extent),
        anchor,
        event.label,
    )


def position(window: Window, ratio: Fraction, offset: int) -> int:
    """First sample of a window after resampling by an exact ratio of rates (new over source).

    The anchor goes to the new sample nearest to it (a half goes up), and every window begins ``offset`` samples from there, so what lies
    on an event lies in the same sample of every window, whatever rate its recording had.
    """
    return _half_up(window.anchor * ratio) + offset


def offset(config: WindowsConfig, sfreq: Fraction) -> int:
    """Samples at a rate in Hz from the anchor of a window to its first: ``tmin``, or 0 for sliding windows."""
    return _half_up(_seconds(config.tmin or 0.0) * sfreq)


def _seconds(span: float) -> Fraction:
    """The decimal fraction that a float stands for."""
    return Fraction(span).limit_denominator(1_000_000)


def _half_up(x: Fraction) -> int:
    return math.floor(x + Fraction(1, 2))


def length(config: WindowsConfig, sfreq: Fraction) -> int:
    """Samples of a window at a rate in Hz."""
    n_times = _half_up(_seconds(config.duration) * sfreq)
    if n_times < 1:
        raise WindowError(
            f"a window of {config.duration:g} s has no sample at {float(sfreq):g} Hz; ask for a longer one"
        )
    return n_times


def _sample(onset: float, extent: RecordingLimits) -> int:
    """Sample nearest to a time at the source rate; 0 where the rate is unknown (a dry run on text files)."""
    return math.floor(onset * extent.sfreq + 0.5) if extent.sfreq else 0


def _unusable(
    window: Window, config: WindowsConfig, extent: RecordingLimits
) -> tuple[str, str] | None:
    """Cause and reason why a window cannot be cut: it leaves its recording, time jumps in it, it overlaps what is excluded."""
    if window.onset < -TOLERANCE:
        return "recording", f"it begins {-window.onset:.3f} s before the recording"
    if extent.sfreq and extent.n_times is not None:
        stop = window.start + length(config, exact_rate(extent.sfreq))
        if stop > extent.n_times:
            return (
                "recording",
                f"it ends at {stop / extent.sfreq:.3f} s, the recording at {extent.end:.3f} s",
            )
    first, last = window.onset + TOLERANCE, window.onset + config.duration - TOLERANCE
    if jumps := [place for place in extent.boundaries if first < place < last]:
        return "boundary", f"the signal is not continuous at {jumps[0]:.3f} s"
    excluded = extent.excluded.get(window.label, ())
    before = bisect_left(
        excluded, last, key=lambda stretch: stretch[0]
    )  # of disjoint stretches only the last of these can reach it
    if before and (excluded[before - 1][1] > first or excluded[before - 1][0] > first):
        return "exclude", f"it overlaps what is excluded at {excluded[before - 1][0]:.3f} s"
    return None
