from __future__ import annotations

import numpy as np
import pytest
import torch

from bids_dl.transforms import TaperedFFT


@pytest.mark.parametrize(("n_times", "n_features"), [(256, 256), (101, 100)])
def test_features_are_those_of_the_released_code(n_times, n_features, float64):
    signals = np.random.default_rng(0).normal(5, 20, (3, 24, n_times))
    spectrum = np.fft.fft(signals * np.hamming(n_times))[..., : n_times // 2]
    log_power = np.log(np.abs(spectrum) ** 2)
    log_power -= log_power.mean(axis=2, keepdims=True)
    expected = np.concatenate([log_power, np.angle(spectrum)], axis=2)
    transform = TaperedFFT(24, n_times, 128.0)
    np.testing.assert_allclose(transform(torch.from_numpy(signals)), expected, atol=1e-10)
    assert transform.output_shape == (24, n_features)


def test_windows_of_a_batch_differ_from_the_first():
    features = TaperedFFT(2, 256, 128.0)(torch.randn(2, 2, 256))
    assert (features[0] != features[1]).any()
