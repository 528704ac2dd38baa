"""Interval arithmetic against sets of quarter seconds."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.selection.interval import (
    Interval,
    contains,
    event_interval,
    intersect,
    join,
    overlaps_any,
    subtract,
)

INTERVALS = st.tuples(st.integers(0, 20), st.integers(1, 8)).map(
    lambda pair: Interval(pair[0], pair[0] + pair[1])
)


def seconds(*intervals):
    """Return the whole seconds that intervals cover."""
    return {second for start, stop in intervals for second in range(int(start), int(stop))}


@pytest.mark.parametrize(
    ("end", "rule", "stop"), [(5.0, "until", 5.0), (None, "process", math.inf), (None, "", 2.0)]
)
def test_an_event_without_a_rule_has_no_length_and_one_without_an_end_never_stops(end, rule, stop):
    assert event_interval(2.0, end, rule) == (2.0, stop)


@given(st.lists(INTERVALS).map(sorted))
def test_joined_intervals_cover_the_same_time_and_do_not_touch(intervals):
    joined = join(intervals)
    assert seconds(*joined) == seconds(*intervals)
    assert all(first.stop < second.start for first, second in itertools.pairwise(joined))


@given(INTERVALS, st.lists(INTERVALS))
def test_subtraction_leaves_exactly_the_time_outside_the_others(interval, others):
    assert seconds(*subtract(interval, others)) == seconds(interval) - seconds(*others)


@given(INTERVALS, st.lists(INTERVALS).map(sorted))
def test_intersection_leaves_exactly_the_time_inside_the_others(interval, others):
    disjoint = join(others)
    assert seconds(*intersect(interval, disjoint)) == seconds(interval) & seconds(*others)


@given(st.lists(INTERVALS).map(sorted), st.integers(0, 30))
def test_a_time_is_contained_from_a_start_to_before_a_stop(intervals, time):
    assert contains(join(intervals), time) == (time in seconds(*intervals))


@given(INTERVALS, st.lists(INTERVALS))
def test_intervals_overlap_if_they_share_time(interval, others):
    assert overlaps_any(interval, others) == bool(seconds(interval) & seconds(*others))


def test_a_subtracted_time_without_length_splits_an_interval_but_not_at_its_ends():
    times = [Interval(time, time) for time in (1, 3, 5)]
    assert list(subtract(Interval(1, 5), times)) == [(1, 3), (3, 5)]


@pytest.mark.parametrize(("time", "overlaps"), [(1, True), (4, True), (5, False), (0, False)])
def test_an_interval_without_length_overlaps_both_ends_of_another(time, overlaps):
    assert overlaps_any(Interval(time, time), [Interval(1, 4)]) == overlaps
