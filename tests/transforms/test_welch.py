from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import welch
from scipy.signal.windows import hamming

from bids_dl.transforms import SPECTOPO, Welch, WelchSettings

SIGNALS = np.random.default_rng(0).normal(5, 20, (3, 4, 500))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (WelchSettings(), {"nperseg": 128}),
        (WelchSettings(seconds=2.0, overlap=0.25), {"nperseg": 256, "noverlap": 64}),
        (WelchSettings(seconds=0.99), {"nperseg": 127}),
        (
            SPECTOPO,
            {"nperseg": 128, "noverlap": 50, "detrend": False, "window": hamming(128)},
        ),
    ],
)
def test_the_density_is_that_of_scipy(settings, expected, float64):
    transform = Welch(4, 500, 128.0, settings=settings, decibel=False)
    frequencies, density = welch(SIGNALS, 128.0, **expected)
    np.testing.assert_allclose(transform.frequencies, frequencies, atol=1e-10)
    np.testing.assert_allclose(transform(torch.from_numpy(SIGNALS)), density, atol=1e-10)


def test_float32_differs_by_less_than_a_thousandth_of_a_decibel():
    _, density = welch(SIGNALS, 128.0, nperseg=128)
    features = Welch(4, 500, 128.0)(torch.from_numpy(SIGNALS).float())
    np.testing.assert_allclose(features, 10 * np.log10(density), atol=1e-3)


def test_an_overlap_of_64_samples_is_another_spectrum_than_that_of_50():
    signals = torch.from_numpy(SIGNALS)[..., :256].float()
    half = Welch(4, 256, 128.0, settings=WelchSettings(1.0, 0.5, "hamming", demean=False))
    difference = half(signals) - Welch(4, 256, 128.0, settings=SPECTOPO)(signals)
    assert difference.square().mean().sqrt() > 0.5
