"""Power spectra of windows against `scipy.signal.welch`, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import welch

from bids_dl.pipeline.processing.spectrum import MAX_FREQUENCY_HZ, Spectrum

SFREQS = (1.0, 49.0, 100.0, 128.0, 160.0, 333.3333, 512.0, 1000.0)


def spectrum_by_scipy(windows: np.ndarray, sfreq: float) -> tuple[float, ...]:
    """Compute the spectrum by one call of SciPy per window and one interpolation per channel."""
    segment = min(windows.shape[2], round(sfreq))
    whole_hertz = np.arange(min(MAX_FREQUENCY_HZ, int(sfreq / 2)) + 1)
    by_channel: dict[int, list[np.ndarray]] = {}
    for window in windows:
        frequencies, power = welch(window, sfreq, nperseg=segment, nfft=max(segment, round(sfreq)))
        for channel, values in enumerate(power):
            interpolated = np.interp(whole_hertz, frequencies, values)
            if np.isfinite(interpolated).all():
                by_channel.setdefault(channel, []).append(interpolated)
    means = [np.mean(values, axis=0) for values in by_channel.values()]
    return tuple(np.median(means, axis=0).tolist()) if means else ()


@given(
    sfreq=st.sampled_from(SFREQS),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 5)),
    seconds=st.floats(0.02, 6.0),
    invalid=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=4),
    seed=st.integers(0, 1000),
)
@settings(max_examples=150)
def test_spectra_equal_those_of_scipy_to_the_last_bit(sfreq, shape, seconds, invalid, seed):
    n_times = max(2, round(seconds * sfreq))
    generator = np.random.default_rng(seed)
    windows = generator.normal(scale=20, size=(*shape, n_times)).cumsum(axis=2)
    windows[0, 0] = 3.0  # flat
    for window, channel in invalid:
        windows[window % shape[0], channel % shape[1], n_times // 2] = np.nan
    spectrum = Spectrum(sfreq)
    spectrum.add(range(len(windows)), windows)
    assert spectrum.median(range(len(windows))) == spectrum_by_scipy(windows, sfreq)


@pytest.mark.parametrize(
    ("sfreq", "duration"), [(128, 2.0), (250, 4.0), (1000, 1.0), (500, 0.5), (333.3333, 3.0)]
)
def test_a_spectrum_is_the_median_over_channels_of_the_mean_over_windows(sfreq, duration):
    times = np.arange(round(sfreq * duration)) / sfreq
    noise = np.random.default_rng(1).standard_normal((3, 5, len(times)))
    windows = noise + 10 * np.sin(2 * np.pi * 10 * times)
    spectrum = Spectrum(sfreq)
    spectrum.add(range(len(windows)), windows)
    power = np.array(spectrum.median([0, 2]))
    assert len(power) == min(MAX_FREQUENCY_HZ, int(sfreq / 2)) + 1
    assert power[2:].argmax() == 8
    if duration >= 1 and sfreq == int(sfreq):
        _, expected = welch(windows[[0, 2]], sfreq, nperseg=sfreq)
        np.testing.assert_allclose(power, np.median(expected.mean(0), 0)[: len(power)])


def test_windows_that_were_never_added_are_ignored():
    spectrum = Spectrum(100)
    spectrum.add([4], np.ones((1, 2, 100)))
    assert spectrum.median([0, 1]) == ()
    assert len(spectrum.median([1, 4])) == 51


def test_a_channel_skips_the_windows_in_which_it_has_nan():
    windows = np.random.default_rng(0).standard_normal((2, 3, 200))
    with_nan = windows.copy()
    with_nan[0, :2, 50] = np.nan
    with_nan[1, 0] = np.nan
    spectrum = Spectrum(100)
    spectrum.add([0, 1], with_nan)
    second_channel = Spectrum(100)
    second_channel.add([0], windows[[1], 1:2])
    third_channel = Spectrum(100)
    third_channel.add([0, 1], windows[:, 2:])
    expected = np.mean([second_channel.median([0]), third_channel.median([0, 1])], axis=0)
    np.testing.assert_allclose(spectrum.median([0, 1]), expected)


def test_a_spectrum_of_nan_only_is_empty():
    spectrum = Spectrum(100)
    spectrum.add([0], np.full((1, 2, 200), np.nan))
    assert spectrum.median([0]) == ()
