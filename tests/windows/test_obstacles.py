"""The windows that may be impossible are found at once; only these are examined one by one."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bids_dl.config.stages import WindowsConfig
from bids_dl.datamodel import Block, Event
from bids_dl.windows import RecordingLimits, event_locked_windows, plan_windows, sliding_windows
from bids_dl.windows.obstacles import find_problem, find_suspects

KEY = "ds/sub-1/eeg/sub-1_eeg"
TIMES = st.one_of(st.integers(-8, 80).map(lambda eighth: eighth / 8), st.floats(-1, 10))


@st.composite
def limits_of_a_recording(draw):
    sfreq = draw(st.sampled_from([None, 8.0, 100.0, 128.0, 333.3333333]))
    points = sorted(draw(st.sets(st.integers(0, 40), max_size=8)))
    excluded = []
    for start, stop in zip(points[::2], points[1::2], strict=False):
        excluded.append((start / 4, draw(st.sampled_from([start, stop])) / 4))
    n_times = draw(st.none() | st.integers(0, 1500)) if sfreq else None
    boundaries = tuple(sorted(draw(st.sets(TIMES, max_size=4))))
    return RecordingLimits(sfreq, n_times, boundaries, {"rest": excluded})


@st.composite
def windows_of_a_recording(draw):
    limits = draw(limits_of_a_recording())
    onsets = draw(st.lists(TIMES, min_size=1, max_size=5))
    events = [Event(KEY, i, onset, None, "", "rest") for i, onset in enumerate(onsets)]
    if draw(st.booleans()):
        config = WindowsConfig(tmin=draw(TIMES) - 4, tmax=10.0)
        blocks = [Block(KEY, i, "rest", onset, None) for i, onset in enumerate(onsets)]
        return event_locked_windows(events, blocks, config, limits), config, limits
    config = WindowsConfig(window=draw(st.sampled_from([0.25, 1.0, 2.5])), stride=0.5)
    blocks = [Block(KEY, i, "rest", onset, onset + 3) for i, onset in enumerate(onsets)]
    return sliding_windows(blocks, config, limits), config, limits


@settings(max_examples=400)
@given(windows_of_a_recording())
def test_every_impossible_window_is_a_suspect(planned):
    windows, config, limits = planned
    suspects = set(find_suspects(windows, config, limits).tolist())
    for number, window in enumerate(windows):
        assert number in suspects or find_problem(window, config, limits) is None


def test_a_window_at_an_onset_that_no_integer_column_holds_is_dropped_with_its_time():
    event = Event(KEY, 0, 1e300, None, "", "rest")
    limits = {KEY: RecordingLimits(100.0, 1000)}
    plan = plan_windows(
        [event], [Block(KEY, 0, "rest", 1e300, None)], WindowsConfig(tmin=0, tmax=1), limits
    )
    assert len(plan.windows) == 0
    assert plan.dropped[0].option == "recording"
    assert f"{1e300:.3f}"[:12] in plan.dropped[0].reason


def test_what_is_dropped_is_in_the_order_of_the_blocks():
    events = [Event(KEY, i, float(i), None, "", "rest") for i in range(4)]
    times = [(0.0, 0.5), (1.0, 4.0), (5.0, 5.5), (6.0, 9.0)]
    blocks = [Block(KEY, i, "rest", *pair) for i, pair in enumerate(times)]
    limits = {KEY: RecordingLimits(100.0, 1000, boundaries=(2.5, 6.5))}
    plan = plan_windows(events, blocks, WindowsConfig(window=1.0), limits)
    assert [(dropped.kind, dropped.onset) for dropped in plan.dropped] == [
        ("block", 0.0),
        ("window", 2.0),
        ("block", 5.0),
        ("window", 6.0),
    ]
    assert [window.onset for window in plan.windows] == [1.0, 3.0, 7.0, 8.0]


def test_a_window_without_a_sample_is_no_error_without_a_block_that_holds_one():
    event = Event(KEY, 0, 0.0, 0.1, "", "rest")
    limits = {KEY: RecordingLimits(1.0, 100)}
    plan = plan_windows(
        [event], [Block(KEY, 0, "rest", 1.0, 1.1)], WindowsConfig(window=0.25), limits
    )
    assert [dropped.kind for dropped in plan.dropped] == ["block"]
