from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal

from bids_dl.errors import ModelError
from bids_dl.transforms.spectrogram import Spectrogram, SpectrogramSettings

SIGNALS = np.random.default_rng(0).normal(5, 20, (2, 3, 600))


def test_the_density_is_that_of_scipy(float64):
    settings = SpectrogramSettings(seconds=1.0, step=0.25, band=(0.0, 50.0))
    spectrogram = Spectrogram("power-image", 600, 100.0, settings)
    frequencies, _, expected = signal.spectrogram(
        SIGNALS, 100.0, "hann", nperseg=100, noverlap=75, detrend=False
    )
    np.testing.assert_allclose(spectrogram.frequencies, frequencies)
    np.testing.assert_allclose(spectrogram(torch.from_numpy(SIGNALS)), expected, atol=1e-6)


def test_the_density_is_the_square_of_torch_stft(float64):
    settings = SpectrogramSettings(seconds=1.0, step=0.25, band=(1.0, 49.0))
    found = Spectrogram("power-image", 600, 100.0, settings)(torch.from_numpy(SIGNALS))
    taper = torch.hann_window(100)
    coefficients = torch.stft(
        torch.from_numpy(SIGNALS).flatten(0, 1),
        *(100, 25),
        window=taper,
        center=False,
        return_complex=True,
    )
    expected = 2 * coefficients.abs().square() / (100 * taper.square().sum())
    torch.testing.assert_close(found.flatten(0, 1), expected[:, 1:50], atol=1e-6, rtol=1e-6)


def test_only_the_band_is_kept():
    spectrogram = Spectrogram("power-image", 256, 128.0, SpectrogramSettings(band=(4.0, 8.0)))
    assert spectrogram.frequencies.tolist() == [4, 5, 6, 7, 8]
    assert spectrogram(torch.zeros(1, 2, 256)).shape == (1, 2, 5, spectrogram.n_segments)


def test_a_message_names_the_transform():
    with pytest.raises(ModelError, match="transform power-image expects windows of at least 1 s"):
        Spectrogram("power-image", 64, 128.0, SpectrogramSettings())
