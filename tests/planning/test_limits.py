"""Limits of windows: boundaries of files and of events.tsv, at every rate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.config.stages import EventsConfig, LabelConfig, WindowsConfig
from bids_dl.datamodel import Event, EventRows, Header
from bids_dl.planning.limits import find_recording_limits, note_coarse_boundaries
from bids_dl.selection import Selection, plan_blocks
from bids_dl.windows import plan_windows

KEY = "ds/sub-1/eeg/sub-1_task-x"
RATES = [100.0, 128.0, 160.0, 249.99, 256.0, 1000 / 3, 500.0, 512.0, 1000.0, 2048.0, 5000.0]
CONFIG = EventsConfig(labels=(LabelConfig("a", "Red"),))
LENGTHS = st.integers(10, 900)  # samples of an epoch


def plan_starts(events, boundaries, sfreq, n_times, windows_config):
    """Return the first sample of each planned window, and the options that dropped others."""
    selected = Selection(tuple(events), {}, (), boundaries={KEY: tuple(boundaries)})
    header = Header(sfreq, n_times, ("Cz",), ("eeg",))
    limits = find_recording_limits({}, [EventRows(KEY, {}, {})], {KEY: header}, selected)
    is_sliding = windows_config.sliding
    block_plan = plan_blocks(
        selected,
        CONFIG,
        {KEY: header.duration},
        {KEY: limits[KEY].boundaries},
        sfreqs={KEY: sfreq},
        sliding=is_sliding,
    )
    plan = plan_windows(events, block_plan.blocks, windows_config, limits)
    dropped = [dropped.option for dropped in (*block_plan.dropped, *plan.dropped)]
    return [window.start for window in plan.windows], dropped


def rounded(sample: float, sfreq: float) -> float:
    """Return the time of a sample as a program writes it that just resolves samples."""
    decimals = 3 if sfreq <= 500 else 4
    return round(sample / sfreq, decimals)


@given(sfreq=st.sampled_from(RATES), length=LENGTHS, n_epochs=st.integers(1, 80), data=st.data())
def test_event_locked_windows_between_cuts_are_all_kept(sfreq, length, n_epochs, data):
    before = data.draw(st.integers(0, length - 1))  # samples of a window before its event
    anchors = [i * length + before for i in range(n_epochs)]
    events = [Event(KEY, i, rounded(x, sfreq), None, "", "a") for i, x in enumerate(anchors)]
    # as EEGLAB writes them: (latency - 1) / srate, half a sample before the first sample
    cuts = [rounded(i * length - 0.5, sfreq) for i in range(1, n_epochs)]
    config = WindowsConfig(tmin=-before / sfreq, tmax=(length - before) / sfreq)
    starts, dropped = plan_starts(events, cuts, sfreq, n_epochs * length, config)
    assert starts == [i * length for i in range(n_epochs)]
    assert not dropped


@given(sfreq=st.sampled_from(RATES), length=LENGTHS, n_epochs=st.integers(1, 80))
def test_sliding_windows_between_cuts_are_all_kept(sfreq, length, n_epochs):
    events = []
    for i in range(n_epochs):
        onset = rounded(i * length, sfreq)
        end = onset + rounded(length, sfreq)
        events.append(Event(KEY, i, onset, end, "duration", "a"))
    cuts = [rounded(i * length - 0.5, sfreq) for i in range(1, n_epochs)]
    config = WindowsConfig(window=length / sfreq)
    starts, dropped = plan_starts(events, cuts, sfreq, n_epochs * length, config)
    assert starts == [i * length for i in range(n_epochs)]
    assert not dropped


@given(
    sfreq=st.sampled_from(RATES),
    segments=st.lists(st.integers(1, 2000), min_size=1, max_size=20),
    length=LENGTHS,
)
def test_segments_of_any_length_are_filled_and_no_window_crosses_a_cut(sfreq, segments, length):
    n_times = sum(segments)
    edges = [sum(segments[:i]) for i in range(len(segments))]
    events = [Event(KEY, 0, 0.0, n_times / sfreq, "duration", "a")]
    cuts = [rounded(edge - 0.5, sfreq) for edge in edges[1:]]
    config = WindowsConfig(window=length / sfreq)
    starts, _ = plan_starts(events, cuts, sfreq, n_times, config)
    expected: list[int] = []
    for edge, n_samples in zip(edges, segments, strict=True):
        expected += range(edge, edge + n_samples - length + 1, length)
    assert starts == expected


@pytest.mark.parametrize("decimals", [3, 4, 6])
@pytest.mark.parametrize("sfreq", RATES)
def test_a_row_beside_a_boundary_of_the_file_is_that_boundary(sfreq, decimals):
    cuts = [100 * i for i in range(1, 50)]
    header = Header(sfreq, 5000, ("Cz",), ("eeg",), tuple(cut / sfreq for cut in cuts))
    rows = tuple(round((cut - 0.5) / sfreq, decimals) for cut in cuts)
    selected = Selection((), {}, (), boundaries={KEY: rows})
    limits = find_recording_limits({}, [EventRows(KEY, {}, {})], {KEY: header}, selected)
    assert limits[KEY].boundaries == header.boundaries


@pytest.mark.parametrize(
    ("sfreq", "onsets", "is_told"),
    [
        (250.0, (1.998, 3.998), False),
        (1000.0, (1.999, 3.999), True),
        (1000.0, (1.9995, 3.999), False),  # its neighbour has four decimals
        (2048.0, (1.9995,), False),
        (2048.0, (1.999,), True),
        (1000.0, (2.0,), True),  # no decimals at all
    ],
)
def test_boundary_rows_with_too_few_decimals_are_told(sfreq, onsets, is_told):
    selected = Selection((), {}, (), boundaries={"ds/a": onsets})
    header = Header(sfreq, int(10 * sfreq), ("Cz",), ("eeg",), ())
    lines = note_coarse_boundaries(selected, {"ds/a": header})
    assert bool(lines) == is_told
    assert all("ds/a: its rows named boundary have" in line for line in lines)


def test_a_boundary_of_the_file_places_the_cut_whatever_the_decimals_of_its_row():
    selected = Selection((), {}, (), boundaries={"ds/a": (1.999,)})
    header = Header(1000.0, 10_000, ("Cz",), ("eeg",), (2.0,))
    assert note_coarse_boundaries(selected, {"ds/a": header}) == []
