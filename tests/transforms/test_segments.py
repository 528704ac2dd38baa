from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import periodogram
from scipy.signal.windows import hamming, hann

from bids_dl.errors import ModelError
from bids_dl.transforms.segments import (
    SegmentPower,
    make_taper,
    segment_samples,
    select_bins,
    to_decibel,
)


@pytest.mark.parametrize("n_samples", [2, 7, 128])
def test_tapers_are_those_of_scipy(n_samples):
    np.testing.assert_allclose(
        make_taper("hann", n_samples), hann(n_samples, sym=False), atol=1e-15
    )
    np.testing.assert_allclose(make_taper("hamming", n_samples), hamming(n_samples), atol=1e-15)


@pytest.mark.parametrize("n_samples", [15, 16])
def test_the_density_of_one_segment_is_a_periodogram(n_samples, float64):
    signals = np.random.default_rng(0).normal(10, 3, (2, 3, n_samples))
    taper = make_taper("hann", n_samples)
    segments = SegmentPower(taper, n_samples, 100.0, demean=True)
    _, expected = periodogram(signals, 100.0, taper)
    np.testing.assert_allclose(
        segments(torch.from_numpy(signals))[:, :, 0], expected, atol=1e-10, rtol=1e-10
    )


def test_segments_are_those_that_fit_the_window():
    segments = SegmentPower(make_taper("hann", 128), 78, 128.0, demean=True)
    assert segments.n_segments(256) == segments(torch.zeros(1, 1, 256)).shape[2] == 2
    assert segments.n_segments(205) == segments(torch.zeros(1, 1, 205)).shape[2] == 1


def test_a_window_shorter_than_a_segment_is_refused_with_the_shortest_length():
    with pytest.raises(
        ModelError, match=r"welch expects windows of at least 1 s \(128 samples at 128 Hz\), got 64"
    ):
        segment_samples("welch", 1.0, 64, 128.0)
    with pytest.raises(ModelError, match=r"segments of 0\.001 s at 128 Hz have fewer than 2"):
        segment_samples("welch", 0.001, 64, 128.0)


def test_both_ends_of_a_band_belong_to_it_in_spite_of_rounding():
    frequencies = np.fft.rfftfreq(1000, 1 / 200)
    start, stop = select_bins("welch", frequencies, 0.6, 20.0)
    np.testing.assert_allclose(frequencies[[start, stop - 1]], [0.6, 20.0])


def test_a_band_that_the_spectrum_does_not_have_is_refused():
    with pytest.raises(ModelError, match=r"14 to 25 Hz ends above the highest frequency .* 20 Hz"):
        select_bins("welch", np.arange(21.0), 14.0, 25.0)
    with pytest.raises(ModelError, match=r"no frequency lies in the band 4\.1 to 4\.9 Hz"):
        select_bins("welch", np.arange(21.0), 4.1, 4.9)


def test_the_power_of_a_flat_channel_is_minus_60_decibel():
    assert to_decibel(torch.tensor([0.0, 1.0, 100.0])).tolist() == pytest.approx([-60, 0, 20])
