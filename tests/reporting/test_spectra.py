"""Levels of frequency bands and quartiles over recordings."""

from __future__ import annotations

import numpy as np
import pytest

from bids_dl.reporting.spectra import Spectra, band_levels, quartiles


def test_band_levels_are_medians_over_the_recordings_that_have_the_band():
    frequency = np.arange(1.0, 101.0)
    power = np.stack([np.full(100, 1.0), np.full(100, 100.0), np.full(100, 10_000.0)])
    before = 10 * np.log10(power)
    before[2, frequency > 20] = np.nan
    after = np.full_like(before, np.nan)
    bands = {band.name: band for band in band_levels(Spectra(frequency, before, after))}
    assert bands["alpha"].before == pytest.approx(20.0)
    assert bands["gamma"].before == pytest.approx(10.0)
    assert bands["alpha"].after is None


def test_quartiles_ignore_recordings_without_the_frequency():
    levels = np.array([[0.0, np.nan], [1.0, np.nan], [2.0, np.nan], [np.nan, np.nan]])
    result = quartiles(levels)
    np.testing.assert_allclose(result[:, 0], [0.5, 1.0, 1.5])
    assert np.isnan(result[:, 1]).all()
