"""Baseline correction against MNE and NumPy."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from step_runs import run_window_step

from bids_dl.errors import RecordingError
from bids_dl.preprocess.step import Windows
from bids_dl.preprocess.steps.baseline import Baseline

TIMES = np.arange(-26, 102) / 128  # windows from -0.2 to 0.8 s at 128 Hz


def make_windows(signals: np.ndarray, times: np.ndarray = TIMES) -> Windows:
    info = mne.create_info([f"E{i}" for i in range(signals.shape[1])], 128.0, "eeg")
    return Windows(signals, times, info, np.zeros(signals.shape, dtype=bool))


@given(start=st.floats(-0.2, 0.2), width=st.floats(0.05, 0.5))
@settings(max_examples=30)
def test_only_the_mean_of_the_interval_is_subtracted(start, width):
    times = np.arange(-26, 103) / 128
    signals = np.random.default_rng(3).standard_normal((5, 3, len(times))) + 7
    before = signals.copy()
    result = Baseline(start, start + width).apply_windows(make_windows(signals, times))
    inside = (times >= start - 1e-6) & (times <= start + width + 1e-6)
    expected = before - before[..., inside].mean(-1, keepdims=True)
    np.testing.assert_allclose(result.signals, expected, atol=1e-12)
    np.testing.assert_array_equal(signals, before)


@pytest.mark.parametrize(("start", "end"), [(-0.2, 0.0), (None, 0.0), (None, None), (0.0, 0.8)])
def test_baseline_equals_mne(start, end):
    signals = np.random.default_rng(4).standard_normal((2, 3, len(TIMES)))
    results, _ = run_window_step(make_windows(signals), Baseline(start, end))
    expected = mne.baseline.rescale(signals, TIMES, (start, end), verbose="error")
    np.testing.assert_allclose(results.windows.signals, expected, atol=1e-12)


@pytest.mark.parametrize("interval", [(-0.5, 0.0), (0.0, 2.0), (0.001, 0.002), (3.0, 4.0)])
def test_an_interval_outside_the_windows_is_refused_even_without_windows(interval):
    with pytest.raises(RecordingError, match="baseline: no baseline from"):
        run_window_step(make_windows(np.empty((0, 3, len(TIMES)))), Baseline(*interval))


def test_an_interval_that_ends_before_it_starts_is_refused():
    with pytest.raises(ValueError, match=r"start must be before end, got 0.2 and 0 s"):
        Baseline(0.2, 0.0)
