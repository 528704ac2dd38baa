"""Which excerpts of a recording its windows are cut from: arithmetic only.

Every recording goes this way, a short one as one piece. The pieces follow from the recording, the recipe and the windows alone, never from
the memory or the processes at hand, so that these cannot change a byte of a store.
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

EXCERPT_BYTES = 64_000_000  # of a piece as float64 without its margins; twice as much was no faster
LEAST_MARGINS = 8  # of a margin in a piece at least: at 16 kHz filtering takes half as long again as in one go, with 4 twice as long


@dataclass(frozen=True, slots=True)
class Excerpt:
    """One excerpt of a recording and the windows that are cut from it.

    Attributes
    ----------
    start, stop
        Samples of the recording.
    before
        Samples to put before ``start``, the signal mirrored; nonzero only where time jumps at ``start``.
    windows
        Number of each window among those planned, and its first sample within the piece at the rate of the store.
    """

    start: int
    stop: int
    before: int
    windows: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class ExcerptPlan:
    """The pieces of a recording in order of time, the windows there will be, and the others with the reason."""

    pieces: tuple[Excerpt, ...]
    kept: tuple[int, ...]
    dropped: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a window lies: its first sample at the rate of the store, and the samples of the recording it spans."""

    number: int
    row: int
    first: int
    stop: int


def plan_excerpts(
    planned: Sequence[Window],
    header: Header,
    reach: RecipeContext,
    *,
    ratio: Fraction,
    offset: int,
    n_times: int,
) -> ExcerptPlan:
    """Share the windows of a recording out over excerpts of bounded size.

    Windows go together where reading what lies between them costs no more than the margins of two excerpts. No excerpt crosses a place
    where time jumps, so that no filter does, unless a step of the recipe needs the recording whole.

    Parameters
    ----------
    ratio
        New over source rate, exact.
    offset, n_times
        Samples of the new rate from a window's anchor to its first, and in a window.
    """
    edges = [0, *([] if reach.whole else jumps(header)), header.n_times]
    places: dict[int, list[_Place]] = {}
    dropped = []
    for number, window in enumerate(planned):
        row = windows.position(window, ratio, offset)
        first, stop = math.floor(row / ratio), math.ceil((row + n_times - 1) / ratio) + 1
        i = min(
            max(1, bisect_right(edges, (first + stop) // 2)), len(edges) - 1
        )  # the stretch that its middle lies in
        low, high = edges[i - 1], edges[i]
        lowest, highest = max(0, math.floor(low * ratio) - 1), math.ceil(high * ratio)
        if lowest <= row and row + n_times <= highest:
            places.setdefault(i, []).append(_Place(number, row, max(first, low), min(stop, high)))
        else:
            dropped.append(
                (
                    number,
                    f"it needs samples {row} to {row + n_times} at the new rate, there are {lowest} to {highest}",
                )
            )
    margin = (
        header.n_times
        if math.isinf(reach.margin) or reach.whole
        else math.ceil(reach.margin * header.sfreq) + 1
    )
    pieces = [
        _piece(group, (edges[i - 1], edges[i]), margin, period=reach.period, ratio=ratio)
        for i in sorted(places)
        for group in _groups(
            sorted(places[i], key=lambda place: (place.first, place.number)),
            margin,
            len(header.ch_names),
        )
    ]
    kept = sorted(place.number for stretch in places.values() for place in stretch)
    return ExcerptPlan(tuple(pieces), tuple(kept), tuple(dropped))


def stretches(
    made: ExcerptPlan, blocks: Sequence[Block], *, sfreq: Fraction, n_times: int, end: int
) -> tuple[tuple[int, int], ...]:
    """What is selected of a recording that goes in one piece: its blocks and windows, overlaps joined, in samples of the store's rate.

    Parameters
    ----------
    sfreq, n_times, end
        That rate, samples of a window, and of the whole recording at it.
    """
    spans = [(start, start + n_times) for piece in made.pieces for _, start in piece.windows]
    spans += [
        (math.ceil(_exact(block.onset) * sfreq), math.floor(_exact(block.end) * sfreq))
        for block in blocks
        if block.end is not None
    ]
    found: list[tuple[int, int]] = []
    for start, stop in sorted((max(0, start), min(stop, end)) for start, stop in spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], stop))
        elif start < stop:
            found.append((start, stop))
    return tuple(found)


def _exact(seconds: float) -> Fraction:
    """The decimal fraction that a time of events.tsv stands for."""
    return Fraction(seconds).limit_denominator(1_000_000)


def jumps(header: Header) -> list[int]:
    """First sample after each place where time jumps; a boundary between two samples belongs to the second."""
    found = {math.ceil(place * header.sfreq - 1e-3) for place in header.boundaries}
    return sorted(sample for sample in found if 0 < sample < header.n_times)


def _groups(places: Sequence[_Place], margin: int, n_chans: int) -> Iterator[list[_Place]]:
    """Windows of one continuous stretch that go into one piece."""
    longest = max(EXCERPT_BYTES // (8 * n_chans), LEAST_MARGINS * margin)
    group: list[_Place] = []
    stop = 0
    for place in places:
        if group and (
            place.first - stop > 2 * margin or max(stop, place.stop) - group[0].first > longest
        ):
            yield group
            group, stop = [], 0
        group.append(place)
        stop = max(stop, place.stop)
    if group:
        yield group


def _piece(
    group: Sequence[_Place], stretch: tuple[int, int], margin: int, *, period: int, ratio: Fraction
) -> Excerpt:
    """The excerpt that gets a group of windows right; as long inside a stretch as at its ends, where MNE would warn of a short signal."""
    low, high = stretch
    first, stop = group[0].first, max(place.stop for place in group)
    start, end = first - margin, stop + margin
    start, end = start - max(0, end - high), end + max(0, low - start)
    start, end = max(low, start // period * period), min(high, end)
    before = 0
    if start == low and low and (period > 1 or min(place.row for place in group) < low * ratio):
        # an edge where rates share no sample, or that a window begins half a sample before: decide what comes before it
        wanted = max(margin if margin < high - low else 0, math.ceil(2 / ratio))
        before = low - max(0, (low - wanted) // period * period)
    origin = (start - before) // period * (period * ratio)
    return Excerpt(
        start, end, before, tuple((place.number, int(place.row - origin)) for place in group)
    )
