from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from asked_pools import write_pool
from people_store import window_table, write_store

from bids_dl.annotate.answers.items import make_item
from bids_dl.annotate.asking.pool import read_pool
from bids_dl.errors import ConfigError
from bids_dl.store import open_store


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    return read_pool(open_store(write_pool(tmp_path_factory.mktemp("pool") / "x.zarr")))


def test_windows_are_the_items_that_any_program_makes_of_them(windows):
    table_row = 45
    key = windows.recordings[windows.recording[table_row]]
    item = make_item(*key, float(windows.onset[table_row]), 1.0)
    assert windows.item(table_row) == item
    assert windows.find_row(item.id) == table_row
    assert [windows.item(row).purpose for row in range(len(windows))] == [
        "test" if each else "train" for each in windows.is_test
    ]


def test_recordings_are_numbered_in_the_order_of_their_windows(windows):
    assert windows.recordings[1] == ("ds1", "sub-01/eeg/sub-01_task-rest")
    assert windows.find_recording(windows.recordings[3]) == 3
    assert windows.find_recording(("ds1", "sub-99/eeg/sub-99")) is None
    assert windows.rows_of_recording(1).tolist() == list(range(40, 80))


@pytest.mark.parametrize(
    ("onset", "duration", "rows"),
    [
        (2.0, 1.0, [2]),
        (2.5, 1.0, [2, 3]),  # half of each window
        (2.6, 1.0, [3]),
        (2.2, 0.1, [2]),  # a mark within a window
        (2.95, 0.1, [2, 3]),  # half of the mark in each
        (2.9, 0.4, [3]),
        (1.2, 3.0, [1, 2, 3]),
        (2.0, 0.0, [2]),  # a moment
        (39.9, 20.0, []),  # a tenth of the last window
        (60.0, 1.0, []),
    ],
)
def test_a_mark_is_about_windows_that_share_half_of_it_or_of_themselves(
    windows, onset, duration, rows
):
    assert windows.rows_within(windows.recordings[0], onset, duration).tolist() == rows


def test_marks_in_unknown_recordings_are_about_no_window(windows):
    assert not len(windows.rows_within(("ds2", "sub-00/eeg/sub-00_task-rest"), 2.0, 1.0))


def test_windows_that_share_samples_overlap(tmp_path):
    table = window_table(2, n_windows=5)
    table["recording"] = "sub-" + table["subject"] + "/eeg/sub-" + table["subject"]
    apart = read_pool(open_store(write_store(tmp_path / "apart.zarr", table)))
    found = apart.find_overlapping(np.array([3, 12]))
    assert np.flatnonzero(found).tolist() == [3, 12]
    table["onset"] *= 0.5  # windows of 1 s
    half = read_pool(open_store(write_store(tmp_path / "half.zarr", table)))
    found = half.find_overlapping(np.array([3, 10]))
    assert np.flatnonzero(found).tolist() == [2, 3, 4, 10, 11]
    assert not half.find_overlapping(np.array([], np.int64)).any()


def test_a_mark_that_touches_a_test_window_never_trains(windows):
    key = windows.recordings[0]
    test = int(np.flatnonzero(windows.is_test)[0])
    onset = windows.onset[test]
    assert windows.make_mark(key, onset + 0.99, 0.5).purpose == "test"
    for row in windows.rows_of_recording(0).tolist():
        mark = windows.make_mark(key, float(windows.onset[row]) + 0.2, 0.5, channels=("C1",))
        assert mark.purpose == ("test" if windows.is_test[row] else "train")
        assert mark.channels == ("C1",)


def test_windows_of_the_same_item_count_once(tmp_path):
    table = window_table(1, n_windows=3)
    table["recording"] = "sub-00/eeg/sub-00_task-rest"
    doubled = pd.concat([table, table.iloc[[2]]], ignore_index=True)
    windows = read_pool(open_store(write_store(tmp_path / "x.zarr", doubled)))
    assert windows.is_repeated.tolist() == [False] * 6 + [True]
    assert windows.find_row(windows.ids[6]) == 2
    assert windows.rows_within(windows.recordings[0], 2.0, 1.0).tolist() == [2]


def test_recordings_that_the_log_cannot_name_are_refused(tmp_path):
    store = open_store(write_store(tmp_path / "x.zarr", window_table(1)))
    with pytest.raises(ConfigError, match=r"x.zarr: recording is 'sub-00', expected a BIDS path"):
        read_pool(store)
