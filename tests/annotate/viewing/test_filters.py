"""Zero-phase filters: equal to scipy at the full rate, and separate between gaps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.signal import sosfiltfilt

from bids_dl.annotate.viewing.filters import choose_filters, filter_runs, find_runs

SFREQ = 500.0


def make_signal(n_times=5000, *, seed=0):
    """Noise with an offset and a drift, two traces."""
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.standard_normal((2, n_times)), axis=1) + 1000.0


@pytest.mark.parametrize(
    "frequencies",
    [
        {"low": 1.0, "high": 70.0, "notch": 50.0},
        {"low": 0.5, "high": None, "notch": None},
        {"low": None, "high": 35.0, "notch": None},
        {"low": None, "high": None, "notch": 50.0},
        {"low": 70.0, "high": 200.0, "notch": None},
    ],
)
@pytest.mark.parametrize("n_times", [5000, 1200])
def test_filters_are_those_of_scipy(frequencies, n_times):
    page_filter = choose_filters(SFREQ, **frequencies)
    signal = make_signal(n_times)
    n_padded = math.ceil(page_filter.margin * SFREQ)
    padded = np.pad(signal, ((0, 0), (n_padded, n_padded)), "reflect", reflect_type="odd")
    expected = sosfiltfilt(page_filter.sections, padded, axis=1, padtype=None)
    expected = expected[:, n_padded:-n_padded]
    filtered = filter_runs(signal, page_filter, SFREQ)
    tolerance = 1e-3 * signal.std()
    np.testing.assert_allclose(filtered, expected, atol=tolerance)
    removed = filter_runs(signal, page_filter, SFREQ, removed=True)
    np.testing.assert_allclose(filtered + removed, signal, atol=1e-8)


def test_runs_between_gaps_are_filtered_as_if_alone():
    page_filter = choose_filters(SFREQ, low=1.0, high=70.0, notch=None)
    signal = make_signal()
    signal[:, 1000:1100] = np.nan
    signal[1, 3000] = np.nan
    filtered = filter_runs(signal, page_filter, SFREQ)
    np.testing.assert_array_equal(np.isnan(filtered), np.isnan(signal))
    for trace, start, stop in [(0, 0, 1000), (0, 1100, 5000), (1, 1100, 3000), (1, 3001, 5000)]:
        alone = filter_runs(signal[trace : trace + 1, start:stop], page_filter, SFREQ)
        np.testing.assert_allclose(filtered[trace, start:stop], alone[0], atol=1e-9)


@pytest.mark.parametrize("n_times", [1, 2, 3, 10])
def test_short_runs_are_filtered_too(n_times):
    page_filter = choose_filters(SFREQ, low=1.0, high=None, notch=None)
    filtered = filter_runs(np.full((1, n_times), 500.0), page_filter, SFREQ)
    np.testing.assert_allclose(filtered, 0.0, atol=1e-9)


def test_a_trace_without_samples_stays_empty():
    page_filter = choose_filters(SFREQ, low=1.0, high=None, notch=None)
    signal = make_signal()
    signal[0] = np.nan
    filtered = filter_runs(signal, page_filter, SFREQ)
    assert np.isnan(filtered[0]).all()
    assert not np.isnan(filtered[1]).any()


@pytest.mark.parametrize(
    ("frequencies", "message"),
    [
        ({"low": 0.0}, "low filter of 0.0 Hz; it must be at least 0.01"),
        ({"high": -1.0}, "high filter of -1.0 Hz; it must be at least 0.01"),
        ({"notch": math.nan}, "notch filter of nan Hz; it must be at least 0.01"),
        ({"high": math.inf}, "high filter of inf Hz; it must be at least 0.01"),
        ({"low": 70.0, "high": 35.0}, "70 Hz; it must be below the high one, 35 Hz"),
        ({"low": 35.0, "high": 35.0}, "35 Hz; it must be below the high one, 35 Hz"),
        ({"low": 250.0}, "250 Hz; it must be below half the rate, 250 Hz"),
    ],
)
def test_impossible_filters_are_refused(frequencies, message):
    with pytest.raises(ValueError, match=message):
        choose_filters(SFREQ, **{"low": None, "high": None, "notch": None} | frequencies)


def test_a_high_filter_above_the_signal_is_left_out():
    page_filter = choose_filters(100.0, low=None, high=70.0, notch=60.0)
    assert page_filter.is_off


def test_runs_are_found_at_both_ends():
    is_present = np.array([True, False, True, True])
    assert find_runs(is_present) == [(0, 1), (2, 4)]
    assert find_runs(~is_present) == [(1, 2)]
    assert find_runs(np.zeros(0, bool)) == []
