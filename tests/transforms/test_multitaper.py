from __future__ import annotations

import numpy as np
import pytest
import torch
from mne.time_frequency import psd_array_multitaper

from bids_dl.errors import ModelError
from bids_dl.transforms import Multitaper


@pytest.mark.parametrize(
    ("n_times", "sfreq", "bandwidth"), [(256, 128.0, 4.0), (255, 100.0, 3.0), (400, 200.0, 0.5)]
)
def test_the_density_is_that_of_mne(n_times, sfreq, bandwidth, float64):
    signals = np.random.default_rng(0).normal(100, 20, (3, 4, n_times))
    transform = Multitaper(4, n_times, sfreq, bandwidth=bandwidth, decibel=False)
    expected, frequencies = psd_array_multitaper(
        signals, sfreq, bandwidth=bandwidth, normalization="full", verbose="error"
    )
    np.testing.assert_allclose(transform.frequencies, frequencies, atol=1e-10)
    np.testing.assert_allclose(transform(torch.from_numpy(signals)), expected, atol=1e-10)


@pytest.mark.parametrize("bandwidth", [0.4, 200.0])
def test_a_bandwidth_that_the_window_does_not_resolve_is_refused(bandwidth):
    with pytest.raises(ModelError, match=r"does not fit windows of 256 samples .* 0\.5 to 128 Hz"):
        Multitaper(4, 256, 128.0, bandwidth=bandwidth)
