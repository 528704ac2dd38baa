"""Intervals on a recording's clock: join, intersect, subtract and look up.

HED describes time by intervals: a process lasts from its Onset to its Offset or for its Duration.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple


class Interval(NamedTuple):
    """The time from ``start`` (included) to ``stop`` (excluded)."""

    start: float  # s
    stop: float  # s; inf if nothing ends it


def event_interval(onset: float, end: float | None, end_rule: str) -> Interval:
    """Return the interval of an event.

    Parameters
    ----------
    onset, end
        In s. An ``end`` of None is infinite: nothing in the annotations ends the event.
    end_rule
        As in `Event`; an event without a rule has no length.

    Examples
    --------
    >>> event_interval(2.0, None, "process"), event_interval(2.0, None, "")
    (Interval(start=2.0, stop=inf), Interval(start=2.0, stop=2.0))
    """
    if not end_rule:
        return Interval(onset, onset)
    return Interval(onset, math.inf if end is None else end)


def join(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Join intervals that overlap or touch.

    Parameters
    ----------
    intervals
        Sorted by start.

    Examples
    --------
    >>> [tuple(interval) for interval in join([Interval(0, 2), Interval(2, 3), Interval(5, 6)])]
    [(0, 3), (5, 6)]
    """
    joined: list[Interval] = []
    for interval in intervals:
        if joined and interval.start <= joined[-1].stop:
            joined[-1] = Interval(joined[-1].start, max(joined[-1].stop, interval.stop))
        else:
            joined.append(interval)
    return tuple(joined)


def intersect(interval: Interval, others: Iterable[Interval]) -> Iterator[Interval]:
    """Yield the parts of an interval that lie in disjoint others, in their order."""
    for other in others:
        start = max(interval.start, other.start)
        stop = min(interval.stop, other.stop)
        if stop > start:
            yield Interval(start, stop)


def subtract(interval: Interval, others: Iterable[Interval]) -> Iterator[Interval]:
    """Yield the parts of an interval outside others, in order.

    Another interval without length splits the interval at its start.
    """
    start, stop = interval
    for other in sorted(others):
        is_outside = other.stop < start or other.start >= stop
        if is_outside or other.start == other.stop == start:
            continue
        if other.start > start:
            yield Interval(start, other.start)
        start = max(start, other.stop)
    if stop > start:
        yield Interval(start, stop)


def contains(intervals: Sequence[Interval], time: float) -> bool:
    """Return whether one of some disjoint intervals, sorted by start, contains a time in s."""
    index = bisect_right(intervals, Interval(time, math.inf)) - 1
    return index >= 0 and time < intervals[index].stop


def overlaps_any(interval: Interval, others: Iterable[Interval]) -> bool:
    """Return whether an interval overlaps any other.

    For an interval without length, both ends of the others are included.
    """
    start, stop = interval
    if stop <= start:
        return any(other.start <= start <= other.stop for other in others)
    return any(start < other.stop and other.start < stop for other in others)
