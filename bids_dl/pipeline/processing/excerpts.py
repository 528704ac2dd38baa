"""The excerpts of a recording that its windows are cut from: arithmetic only.

Every recording is processed in excerpts, a short one as a single excerpt. The excerpts depend on
the recording, the recipe and the windows only, never on memory or the number of processes, so
that these cannot change a byte of a store.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from bids_dl import windows
from bids_dl.datamodel import Block, Header, Window
from bids_dl.preprocess import RecipeContext

EXCERPT_BYTES = 64_000_000  # float64 samples without margins; twice as much was no faster
MIN_MARGINS = 8  # an excerpt is at least as long as 8 margins: at 16 kHz, filtering then takes
# 1.5 times as long as in one excerpt, and twice that with 4


@dataclass(frozen=True, slots=True)
class Excerpt:
    """One excerpt of a recording and the windows that are cut from it.

    Attributes
    ----------
    start, stop
        First sample of the recording and the sample after the last.
    before
        Mirrored samples to prepend at ``start``. Nonzero only where time jumps at ``start``.
    windows
        Number of each window among the planned ones, and its first sample within the excerpt at
        the rate of the store.
    """

    start: int
    stop: int
    before: int
    windows: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class ExcerptPlan:
    """The excerpts of a recording in order of time, and what becomes of its windows.

    Attributes
    ----------
    kept
        Numbers of the windows that the excerpts give, sorted.
    dropped
        Number and reason of the other windows.
    """

    excerpts: tuple[Excerpt, ...]
    kept: tuple[int, ...]
    dropped: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class _WindowSpan:
    """A window: its first sample at the rate of the store, and its samples of the recording."""

    number: int
    row: int
    first: int
    stop: int


@dataclass(frozen=True, slots=True)
class _Geometry:
    """Sizes that the excerpts of one recording share.

    Attributes
    ----------
    margin
        Samples of the recording that the recipe needs on either side of a window.
    period
        An excerpt begins at a multiple of this number of samples, where all rates share a sample.
    max_length
        Samples of the recording that an excerpt spans at most, without margins.
    ratio
        Rate of the store over rate of the recording, exact.
    """

    margin: int
    period: int
    max_length: int
    ratio: Fraction


def plan_excerpts(
    planned: Sequence[Window],
    header: Header,
    context: RecipeContext,
    *,
    ratio: Fraction,
    offset: int,
    n_times: int,
) -> ExcerptPlan:
    """Distribute the windows of a recording over excerpts of bounded size.

    Neighbouring windows share an excerpt if reading the samples between them costs no more than
    the margins of two excerpts. No excerpt crosses a point where time jumps, so that no filter
    does, unless a step of the recipe needs the whole recording.

    Parameters
    ----------
    planned
        Windows of the recording.
    header
        Rate, length and boundaries of the recording.
    context
        Samples that the recipe needs around a window.
    ratio
        Rate of the store over rate of the recording, exact.
    offset, n_times
        Samples at the rate of the store from a window's anchor to its first sample, and in a
        window.
    """
    edges = [0, header.n_times] if context.needs_whole else [0, *find_jumps(header), header.n_times]
    spans: dict[int, list[_WindowSpan]] = {}  # by number of the continuous segment
    dropped: list[tuple[int, str]] = []
    for number, window in enumerate(planned):
        row = windows.resampled_start(window, ratio, offset)
        first = math.floor(row / ratio)
        stop = math.ceil((row + n_times - 1) / ratio) + 1
        segment = bisect_right(edges, (first + stop) // 2)  # the one that holds the middle
        segment = min(max(1, segment), len(edges) - 1)
        low, high = edges[segment - 1], edges[segment]
        row_min = max(0, math.floor(low * ratio) - 1)
        row_max = math.ceil(high * ratio)
        if row_min <= row and row + n_times <= row_max:
            span = _WindowSpan(number, row, max(first, low), min(stop, high))
            spans.setdefault(segment, []).append(span)
        else:
            reason = (
                f"it needs samples {row} to {row + n_times} at the new rate, "
                f"there are {row_min} to {row_max}"
            )
            dropped.append((number, reason))
    geometry = _geometry(header, context, ratio)
    excerpts: list[Excerpt] = []
    for segment in sorted(spans):
        limits = edges[segment - 1], edges[segment]
        ordered = sorted(spans[segment], key=lambda span: (span.first, span.number))
        groups = _group_spans(ordered, geometry)
        excerpts += [_excerpt_of_group(group, limits, geometry) for group in groups]
    kept = sorted(number for excerpt in excerpts for number, _ in excerpt.windows)
    return ExcerptPlan(tuple(excerpts), tuple(kept), tuple(dropped))


def select_intervals(
    plan: ExcerptPlan, blocks: Sequence[Block], *, sfreq: Fraction, n_times: int, end: int
) -> tuple[tuple[int, int], ...]:
    """Compute the selected intervals of a recording that is processed in one excerpt.

    An interval covers blocks and windows; those that overlap are joined.

    Parameters
    ----------
    plan
        The excerpt of the recording, which starts at its first sample.
    blocks
        Selected blocks of the recording. A block without a known end is ignored.
    sfreq
        Rate of the store in Hz.
    n_times, end
        Samples of a window and of the whole recording, at that rate.

    Returns
    -------
    tuple of (start, stop)
        Disjoint intervals in samples at the rate of the store, sorted; ``stop`` is exclusive.
    """
    intervals = []
    for excerpt in plan.excerpts:
        intervals += [(start, start + n_times) for _, start in excerpt.windows]
    for block in blocks:
        if block.end is not None:
            start = math.ceil(_exact_seconds(block.onset) * sfreq)
            intervals.append((start, math.floor(_exact_seconds(block.end) * sfreq)))
    clipped = sorted((max(0, start), min(stop, end)) for start, stop in intervals)
    joined: list[tuple[int, int]] = []
    for start, stop in clipped:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], stop))
        elif start < stop:
            joined.append((start, stop))
    return tuple(joined)


def _exact_seconds(seconds: float) -> Fraction:
    """Return the decimal fraction that a time of events.tsv stands for."""
    return Fraction(seconds).limit_denominator(1_000_000)


def find_jumps(header: Header) -> list[int]:
    """Find the first sample after each jump in time.

    A boundary between two samples belongs to the second.

    Examples
    --------
    >>> find_jumps(Header(100.0, 1000, ("Cz",), ("eeg",), boundaries=(2.0, 3.333)))
    [200, 334]
    """
    samples = {math.ceil(boundary * header.sfreq - 1e-3) for boundary in header.boundaries}
    return sorted(sample for sample in samples if 0 < sample < header.n_times)


def _geometry(header: Header, context: RecipeContext, ratio: Fraction) -> _Geometry:
    if context.needs_whole or math.isinf(context.margin):
        margin = header.n_times
    else:
        margin = math.ceil(context.margin * header.sfreq) + 1
    max_length = max(EXCERPT_BYTES // (8 * len(header.ch_names)), MIN_MARGINS * margin)
    return _Geometry(margin, context.period, max_length, ratio)


def _group_spans(spans: Sequence[_WindowSpan], geometry: _Geometry) -> Iterator[list[_WindowSpan]]:
    """Group the sorted windows of a continuous segment by excerpt."""
    group: list[_WindowSpan] = []
    stop = 0
    for span in spans:
        is_far = span.first - stop > 2 * geometry.margin
        is_long = bool(group) and max(stop, span.stop) - group[0].first > geometry.max_length
        if group and (is_far or is_long):
            yield group
            group = []
            stop = 0
        group.append(span)
        stop = max(stop, span.stop)
    if group:
        yield group


def _excerpt_of_group(
    group: Sequence[_WindowSpan], segment: tuple[int, int], geometry: _Geometry
) -> Excerpt:
    """Compute the excerpt that a group of windows needs.

    At the edges of a segment an excerpt is as long as inside it, because MNE warns if a signal is
    shorter than its filter.
    """
    low, high = segment
    margin, period, ratio = geometry.margin, geometry.period, geometry.ratio
    start = group[0].first - margin
    stop = max(span.stop for span in group) + margin
    overhang_left = max(0, low - start)
    overhang_right = max(0, stop - high)
    start = start - overhang_right
    stop = stop + overhang_left
    start = max(low, start // period * period)
    stop = min(high, stop)
    before = 0
    first_row = min(span.row for span in group)
    if start == low and low and (period > 1 or first_row < low * ratio):
        # The rates share no sample with this edge, or a window begins half a sample before it, so
        # that samples before the edge must be defined. They are mirrored.
        n_mirrored = max(margin if margin < high - low else 0, math.ceil(2 / ratio))
        before = low - max(0, (low - n_mirrored) // period * period)
    origin = (start - before) // period * (period * ratio)
    windows_of_group = tuple((span.number, int(span.row - origin)) for span in group)
    return Excerpt(start, stop, before, windows_of_group)
