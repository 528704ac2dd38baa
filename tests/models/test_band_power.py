from __future__ import annotations

import numpy as np
import pytest
import torch
from learning import is_learnt, windows_of_two_rhythms
from scipy.signal import periodogram

from bids_dl.errors import ModelError
from bids_dl.models.band_power import BANDS, BandPower


def test_features_are_the_log_of_the_mean_periodogram_in_each_band():
    signals = torch.randn(3, 2, 500, generator=torch.Generator().manual_seed(0)) * 20 + 100
    frequencies, density = periodogram(signals.double().numpy(), 250.0, "hann")
    expected = []
    for low, high in BANDS.values():
        in_band = (frequencies >= low) & (frequencies < high)
        expected.append(10 * np.log10(density[..., in_band].mean(axis=2)))
    features = BandPower(2, 500, 2, 250.0).features(signals)
    np.testing.assert_allclose(features, np.stack(expected, axis=2).reshape(3, 10), atol=1e-3)


@pytest.mark.parametrize(("frequency", "band"), [(2, 0), (6, 1), (10, 2), (20, 3), (40, 4)])
def test_a_rhythm_has_its_power_in_its_band(frequency, band):
    times = torch.arange(256) / 128
    signals = torch.sin(2 * torch.pi * frequency * times).expand(1, 1, 256)
    features = BandPower(1, 256, 2, 128.0).features(signals)
    assert features.argmax() == band


@pytest.mark.parametrize(
    ("n_times", "sfreq", "bands"),
    [
        (256, 128.0, ["delta", "theta", "alpha", "beta", "gamma"]),
        (128, 64.0, ["delta", "theta", "alpha", "beta", "gamma"]),
        (100, 50.0, ["delta", "theta", "alpha", "beta"]),
        (12, 12.0, ["delta", "theta"]),
        (40, 200.0, ["theta", "alpha", "beta", "gamma"]),
        (16, 256.0, ["beta", "gamma"]),
    ],
)
def test_bands_above_the_rate_or_without_a_frequency_are_left_out(n_times, sfreq, bands):
    model = BandPower(3, n_times, 2, sfreq)
    assert list(model.bins) == bands
    assert model.eval()(torch.randn(1, 3, n_times)).shape == (1, 2)


def test_too_short_windows_are_refused_with_the_shortest_accepted_length():
    with pytest.raises(
        ModelError, match=r"at least 0\.0234 s \(12 samples at 512 Hz\), got 4 samples"
    ):
        BandPower(3, 4, 2, 512.0)
    assert list(BandPower(3, 12, 2, 512.0).bins) == ["gamma"]
    with pytest.raises(ModelError, match=r"sampling rate of at least 4 Hz, got 1 Hz"):
        BandPower(3, 100, 2, 1.0)


@pytest.mark.parametrize("value", [0.0, 1000.0])
def test_a_flat_channel_has_a_finite_power(value):
    features = BandPower(1, 256, 2, 128.0).features(torch.full((1, 1, 256), value))
    torch.testing.assert_close(features, torch.full((1, 5), -60.0), atol=1e-3, rtol=0)


def test_features_are_float32_under_autocast():
    model = BandPower(2, 256, 2, 128.0)
    signals = torch.randn(4, 2, 256)
    expected = model.features(signals)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(model.features(signals), expected)
        assert model(signals.bfloat16()).isfinite().all()


def test_outputs_are_linear_in_standardized_features():
    model = BandPower(2, 256, 1, 128.0)
    signals = torch.randn(16, 2, 256)
    torch.nn.init.normal_(model.dense.weight)
    features = model.features(signals)
    scores = (features - features.mean(dim=0)) / features.std(dim=0, correction=0)
    torch.testing.assert_close(model(signals), scores @ model.dense.weight.T, atol=1e-3, rtol=1e-3)


def test_the_model_learns_24_windows():
    assert is_learnt(BandPower(4, 128, 2, 128.0), *windows_of_two_rhythms(24, 4, 128))
