"""Plan of sliding and event-locked windows, and their positions before and after resampling."""

from __future__ import annotations

import doctest
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.config.stages import WindowsConfig
from bids_dl.datamodel import Block, Event, Window
from bids_dl.errors import WindowError
from bids_dl.windows import (
    RecordingLimits,
    count_windows,
    event_locked_windows,
    plan_windows,
    positions,
    resampled_start,
    sliding_windows,
    window_length,
    window_offset,
    window_plan,
    window_sequence,
)

KEY = "ds/sub-1/eeg/sub-1_eeg"
RATES = st.sampled_from([100, 128, 160, 200, 250, 256, 500, 512, 1000, 1024, 2048])


def make_block(onset: float, end: float | None, *, index: int = 0) -> Block:
    return Block(KEY, index, "rest", onset, end)


def make_event(onset: float, end: float | None = None) -> Event:
    return Event(KEY, 0, onset, end, "", "rest")


def test_the_examples_of_the_docstrings_are_right():
    for module in (positions, window_plan, window_sequence):
        assert doctest.testmod(module).failed == 0


def test_a_minute_holds_thirty_windows_of_two_seconds():
    tiles = sliding_windows(
        [make_block(0.0, 61.0)],
        WindowsConfig(window=2.0, stride=2.0),
        RecordingLimits(160.0, 9760),
    )
    assert [window.onset for window in tiles] == [2.0 * i for i in range(30)]
    assert [window.start for window in tiles] == [320 * i for i in range(30)]


def test_windows_do_not_overlap_without_a_stride():
    tiles = sliding_windows(
        [make_block(0.0, 10.0)], WindowsConfig(window=2.5), RecordingLimits(100.0, 1000)
    )
    assert [window.onset for window in tiles] == [0.0, 2.5, 5.0, 7.5]


def test_a_block_shorter_than_a_window_is_reported_with_both_lengths():
    config = WindowsConfig(window=2.0)
    plan = plan_windows([make_event(1.0, 2.5)], [make_block(1.0, 2.5)], config, {})
    assert not plan.windows
    assert (plan.dropped[0].kind, plan.dropped[0].option) == ("block", "window")
    assert "lasts 1.500 s, a window 2 s" in plan.dropped[0].reason


def test_a_block_without_a_known_end_is_counted_as_open():
    config = WindowsConfig(window=2.0)
    plan = plan_windows([make_event(1.0)], [make_block(1.0, None)], config, {})
    assert plan.open == {"rest": 1}


def test_sliding_windows_are_refused_in_a_block_without_a_known_end():
    with pytest.raises(WindowError, match=r"the block at 1\.000 s has no known end"):
        sliding_windows([make_block(1.0, None)], WindowsConfig(window=2.0), RecordingLimits())


def test_an_event_locked_window_that_leaves_the_recording_is_dropped_with_the_reason():
    events = [make_event(0.2), make_event(5.0), make_event(9.5)]
    blocks = [make_block(event.onset, None, index=i) for i, event in enumerate(events)]
    limits = {KEY: RecordingLimits(100.0, 1000)}
    plan = plan_windows(events, blocks, WindowsConfig(tmin=-0.5, tmax=1.0), limits)
    assert [window.onset for window in plan.windows] == [4.5]
    assert [(dropped.kind, dropped.option, dropped.reason) for dropped in plan.dropped] == [
        ("window", "recording", "it begins 0.300 s before the recording"),
        ("window", "recording", "it ends at 10.500 s, the recording at 10.000 s"),
    ]


def test_no_window_crosses_a_boundary():
    limits = {KEY: RecordingLimits(100.0, 1000, boundaries=(4.0, 7.5))}
    config = WindowsConfig(window=2.0)
    plan = plan_windows([make_event(0.0, 10.0)], [make_block(0.0, 10.0)], config, limits)
    assert [window.onset for window in plan.windows] == [0.0, 2.0, 4.0, 8.0]
    assert plan.dropped[0].option == "boundary"
    assert "not continuous at 7.500 s" in plan.dropped[0].reason


@pytest.mark.parametrize("onset", [4.004, 3.9961])
def test_a_window_is_compared_with_boundaries_by_its_samples(onset):
    limits = {KEY: RecordingLimits(100.0, 1000, boundaries=(3.0, 4.0, 5.0))}
    events = [make_event(onset)]
    plan = plan_windows(events, [make_block(onset, onset)], WindowsConfig(tmin=-1, tmax=1), limits)
    assert plan.dropped[0].reason == "the signal is not continuous at 4.000 s"
    plan = plan_windows(events, [make_block(onset, onset)], WindowsConfig(tmin=0, tmax=1), limits)
    assert [window.start for window in plan.windows] == [400]


@pytest.mark.parametrize(
    ("end", "n_windows"), [(1.9961, 2), (1.9980, 2), (1.99755, 2), (1.9967, 1), (2.001, 2)]
)
def test_a_block_may_end_as_early_as_the_row_of_a_boundary(end, n_windows):
    sfreq = 128.0 if end == 1.9961 else 256.0
    limits = {KEY: RecordingLimits(sfreq, 2560, boundaries=(2.0,))}
    plan = plan_windows([make_event(0.0)], [make_block(0.0, end)], WindowsConfig(window=1), limits)
    assert [window.onset for window in plan.windows] == [0.0, 1.0][:n_windows]


def test_an_excluded_row_of_a_boundary_leaves_the_windows_beside_it():
    excluded = {"rest": ((1.9980, 1.9980), (3.5, 3.5))}
    limits = {KEY: RecordingLimits(256.0, 2560, boundaries=(2.0,), excluded=excluded)}
    config = WindowsConfig(window=1)
    plan = plan_windows([make_event(0.0)], [make_block(0.0, 5.0)], config, limits)
    assert [window.onset for window in plan.windows] == [0.0, 1.0, 2.0, 4.0]


def test_a_window_that_begins_less_than_half_a_sample_early_is_in_the_recording():
    limits = {KEY: RecordingLimits(100.0, 1000)}
    events = [make_event(0.9961), make_event(0.994)]
    blocks = [make_block(event.onset, event.onset, index=i) for i, event in enumerate(events)]
    plan = plan_windows(events, blocks, WindowsConfig(tmin=-1, tmax=1), limits)
    assert [window.start for window in plan.windows] == [0]
    assert plan.dropped[0].reason == "it begins 0.006 s before the recording"


@pytest.mark.parametrize(
    ("interval", "is_kept"),
    [
        ((4.996, 8.0), True),
        ((1.0, 4.004), True),
        ((4.994, 8.0), False),
        ((1.0, 4.006), False),
        ((4.996, 4.998), False),  # shorter than a sample, but inside
        ((4.0, 4.001), False),
        ((2.0, 3.0), True),
    ],
)
def test_an_overlap_of_less_than_half_a_sample_is_rounding(interval, is_kept):
    excluded = {"rest": ((0.0, 0.5), interval, (9.0, 9.5))}
    limits = {KEY: RecordingLimits(100.0, 1000, excluded=excluded)}
    events = [make_event(4.0)]
    plan = plan_windows(events, [make_block(4.0, 4.0)], WindowsConfig(tmin=0, tmax=1), limits)
    assert bool(plan.windows) == is_kept


@pytest.mark.parametrize(
    ("interval", "remaining"),
    [
        ((4.4, 4.6), [1.0]),
        ((4.4, 4.4), [1.0]),
        ((3.0, 4.0), [1.0, 4.0]),
        ((2.0, 2.0), [1.0, 4.0]),
        ((0.0, float("inf")), []),
    ],
)
def test_an_event_locked_window_that_overlaps_an_excluded_interval_is_dropped(interval, remaining):
    events = [make_event(1.0), make_event(4.0)]
    blocks = [make_block(event.onset, event.onset, index=i) for i, event in enumerate(events)]
    limits = {KEY: RecordingLimits(100.0, 1000, excluded={"rest": (interval,)})}
    plan = plan_windows(events, blocks, WindowsConfig(tmin=0, tmax=1), limits)
    assert [window.onset for window in plan.windows] == remaining
    assert [dropped.option for dropped in plan.dropped] == ["exclude"] * (2 - len(remaining))


@given(
    onset=st.floats(0, 100),
    span=st.floats(0, 100),
    size=st.floats(0.1, 10),
    stride=st.floats(0.05, 10),
    sfreq=RATES,
)
def test_windows_are_inside_their_block_one_stride_apart_and_no_more_would_fit(
    onset, span, size, stride, sfreq
):
    end = onset + span
    block = make_block(onset, end)
    config = WindowsConfig(window=size, stride=stride)
    tiles = sliding_windows([block], config, RecordingLimits(float(sfreq), 300 * sfreq))
    sample = 1 / sfreq  # of rounding: half of the end, and half of the length of a window
    assert all(onset <= window.onset and window.onset + size <= end + sample for window in tiles)
    assert all(window.start == int(window.onset * sfreq + 0.5) for window in tiles)
    following = onset + len(tiles) * stride
    assert following + size > end - 1e-4
    by_time = sliding_windows([block], config, RecordingLimits())
    assert count_windows([block], config) == len(by_time) <= len(tiles)
    assert all(window.onset + size <= end + 1e-4 for window in by_time)


def test_a_block_without_a_known_end_counts_one_event_locked_and_no_sliding_window():
    blocks = [make_block(1.0, None)]
    assert count_windows(blocks, WindowsConfig(window=2.0)) == 0
    assert count_windows(blocks, WindowsConfig(tmin=0, tmax=1)) == 1


@given(sample=st.integers(0, 10_000_000), old=RATES, new=RATES)
def test_an_event_moves_to_the_nearest_resampled_sample(sample, old, new):
    ratio = Fraction(new, old)
    window = Window("r", 0, 0.0, sample, sample, "rest")
    assert abs(resampled_start(window, ratio, 0) - sample * ratio) <= Fraction(1, 2)


@given(tmin=st.integers(-2000, 2000), old=RATES, new=RATES, sample=st.integers(0, 1_000_000))
def test_an_event_has_the_same_position_in_every_window_whatever_the_rate_of_its_recording(
    tmin, old, new, sample
):
    config = WindowsConfig(tmin=tmin / 1000, tmax=3.0)
    limits = RecordingLimits(float(old))
    event = make_event(sample / old)
    [window] = event_locked_windows([event], [make_block(event.onset, None)], config, limits)
    offset = window_offset(config, Fraction(new))
    assert abs(offset - Fraction(tmin * new, 1000)) <= Fraction(1, 2)
    ratio = Fraction(new, old)
    assert resampled_start(window, ratio, offset) - resampled_start(window, ratio, 0) == offset
    assert window.anchor == sample


def test_the_anchor_of_an_event_locked_window_is_its_event():
    config = WindowsConfig(tmin=-0.5, tmax=0.5)
    events = [make_event(4.2)] * 4
    blocks = [make_block(4.2, None, index=3)]
    [window] = event_locked_windows(events, blocks, config, RecordingLimits(160.0, 9760))
    assert (window.anchor, window.start, window.block) == (672, 592, 3)
    assert window.onset == pytest.approx(3.7)


@pytest.mark.parametrize(
    ("size", "sfreq", "n_times"),
    [(2.0, Fraction(128), 256), (0.1, Fraction(1000, 3), 33), (30.0, Fraction(100), 3000)],
)
def test_windows_have_one_length_at_a_rate(size, sfreq, n_times):
    assert window_length(WindowsConfig(window=size), sfreq) == n_times


def test_a_window_without_a_sample_is_refused():
    with pytest.raises(WindowError, match=r"0\.001 s has no sample at 100 Hz"):
        window_length(WindowsConfig(window=0.001), Fraction(100))
