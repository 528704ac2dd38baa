from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.config.stages import WindowsConfig
from bids_dl.datamodel import Block, Event, Window
from bids_dl.errors import WindowError
from bids_dl.windows import RecordingLimits, cut, length, lock, offset, position, slide

RATES = st.sampled_from([100, 128, 160, 200, 250, 256, 500, 512, 1000, 1024, 2048])


def block(onset: float, end: float | None, label: str = "rest") -> Block:
    return Block("ds/sub-1/eeg/sub-1_eeg", 0, label, onset, end)


def event(onset: float, end: float | None = None) -> Event:
    return Event("ds/sub-1/eeg/sub-1_eeg", 0, onset, end, "", "rest")


def test_a_minute_holds_thirty_windows_of_two_seconds():
    found = slide(
        block(0.0, 61.0), WindowsConfig(size=2.0, stride=2.0), RecordingLimits(160.0, 9760)
    )
    assert [window.onset for window in found] == [2.0 * i for i in range(30)]
    assert [window.start for window in found] == [320 * i for i in range(30)]


def test_without_a_stride_windows_do_not_overlap():
    found = slide(block(0.0, 10.0), WindowsConfig(size=2.5), RecordingLimits(100.0, 1000))
    assert [window.onset for window in found] == [0.0, 2.5, 5.0, 7.5]


def test_a_block_shorter_than_a_window_is_reported_with_both_lengths():
    found = cut([event(1.0, 2.5)], [block(1.0, 2.5)], WindowsConfig(size=2.0), {})
    assert not found.windows
    assert "lasts 1.500 s, a window 2 s" in found.dropped[0].reason


def test_a_block_without_a_known_end_is_counted_open():
    found = cut([event(1.0)], [block(1.0, None)], WindowsConfig(size=2.0), {})
    assert found.open == {"rest": 1}
    with pytest.raises(WindowError, match="has no end"):
        slide(block(1.0, None), WindowsConfig(size=2.0), RecordingLimits())


def test_an_event_locked_window_that_leaves_the_recording_is_dropped_with_the_reason():
    config, extents = (
        WindowsConfig(tmin=-0.5, tmax=1.0),
        {"ds/sub-1/eeg/sub-1_eeg": RecordingLimits(100.0, 1000)},
    )
    events = [event(0.2), event(5.0), event(9.5)]
    found = cut(
        events,
        [Block(e.recording, i, "rest", e.onset, None) for i, e in enumerate(events)],
        config,
        extents,
    )
    assert [window.onset for window in found.windows] == [4.5]
    assert [dropped.reason for dropped in found.dropped] == [
        "it begins 0.300 s before the recording",
        "it ends at 10.500 s, the recording at 10.000 s",
    ]


def test_no_window_crosses_a_place_where_time_jumps():
    extents = {"ds/sub-1/eeg/sub-1_eeg": RecordingLimits(100.0, 1000, boundaries=(4.0, 7.5))}
    found = cut([event(0.0, 10.0)], [block(0.0, 10.0)], WindowsConfig(size=2.0), extents)
    assert [window.onset for window in found.windows] == [0.0, 2.0, 4.0, 8.0]
    assert "not continuous at 7.500 s" in found.dropped[0].reason


@pytest.mark.parametrize(
    ("stretch", "left"),
    [
        ((4.4, 4.6), [1.0]),
        ((4.4, 4.4), [1.0]),
        ((3.0, 4.0), [1.0, 4.0]),
        ((2.0, 2.0), [1.0, 4.0]),
        ((0.0, float("inf")), []),
    ],
)
def test_an_event_locked_window_that_overlaps_what_is_excluded_is_dropped(stretch, left):
    extents = {
        "ds/sub-1/eeg/sub-1_eeg": RecordingLimits(100.0, 1000, excluded={"rest": (stretch,)})
    }
    events = [event(1.0), event(4.0)]
    blocks = [Block(e.recording, i, "rest", e.onset, e.onset) for i, e in enumerate(events)]
    found = cut(events, blocks, WindowsConfig(tmin=0, tmax=1), extents)
    assert [window.onset for window in found.windows] == left


@given(
    onset=st.floats(0, 100),
    span=st.floats(0, 100),
    size=st.floats(0.1, 10),
    stride=st.floats(0.05, 10),
    sfreq=RATES,
)
def test_windows_lie_in_their_block_one_stride_apart_and_no_more_would_fit(
    onset, span, size, stride, sfreq
):
    end = onset + span
    found = slide(
        block(onset, end),
        WindowsConfig(size=size, stride=stride),
        RecordingLimits(float(sfreq), 300 * sfreq),
    )
    assert all(onset <= window.onset and window.onset + size <= end + 1e-4 for window in found)
    assert all(window.start == int(window.onset * sfreq + 0.5) for window in found)
    following = onset + len(found) * stride
    assert following + size > end - 1e-4


@given(sample=st.integers(0, 10_000_000), old=RATES, new=RATES)
def test_an_event_lies_in_the_new_sample_nearest_to_it(sample, old, new):
    ratio = Fraction(new, old)
    window = Window("r", 0, 0.0, sample, sample, "rest")
    assert abs(position(window, ratio, 0) - sample * ratio) <= Fraction(1, 2)


@given(tmin=st.integers(-2000, 2000), old=RATES, new=RATES, sample=st.integers(0, 1_000_000))
def test_every_event_lies_in_the_same_sample_of_its_window_whatever_the_rate_of_its_recording(
    tmin, old, new, sample
):
    config = WindowsConfig(tmin=tmin / 1000, tmax=3.0)
    window = lock(event(sample / old), 0, config, RecordingLimits(float(old)))
    shift = offset(config, Fraction(new))
    assert abs(shift - Fraction(tmin * new, 1000)) <= Fraction(1, 2)
    assert (
        position(window, Fraction(new, old), shift) - position(window, Fraction(new, old), 0)
        == shift
    )
    assert window.anchor == sample


def test_the_anchor_of_an_event_locked_window_is_its_event():
    window = lock(event(4.2), 3, WindowsConfig(tmin=-0.5, tmax=0.5), RecordingLimits(160.0, 9760))
    assert (window.anchor, window.start, window.block) == (672, 592, 3)
    assert window.onset == pytest.approx(3.7)


@pytest.mark.parametrize(
    ("size", "sfreq", "n_times"),
    [(2.0, Fraction(128), 256), (0.1, Fraction(1000, 3), 33), (30.0, Fraction(100), 3000)],
)
def test_windows_have_one_length_at_a_rate(size, sfreq, n_times):
    assert length(WindowsConfig(size=size), sfreq) == n_times


def test_a_window_without_a_sample_is_refused():
    with pytest.raises(WindowError, match=r"0\.001 s has no sample at 100 Hz"):
        length(WindowsConfig(size=0.001), Fraction(100))
