from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fold_tables import recording_table, request_all
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_dl.errors import TargetError
from bids_dl.training.folds.time_parts import fold_by_time, hold_out_end
from bids_dl.training.folds.timeline import read_timeline

RUNS = [("01", "1", "1"), ("01", "2", "1"), ("02", "1", "1")]


def distance(table, first, second, window_seconds):
    """Shortest time between windows of two sides in the same recording."""
    shortest = np.inf
    for name in set(table["recording"]):
        onsets = [
            table["onset"].iloc[rows][(table["recording"].iloc[rows] == name).to_numpy()].to_numpy()
            for rows in (first, second)
        ]
        gaps = np.abs(onsets[0][:, None] - onsets[1][None, :]) - window_seconds
        shortest = min(shortest, gaps.min(initial=np.inf))
    return shortest


@settings(max_examples=25)
@given(
    n_blocks=st.integers(2, 9),
    step=st.sampled_from([0.5, 2.0, 3.0]),
    gap=st.sampled_from([0.0, 1.0, 5.0]),
    patience=st.sampled_from([None, 1]),
)
def test_sides_are_a_gap_apart_and_blocks_are_on_one_side(n_blocks, step, gap, patience):
    table = recording_table(RUNS, n_blocks=n_blocks, block_windows=80, window_seconds=step)
    request = request_all(table, folds="time", gap=gap, patience=patience)
    [fold] = fold_by_time(request).folds
    sides = [fold.train, fold.validation, fold.test]
    assert len(np.unique(np.concatenate(sides))) == sum(map(len, sides))
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert distance(table, sides[first], sides[second], 2.0) > gap - 1e-5
    if n_blocks >= 4:
        blocks = [set(table["block"].iloc[rows]) for rows in (sides[0], sides[2])]
        assert not blocks[0] & blocks[1]
    assert bool(len(fold.validation)) == (patience is not None)
    for rows in (fold.train, fold.test):
        assert set(table["label"].iloc[rows]) == {"rest", "move"}


def test_a_quarter_is_tested_of_each_class_and_recording():
    table = recording_table(RUNS, n_blocks=16)
    [fold] = fold_by_time(request_all(table, folds="time", gap=0)).folds
    tested = table.iloc[fold.test].groupby(["recording", "label"]).size()
    assert tested.tolist() == [10] * 6
    assert len(fold.train) == 180
    assert fold.held_out == "last part of each recording"
    assert fold.same_person


def test_a_recording_of_one_block_is_cut_between_windows():
    table = recording_table(RUNS[2:], n_blocks=1, block_windows=40).assign(label="rest")
    [fold] = fold_by_time(request_all(table, folds="time", gap=10, patience=1)).folds
    assert fold.test.tolist() == list(range(30, 40))
    assert fold.validation.tolist() == list(range(20, 25))
    assert fold.train.tolist() == list(range(15))


def test_rows_in_another_order_are_divided_alike():
    table = recording_table(RUNS, n_blocks=6)
    order = np.random.default_rng(0).permutation(len(table))
    [fold] = fold_by_time(request_all(table, folds="time", gap=3)).folds
    mixed = table.iloc[order].reset_index(drop=True)
    [mixed_fold] = fold_by_time(request_all(mixed, folds="time", gap=3)).folds
    assert np.sort(order[mixed_fold.test]).tolist() == fold.test.tolist()
    assert np.sort(order[mixed_fold.train]).tolist() == fold.train.tolist()


def test_a_recording_that_is_too_short_for_the_gap_is_tested_and_named():
    long = recording_table(RUNS[:1], n_blocks=16)
    short = recording_table(RUNS[2:], n_blocks=4, block_windows=2, window_seconds=1.0)
    joined = pd.concat([long, short.assign(block=short["block"] + 100)], ignore_index=True)
    planned = fold_by_time(request_all(joined, folds="time", gap=10))
    [fold] = planned.folds
    assert fold.train.max() < len(long) <= fold.test.max()
    [line] = planned.warnings
    assert line.startswith("--folds time: 1 of 2 recordings with training or test windows only")
    assert line.endswith("the first is sub-02/sub-02_ses-1_run-1")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gap": 1000.0}, r"a\.zarr: --folds time with --gap 1000 leaves no training window; give"),
        ({"gap": 1000.0}, "give --gap 30$"),
        ({"gap": 45.0, "patience": 1}, "leaves no .*give --gap"),
    ],
)
def test_a_gap_that_leaves_nothing_is_refused_with_one_that_does(options, message):
    table = recording_table(RUNS, n_blocks=8)
    with pytest.raises(TargetError, match=message):
        fold_by_time(request_all(table, folds="time", **options))


def test_recordings_of_one_window_are_refused():
    table = recording_table(RUNS, n_blocks=1, block_windows=1)
    with pytest.raises(TargetError, match="each recording has one window; train with --folds loso"):
        fold_by_time(request_all(table, folds="time"))


def test_a_store_without_onsets_is_refused():
    table = recording_table(RUNS).drop(columns="onset")
    with pytest.raises(TargetError, match="--folds time needs the column 'onset'"):
        fold_by_time(request_all(table, folds="time"))


def test_validation_is_the_end_of_each_training_recording():
    table = recording_table(RUNS, n_blocks=10)
    is_train = np.arange(len(table)) < 100
    request = request_all(table, folds="session", patience=1, gap=0)
    validation, train = hold_out_end(request, read_timeline(request, "--patience"), is_train)
    assert np.flatnonzero(validation).tolist() == [*range(40, 50), *range(90, 100)]
    assert (validation | train).tolist() == is_train.tolist()


def test_a_gap_that_leaves_no_training_window_before_the_validation_is_refused():
    table = recording_table(RUNS)
    request = request_all(table, folds="session", patience=1, gap=1000)
    timeline = read_timeline(request, "--patience")
    message = "--patience with --folds session and --gap 1000 leaves no training window.*--gap 30"
    with pytest.raises(TargetError, match=message):
        hold_out_end(request, timeline, np.ones(len(table), dtype=bool))
