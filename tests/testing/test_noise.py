"""Noise of synthetic recordings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.testing import NOISE_UV
from bids_dl.testing.noise import QUIET_GAIN, band_noise, pink_noise


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=5), st.integers(0, 100))
def test_band_noise_has_exactly_the_power_that_was_asked_for(power, seed):
    rng = np.random.default_rng(seed)
    windows = band_noise(np.array(power), 256, np.arange(17, 26), rng)
    np.testing.assert_allclose(np.square(windows).mean(-1), power)
    spectrum = np.abs(np.fft.rfft(windows)) ** 2
    in_band = spectrum[:, 17:26].sum(-1)
    np.testing.assert_allclose(in_band, spectrum.sum(-1))


def test_windows_of_band_noise_have_different_phases():
    windows = band_noise(np.ones(50), 256, np.arange(17, 26), np.random.default_rng(0))
    correlations = np.corrcoef(windows)[np.triu_indices(50, 1)]
    assert np.abs(correlations).max() < 0.9
    assert abs(correlations.mean()) < 0.02


@pytest.mark.parametrize("n_times", [4096, 4097])
def test_pink_noise_falls_as_one_over_the_frequency(n_times):
    noise = pink_noise(n_times, np.random.default_rng(0))
    assert noise.std() == pytest.approx(NOISE_UV)
    power = np.abs(np.fft.rfft(noise)) ** 2
    frequencies = np.arange(len(power))
    slope, _ = np.polyfit(np.log(frequencies[1:]), np.log(power[1:]), 1)
    assert slope == pytest.approx(-1, abs=0.1)


def test_a_quiet_band_is_weaker_and_its_neighbours_are_not():
    loud = pink_noise(4096, np.random.default_rng(0))
    quiet = pink_noise(4096, np.random.default_rng(0), quiet=(0.0625, 0.125))
    ratio = np.abs(np.fft.rfft(quiet)[1:]) / np.abs(np.fft.rfft(loud)[1:])
    scale = ratio[0]
    np.testing.assert_allclose(ratio[255:512], QUIET_GAIN * scale)
    np.testing.assert_allclose(ratio[:255], scale)
    np.testing.assert_allclose(ratio[512:], scale)
