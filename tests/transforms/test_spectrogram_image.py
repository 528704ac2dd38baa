from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal

from bids_dl.errors import ModelError
from bids_dl.transforms import HMS, ImageSettings, SpectrogramImage


def test_an_image_is_the_normalized_logarithm_of_the_mean_power_of_each_group(float64):
    signals = np.random.default_rng(0).normal(0, 20, (2, 4, 300))
    _, _, density = signal.spectrogram(
        signals, 100.0, "hann", nperseg=100, noverlap=90, detrend=False
    )
    groups = density[:, :, 1:21].reshape(2, 2, 2, 20, -1).mean(axis=2)
    logarithm = np.log(groups).reshape(2, 40, -1)
    mean = logarithm.mean(axis=(1, 2), keepdims=True)
    expected = (logarithm - mean) / logarithm.std(axis=(1, 2), keepdims=True)
    transform = SpectrogramImage(4, 300, 100.0, ImageSettings(n_groups=2))
    found = transform(torch.from_numpy(signals))
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-6)
    assert tuple(found.shape[1:]) == transform.output_shape


def test_the_image_of_hms_has_100_frequencies_of_each_chain():
    transform = SpectrogramImage(16, 4000, 200.0, HMS)
    frequencies = transform.spectrogram.frequencies
    assert len(frequencies) == 100
    assert frequencies[[0, -1]].round(2).tolist() == [0.59, 19.92]
    images = transform(torch.randn(1, 16, 4000) * 20)
    assert images.shape == (1, 3, 400, 300)
    assert torch.equal(images[:, 0], images[:, 2])


def test_power_outside_the_limits_becomes_the_limit():
    transform = SpectrogramImage(1, 256, 128.0, ImageSettings(limits=(1.0, 1.0)))
    assert transform(torch.randn(1, 1, 256)).eq(0).all()


def test_channels_that_cannot_be_grouped_are_refused():
    with pytest.raises(ModelError, match="18 channels cannot be divided into 4 groups"):
        SpectrogramImage(18, 4000, 200.0, HMS)
