from __future__ import annotations

import doctest

import numpy as np
import pytest
from fold_tables import recording_table, request_all
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_dl.errors import TargetError
from bids_dl.training.folds import timeline as timelines
from bids_dl.training.folds.timeline import (
    MICROSECOND,
    WindowTimeline,
    find_last_part,
    find_near,
    read_timeline,
)


def make_timeline(groups, blocks, starts, *, recordings=None, window=2):
    codes = [np.array(values, np.int64) for values in (recordings or groups, blocks, groups)]
    return WindowTimeline(*codes, np.array(starts, np.int64), window)


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(timelines).failed == 0


@pytest.mark.parametrize(
    ("blocks", "n_last"),
    [
        ([0] * 8, 2),
        ([0] * 4 + [1] * 4, 4),
        ([0, 0, 1, 1, 1, 1, 2, 2], 2),
        ([0] + [1] * 7, 7),
        ([0] * 5 + [1] * 3, 3),
    ],
)
def test_the_last_part_begins_at_the_nearest_boundary_of_blocks(blocks, n_last):
    timeline = make_timeline([0] * 8, blocks, range(8))
    last = find_last_part(timeline, np.ones(8, bool), 0.25)
    assert last.tolist() == [False] * (8 - n_last) + [True] * n_last


def test_a_single_window_has_no_last_part():
    timeline = make_timeline([0, 1, 1], [0, 1, 1], [0, 0, 5])
    assert find_last_part(timeline, np.ones(3, bool), 0.25).tolist() == [False, False, True]


def test_blocks_of_a_recording_are_ordered_by_their_first_onset_not_by_their_number():
    timeline = make_timeline([0] * 4, [7, 7, 3, 3], [10, 12, 0, 2])
    assert find_last_part(timeline, np.ones(4, bool), 0.5).tolist() == [True, True, False, False]


@settings(max_examples=80)
@given(
    windows=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 40)),
        min_size=1,
        max_size=40,
        unique=True,
    ),
    data=st.data(),
)
def test_no_group_is_divided_within_a_block_unless_it_is_the_only_one(windows, data):
    groups, blocks, starts = zip(*windows, strict=True)
    among = np.array(
        data.draw(st.lists(st.booleans(), min_size=len(windows), max_size=len(windows)))
    )
    timeline = make_timeline(
        groups, [10 * g + b for g, b in zip(groups, blocks, strict=True)], starts
    )
    last = find_last_part(timeline, among, 0.25)
    assert not (last & ~among).any()
    for group in set(groups):
        members = among & (timeline.groups == group)
        chosen = members & last
        if members.sum() > 1:
            assert 0 < chosen.sum() < members.sum() or len(set(timeline.blocks[members])) > 1
        if len(set(timeline.blocks[members])) == 1 and chosen.any():
            assert timeline.starts[chosen].min() >= timeline.starts[members & ~last].max()
        if len(set(timeline.blocks[members])) > 1:
            assert chosen.any()
            assert not set(timeline.blocks[chosen]) & set(timeline.blocks[members & ~last])


@settings(max_examples=80)
@given(
    windows=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 30), st.booleans()), min_size=1, max_size=30
    ),
    gap=st.sampled_from([0, 1, 2, 7, 1000, 1e300]),
)
def test_windows_closer_than_the_gap_are_near(windows, gap):
    recordings, starts, is_other = zip(*windows, strict=True)
    others = np.array(is_other)
    seconds = [start * MICROSECOND for start in starts]
    timeline = make_timeline(recordings, recordings, seconds, window=3 * MICROSECOND)
    near = find_near(timeline, ~others, others, gap)
    for i in np.flatnonzero(~others):
        distances = [
            abs(starts[i] - starts[j]) - 3
            for j in np.flatnonzero(others)
            if recordings[i] == recordings[j]
        ]
        assert near[i] == any(distance < gap for distance in distances)
    assert not near[others].any()


def test_onsets_that_are_no_whole_microseconds_touch_without_overlap():
    count = 500
    onsets = np.arange(count) / 3
    table = recording_table([("01", "1", "1")], n_blocks=count // 5).assign(onset=onsets)
    timeline = read_timeline(request_all(table, window_seconds=1 / 3), "--folds time")
    test = np.arange(count) >= count // 2
    assert not find_near(timeline, ~test, test, 0.0).any()
    assert find_near(timeline, ~test, test, 1 / 3).sum() == 1
    assert find_near(timeline, ~test, test, 0.34).sum() == 2


def test_a_recording_with_a_block_of_two_classes_is_one_group():
    table = recording_table([("01", "1", "1"), ("02", "1", "1")], n_blocks=4, block_windows=2)
    table.loc[0, "label"] = "move"
    timeline = read_timeline(request_all(table), "--folds time")
    assert len(set(timeline.groups[:8])) == 1
    assert len(set(timeline.groups[8:])) == 2


def test_a_window_without_onset_is_refused():
    table = recording_table([("01", "1", "1")])
    table.loc[3, "onset"] = np.nan
    with pytest.raises(TargetError, match="sub-01_ses-1_run-1: a window has no onset, which --fo"):
        read_timeline(request_all(table), "--folds time")
