"""Conversion of times to the clock of a file with gaps."""

from __future__ import annotations

import doctest
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signal_files import write_recording

from bids_dl.datamodel import IN_GAP
from bids_dl.source import gaps as gaps_module
from bids_dl.source import read_event_rows
from bids_dl.source.gaps import Gap, events_to_file_time, to_file_time


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(gaps_module).failed == 0


@given(
    st.lists(st.tuples(st.floats(0.5, 50), st.floats(0.01, 500)), min_size=1, max_size=6),
    st.floats(0, 1e4),
)
def test_a_true_time_and_its_file_time_differ_by_the_gaps_before_it(steps, time):
    onsets = list(accumulate(step for step, _ in steps))
    gaps = [Gap(onset, length) for onset, (_, length) in zip(onsets, steps, strict=True)]
    starts = []  # true time at which each gap begins
    left_out = 0.0
    for gap in gaps:
        starts.append(gap.onset + left_out)
        left_out += gap.length
    before = [gap for gap, start in zip(gaps, starts, strict=True) if start <= time]
    left_out_before = sum(gap.length for gap in before)
    file_time = to_file_time(time, gaps)
    if file_time is None:
        assert time <= before[-1].onset + left_out_before
    else:
        assert file_time == pytest.approx(time - left_out_before, abs=1e-5)


def test_onsets_and_durations_after_a_gap_are_on_the_clock_of_the_file(shared, tmp_path):
    events = (
        "onset\tduration\tvalue\n0.5\t0\ta\n1.5\t1\tb\n2.25\t0\tc\n4\t5\td\n15\t10\te\nn/a\t0\tf\n"
    )
    files = {"_eeg.edf": shared / "malformed/edfPlusD.edf"}
    columns = read_event_rows(*write_recording(tmp_path, files, events=events)).columns
    assert columns["onset"] == ("0.5", IN_GAP, "1.25", "2.0", "9.0", "n/a")
    # of the 10 s after onset 15, 3 s are inside a gap
    assert columns["duration"] == ("0", "1", "0", "5", "7.0", "0")
    assert columns["value"] == ("a", "b", "c", "d", "e", "f")


def test_a_row_that_ends_inside_a_gap_ends_where_the_gap_begins():
    columns = {"onset": ("8",), "duration": ("4",)}
    assert events_to_file_time(columns, [Gap(10.0, 5.0)])["duration"] == ("2.0",)


def test_a_table_without_durations_has_none_afterwards():
    assert events_to_file_time({"onset": ("16",)}, [Gap(10.0, 5.0)]) == {"onset": ("11.0",)}


@pytest.mark.parametrize(
    ("time", "expected"),
    [(14.996, 10.0), (15.0, 10.0), (15.01, 10.01), (14.994, None), (9.996, 9.99), (9.994, 9.994)],
)
def test_a_time_beside_a_gap_is_that_of_the_nearest_sample(time, expected):
    gaps = [Gap(10.0, 5.0, half_sample=0.005)]
    assert to_file_time(time, gaps) == pytest.approx(expected)


def test_rows_of_a_file_without_gaps_are_unchanged():
    columns = {"onset": ("1.50", "x"), "duration": ("n/a", "2")}
    assert events_to_file_time(columns, ()) == columns
