from __future__ import annotations

import numpy as np
import pytest

from bids_dl.explanation.removal import (
    SampleRemoval,
    count_removed,
    interpolate_samples,
    mark_smallest,
)


def test_samples_are_interpolated_as_by_numpy():
    rng = np.random.default_rng(0)
    signals = rng.normal(size=(3, 4, 50))
    marks = mark_smallest(rng.random(signals.shape), 30)
    times = np.arange(50)
    found = interpolate_samples(signals, marks)
    for signal, mark, result in zip(
        signals.reshape(-1, 50), marks.reshape(-1, 50), found.reshape(-1, 50), strict=True
    ):
        np.testing.assert_allclose(result, np.interp(times, times[~mark], signal[~mark]))


@pytest.mark.parametrize("n_removed", [0, 1, 10, 48])
def test_each_channel_loses_the_same_number_of_samples(n_removed):
    values = np.zeros((2, 3, 50))  # equal values, as of an unused channel
    assert (mark_smallest(values, n_removed).sum(axis=-1) == n_removed).all()


def test_the_smallest_values_are_removed():
    values = np.random.default_rng(0).random((3, 50))
    marks = mark_smallest(values, 15)
    for value, mark in zip(values, marks, strict=True):
        assert value[mark].max() < value[~mark].min()


def test_two_samples_are_always_kept():
    assert count_removed(0.99, 10) == 8


def test_removal_of_nothing_changes_nothing():
    signals = np.random.default_rng(0).normal(size=(2, 3, 64))
    assert SampleRemoval(signals, 0, 64.0).change(signals).tolist() == np.zeros((2, 32)).tolist()


def test_removal_at_random_weakens_high_frequencies():
    rng = np.random.default_rng(0)
    removal = SampleRemoval(rng.normal(size=(20, 3, 128)), 38, 128.0)
    change = removal.change(rng.random((20, 3, 128))).mean(axis=0)
    assert change[-10:].mean() < change[:10].mean() - 1
