"""Dropouts: runs of equal samples, and where they begin and end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_dl.preprocess.dropout_runs import MAX_CONTEXT_SAMPLES, find_dropout_runs


def random_walk(n_chans, n_times=400, seed=0):
    """Return signals of few bits, whose neighbouring samples are often equal."""
    rng = np.random.default_rng(seed)
    return rng.integers(-3, 4, (n_chans, n_times)).cumsum(1).astype(float) + 1000.0


def test_zeros_count_from_the_first_sample_to_the_last():
    signals = random_walk(3)
    signals[:, 100:150] = 0.0
    assert find_dropout_runs(signals, 20) == [[(100, 150)]] * 3


def test_a_run_shorter_than_the_minimum_is_no_dropout():
    signals = random_walk(1)
    signals[:, 100:119] = 0.0
    assert find_dropout_runs(signals, 20) == [[]]
    assert find_dropout_runs(signals, 19) == [[(100, 119)]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_dropouts_however_few(value):
    signals = random_walk(1)
    signals[0, 100] = value
    assert find_dropout_runs(signals, 20) == [[(100, 101)]]


def test_a_held_value_begins_with_a_true_sample():
    signals = random_walk(4)
    for signal in signals:
        signal[100:150] = signal[100]
    signals[:, 150] += 50.0  # so that no channel holds its value longer by chance
    starts = {runs[0][0] for runs in find_dropout_runs(signals, 20)}
    assert starts == {101}


def test_a_rail_that_is_reached_by_a_jump_counts_from_its_first_sample():
    signals = random_walk(3)
    signals[:, 100:150] = [[5000.0], [5100.0], [5200.0]]
    assert find_dropout_runs(signals, 20) == [[(100, 150)]] * 3


def test_a_sample_that_is_equal_by_chance_is_no_part_of_a_common_dropout():
    signals = random_walk(5)
    signals[:, 100:150] = 0.0
    signals[0, 99] = 0.0
    signals[1, 150] = 0.0
    assert find_dropout_runs(signals, 20) == [[(100, 150)]] * 5


def test_two_values_in_turn_are_one_dropout():
    signals = random_walk(1)
    signals[0, 100:130] = 0.0
    signals[0, 130:160] = 5000.0
    assert find_dropout_runs(signals, 20) == [[(100, 160)]]


@settings(max_examples=50)
@given(st.integers(0, 1000), st.integers(0, 200), st.integers(20, 60))
def test_an_excerpt_gives_the_dropouts_of_the_whole_recording(seed, start, length):
    signals = random_walk(4, n_times=600, seed=seed)
    dropout = slice(200 + start, 200 + start + length)
    signals[:, dropout] = 0.0
    signals[seed % 4, dropout.start - 1] = 0.0
    whole = find_dropout_runs(signals, 10)
    first = dropout.start - MAX_CONTEXT_SAMPLES - 10
    part = find_dropout_runs(signals[:, first : dropout.stop + MAX_CONTEXT_SAMPLES + 10], 10)
    for runs, part_runs in zip(whole, part, strict=True):
        inside = [run for run in runs if run[0] <= dropout.stop and run[1] >= dropout.start]
        shifted = [(low + first, high + first) for low, high in part_runs]
        assert [run for run in shifted if run in inside] == inside
