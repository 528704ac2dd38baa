from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
import torch
from scipy import signal

from bids_dl.errors import ModelError
from bids_dl.transforms import PowerImage
from bids_dl.transforms.color_map import viridis
from bids_dl.transforms.power_image import PowerSettings
from bids_dl.transforms.spectrogram import SpectrogramSettings

NO_RESIZING = PowerSettings(SpectrogramSettings(1.0, 0.5, (0.0, 50.0)), size=(51, 11))


def test_viridis_is_that_of_matplotlib():
    expected = mpl.colormaps["viridis"](np.arange(256), bytes=True)[:, :3]
    np.testing.assert_array_equal((255 * viridis()).round(), expected)


def test_an_image_has_the_colors_of_matplotlib(float64):
    signals = np.random.default_rng(0).normal(0, 20, (2, 3, 600))
    _, _, density = signal.spectrogram(
        signals, 100.0, "hann", nperseg=100, noverlap=50, detrend=False
    )
    decibel = 10 * np.log10(density)
    decibel -= decibel.min(axis=(2, 3), keepdims=True)
    values = decibel / decibel.max(axis=(2, 3), keepdims=True)
    jet = mpl.colormaps["jet"]
    expected = np.moveaxis(jet(values)[..., :3], -1, 2).reshape(2, 9, 51, 11)
    transform = PowerImage(3, 600, 100.0, settings=NO_RESIZING, colors=jet(range(256))[:, :3])
    found = transform(torch.from_numpy(signals)).numpy()
    assert (np.abs(found - expected) < 1e-10).mean() > 0.999  # the rest is between two colors


def test_16_electrodes_are_48_channels():
    transform = PowerImage(16, 4000, 400.0)
    images = transform(torch.randn(2, 16, 4000))
    assert tuple(images.shape[1:]) == transform.output_shape == (48, 75, 75)
    assert 0 <= images.min() <= images.max() <= 1


def test_limits_are_the_same_for_all_images():
    settings = PowerSettings(limits=(-20.0, 40.0))
    transform = PowerImage(1, 800, 200.0, settings=settings)
    quiet, loud = (transform(torch.randn(1, 1, 800) * scale) for scale in (1e-6, 1e6))
    assert torch.equal(quiet[0, :, 0, 0], transform.colors[0])
    assert torch.equal(loud[0, :, 30, 0], transform.colors[-1])


def test_a_color_has_the_gradient_of_the_map():
    transform = PowerImage(1, 800, 200.0)
    values = torch.tensor([[0.5]], requires_grad=True)
    transform.color(values).sum().backward()
    slope = (transform.colors[129] - transform.colors[128]).sum() * 256
    torch.testing.assert_close(values.grad, slope.reshape(1, 1))


def test_colors_of_another_shape_are_refused():
    with pytest.raises(ModelError, match=r"shape \(n_colors, 3\), got \(256, 4\)"):
        PowerImage(1, 800, 200.0, colors=np.zeros((256, 4)))
