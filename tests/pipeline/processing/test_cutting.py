"""Copies of windows of a signal."""

from __future__ import annotations

import numpy as np
import pytest

from bids_dl.pipeline.processing.cutting import cut_windows


@pytest.mark.parametrize("channels", [[0, 1, 2], [2, 0], [1]])
@pytest.mark.parametrize("starts", [[], [0], [3, 0, 6]])
def test_windows_have_the_samples_of_their_channels_in_order(channels, starts):
    signal = np.random.default_rng(0).standard_normal((3, 10))
    windows = cut_windows(signal, starts, 4, channels)
    assert windows.shape == (len(starts), len(channels), 4)
    for window, start in zip(windows, starts, strict=True):
        np.testing.assert_array_equal(window, signal[channels][:, start : start + 4])


def test_windows_are_copies():
    signal = np.zeros((2, 10))
    cut_windows(signal, [0, 1], 9, [0, 1])[:] = 1
    assert not signal.any()


@pytest.mark.parametrize("starts", [[-1], [0, 7]])
def test_a_window_that_exceeds_the_signal_is_refused(starts):
    with pytest.raises(ValueError, match="exceed a signal of 10 samples"):
        cut_windows(np.zeros((2, 10)), starts, 4, [0, 1])
