"""Running statistics of a recording."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.signal import welch

from bids_dl.pipeline.processing.statistics import (
    MAX_FREQUENCY_HZ,
    MAX_SPECTRA,
    Moments,
    Spectrum,
    evenly_spaced,
    find_runs,
)

BATCH = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.just(2), st.just(1)),
    elements=st.floats(-1000, 1000, width=32),
)


@given(st.lists(BATCH, min_size=1, max_size=5))
def test_moments_of_batches_are_those_of_all_samples(batches):
    moments = Moments(2)
    for batch in batches:
        moments.add(batch)
    every = np.concatenate(batches).astype(np.float64)
    mean, std = moments.values()
    np.testing.assert_allclose(mean, every.mean((0, 2)), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(std, every.std((0, 2)), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("sfreq", "duration"), [(128, 2.0), (250, 4.0), (1000, 1.0), (500, 0.5), (333.3333, 3.0)]
)
def test_a_spectrum_is_the_median_over_channels_of_the_mean_over_windows(sfreq, duration):
    times = np.arange(round(sfreq * duration)) / sfreq
    noise = np.random.default_rng(1).standard_normal((3, 5, len(times)))
    windows = noise + 10 * np.sin(2 * np.pi * 10 * times)
    spectrum = Spectrum(sfreq)
    for number, window in enumerate(windows):
        spectrum.add(number, window)
    power = np.array(spectrum.median([0, 2]))
    assert len(power) == min(MAX_FREQUENCY_HZ, int(sfreq / 2)) + 1
    assert power[2:].argmax() == 8
    if duration >= 1 and sfreq == int(sfreq):
        _, expected = welch(windows[[0, 2]], sfreq, nperseg=sfreq)
        np.testing.assert_allclose(power, np.median(expected.mean(0), 0)[: len(power)])


def test_windows_that_were_never_added_are_ignored():
    spectrum = Spectrum(100)
    spectrum.add(4, np.ones((2, 100)))
    assert spectrum.median([0, 1]) == ()
    assert len(spectrum.median([1, 4])) == 51


def test_a_channel_skips_the_windows_in_which_it_has_nan():
    windows = np.random.default_rng(0).standard_normal((2, 3, 200))
    with_nan = windows.copy()
    with_nan[0, :2, 50] = np.nan
    with_nan[1, 0] = np.nan
    spectrum = Spectrum(100)
    for number in range(2):
        spectrum.add(number, with_nan[number])
    second_channel = Spectrum(100)
    second_channel.add(0, windows[1, [1]])
    third_channel = Spectrum(100)
    third_channel.add(0, windows[0, [2]])
    third_channel.add(1, windows[1, [2]])
    expected = np.mean([second_channel.median([0]), third_channel.median([0, 1])], axis=0)
    np.testing.assert_allclose(spectrum.median([0, 1]), expected)


def test_a_spectrum_of_nan_only_is_empty():
    spectrum = Spectrum(100)
    spectrum.add(0, np.full((2, 200), np.nan))
    assert spectrum.median([0]) == ()


@given(st.integers(0, 500))
def test_few_windows_are_chosen_from_the_first_to_the_last(count):
    numbers = [3 * i for i in range(count)]
    chosen = evenly_spaced(numbers)
    assert len(chosen) == min(count, MAX_SPECTRA)
    assert chosen <= set(numbers)
    assert not numbers or {numbers[0], numbers[-1]} <= chosen


@given(arrays.arrays(np.bool_, st.tuples(st.integers(1, 4), st.integers(1, 12))))
def test_the_runs_of_a_mask_restore_the_mask(mask):
    restored = np.zeros_like(mask)
    for start, stop, channels in find_runs(mask):
        assert not restored[list(channels), start:stop].any()
        restored[list(channels), start:stop] = True
    np.testing.assert_array_equal(restored, mask)
