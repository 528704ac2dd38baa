"""Windows are resampled by the exact ratio, as SciPy resamples them."""

from __future__ import annotations

from fractions import Fraction

import montage_stores
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from montage_stores import MontageStore
from scipy.signal import resample_poly
from streams import all_rows

from bids_dl.errors import ConfigError, StoreError
from bids_dl.stream import Batch, StreamingDataset
from bids_dl.stream.mixing.resampling import make_resampler, resampled_length


@settings(max_examples=60)
@given(
    st.integers(1, 40).flatmap(lambda period: st.tuples(st.just(period), st.integers(1, 12))),
    st.integers(1, 60),
    st.integers(0, 3),
)
def test_values_are_those_of_scipy(sizes, numerator, n_windows):
    period, n_periods = sizes
    ratio = Fraction(numerator, period)
    n_times = ratio.denominator * n_periods
    signals = np.random.default_rng(0).standard_normal((n_windows, 2, n_times)).astype(np.float32)
    resampled = make_resampler(n_times, ratio)(signals)
    assert resampled.shape == (n_windows, 2, n_times * ratio)
    assert resampled.dtype == np.float32
    if n_windows:
        expected = resample_poly(
            signals, ratio.numerator, ratio.denominator, axis=2, padtype="edge"
        )
        np.testing.assert_allclose(resampled, expected, atol=1e-5)


@pytest.mark.parametrize("ratio", [Fraction(1, 4), Fraction(64, 125), Fraction(3)])
def test_the_first_sample_stays_at_the_onset_and_sample_k_is_the_time_k_over_the_rate(ratio):
    n_times = 500
    time = np.arange(n_times) / 250
    wave = np.sin(2 * np.pi * 5 * time + 0.3)
    resampled = make_resampler(n_times, ratio)(wave[None, None].astype(np.float32))[0, 0]
    new_time = np.arange(len(resampled)) / (250 * float(ratio))
    inner = slice(len(resampled) // 10, -len(resampled) // 10)
    expected = np.sin(2 * np.pi * 5 * new_time + 0.3)
    np.testing.assert_allclose(resampled[inner], expected[inner], atol=2e-3)


def test_frequencies_above_the_new_limit_are_removed():
    time = np.arange(1000) / 500
    wave = np.sin(2 * np.pi * 150 * time).astype(np.float32)[None, None]
    resampled = make_resampler(1000, Fraction(1, 5))(wave)[0, 0]
    assert np.abs(resampled[10:-10]).max() < 0.01


def test_repeating_the_edges_is_closer_to_the_whole_recording_than_reflecting_them():
    rng = np.random.default_rng(0)
    spectrum = np.fft.rfft(rng.standard_normal(20_000)) / np.arange(1, 10_002)
    recording = np.fft.irfft(spectrum) * 1000  # amplitude falls with frequency as in EEG
    whole = resample_poly(recording, 1, 2)
    windows = recording.reshape(-1, 1, 400).astype(np.float32)
    expected = whole.reshape(-1, 200)
    edges = np.r_[:5, 195:200]
    repeated = make_resampler(400, Fraction(1, 2))(windows)[:, 0]
    reflected = resample_poly(windows, 1, 2, axis=2, padtype="reflect")[:, 0]
    errors = [np.std((values - expected)[:, edges]) for values in (repeated, reflected)]
    assert errors[0] < errors[1]


def test_lengths_are_exact():
    assert resampled_length(500, 250, 128) == 256
    assert resampled_length(1000, 1000 / 3, 100) == 300


def test_a_single_store_is_resampled_and_delivers_plain_batches(tmp_path):
    content = MontageStore(6, sfreq=256.0)
    path = montage_stores.write(tmp_path / "a.zarr", content)
    stream = StreamingDataset(path, sfreq=100, batch_size=8)
    assert (stream.sfreq, stream.n_chans, stream.n_times) == (100.0, 6, 50)
    assert stream.channels == content.channels
    expected = resample_poly(content.signals, 25, 64, axis=2, padtype="edge")
    batches = list(stream)
    assert sorted(all_rows(batches)) == list(range(30))
    for batch in batches:
        assert isinstance(batch, Batch)
        np.testing.assert_allclose(batch.signals, expected[batch.index], atol=1e-4)


def test_stores_of_the_same_channels_and_other_rates_join_at_one_rate(tmp_path):
    contents = [MontageStore(5, sfreq=sfreq, seed=i) for i, sfreq in enumerate((128.0, 250.0))]
    paths = [montage_stores.write(tmp_path / f"{c.seed}.zarr", c) for c in contents]
    with pytest.raises(StoreError, match=r"64 samples .* are 62.5 samples at 125 Hz"):
        StreamingDataset(paths, sfreq=125)
    stream = StreamingDataset(paths, sfreq=64, normalize=(np.zeros(5), np.full(5, 2.0)))
    expected = np.concatenate(
        [
            resample_poly(contents[0].signals, 1, 2, axis=2, padtype="edge"),
            resample_poly(contents[1].signals, 32, 125, axis=2, padtype="edge"),
        ]
    )
    for batch in stream:
        assert isinstance(batch, Batch)
        np.testing.assert_allclose(batch.signals, expected[batch.index] / 2, atol=1e-4)


def test_the_same_rate_changes_nothing(tmp_path):
    content = MontageStore(3)
    path = montage_stores.write(tmp_path / "a.zarr", content)
    for batch in StreamingDataset(path, sfreq=128.0, batch_size=8):
        np.testing.assert_array_equal(batch.signals, content.signals[batch.index])


def test_a_window_of_no_whole_number_of_samples_is_refused_with_the_nearest_window(tmp_path):
    path = montage_stores.write(tmp_path / "a.zarr", MontageStore(3, sfreq=250.0))
    with pytest.raises(
        StoreError,
        match=r"a.zarr: windows of 125 samples \(0.5 s at 250 Hz\) are 50.5 samples at 101 Hz; "
        r"convert with a window of 1 s, or choose another sfreq",
    ):
        StreamingDataset(path, sfreq=101)


@pytest.mark.parametrize("sfreq", [0, -128, float("nan"), float("inf"), 1e12, 10**400])
def test_a_rate_that_is_not_positive_or_too_high_is_refused(tmp_path, sfreq):
    path = montage_stores.write(tmp_path / "a.zarr", MontageStore(3))
    with pytest.raises(ConfigError, match="sfreq must be a positive rate in Hz, got"):
        StreamingDataset(path, sfreq=sfreq)


@pytest.mark.parametrize("sfreq", ["128", True])
def test_a_rate_that_is_no_number_is_refused(tmp_path, sfreq):
    path = montage_stores.write(tmp_path / "a.zarr", MontageStore(3))
    with pytest.raises(TypeError, match="sfreq must be a rate in Hz or None, got"):
        StreamingDataset(path, sfreq=sfreq)


def test_a_rate_of_any_type_of_number_is_the_same(tmp_path):
    path = montage_stores.write(tmp_path / "a.zarr", MontageStore(3, n_windows=6))
    expected, actual = (
        next(iter(StreamingDataset(path, sfreq=sfreq))).signals for sfreq in (64, np.float32(64))
    )
    assert actual.equal(expected)
