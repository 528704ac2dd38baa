"""Resampling against MNE, and the times of impulses, tones and annotations."""

from __future__ import annotations

import math
from fractions import Fraction

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from step_runs import assert_signals_close, make_noise, make_raw, run_step

from bids_dl.datamodel import StepReport
from bids_dl.preprocess.recipe import spec_of
from bids_dl.preprocess.steps import resample
from bids_dl.preprocess.steps.resample import Resample

RATES = [100.0, 128.0, 160.0, 200.0, 250.0, 256.0, 1000 / 3, 499.998, 500.0, 512.0, 1000.0, 2048.0]


@pytest.mark.parametrize(
    ("sfreq", "new_sfreq", "n_times"),
    [(160.0, 128.0, 3200), (500.0, 128.0, 5000), (100.0, 128.0, 1000), (1000.0, 250.0, 4000)],
)
def test_resample_equals_mne_if_the_length_is_a_multiple_of_the_ratio(sfreq, new_sfreq, n_times):
    raw = make_noise(sfreq, n_times=n_times)
    resampled, _ = run_step(raw, Resample(new_sfreq))
    expected = raw.copy().resample(new_sfreq, method="polyphase", verbose="error")
    assert_signals_close(resampled, expected)


@given(
    sfreq=st.sampled_from(RATES),
    new_sfreq=st.sampled_from([100.0, 128.0, 200.0, 256.0, 500.0]),
    position=st.floats(0.2, 0.8),
    extra=st.integers(0, 400),
)
@settings(max_examples=60)
def test_an_impulse_stays_at_its_time(sfreq, new_sfreq, position, extra):
    n_times = int(4 * sfreq) + extra  # mostly no multiple of the ratio
    sample = int(position * n_times)
    raw = make_raw(np.eye(1, n_times, sample), sfreq)
    step = Resample(new_sfreq)
    resampled, _ = run_step(raw, step)
    exact = sample * step.output_spec(spec_of(raw)).sfreq / spec_of(raw).sfreq
    half = Fraction(1, 2)
    nearest = {math.floor(exact + half), math.ceil(exact - half)}  # two if it is half-way
    assert int(np.argmax(resampled.get_data()[0])) in nearest


@pytest.mark.parametrize("sfreq", RATES)
def test_a_tone_of_an_odd_length_is_not_stretched(sfreq):
    n_times = int(10 * sfreq) + 7
    raw = make_raw(np.sin(2 * np.pi * 10 * np.arange(n_times) / sfreq)[None], sfreq)
    resampled, _ = run_step(raw, Resample(128.0))
    expected = np.sin(2 * np.pi * 10 * np.arange(resampled.n_times) / 128.0)
    np.testing.assert_allclose(resampled.get_data()[0, 64:-64], expected[64:-64], atol=2e-3)
    assert resampled.n_times == math.ceil(n_times * Fraction(128) / spec_of(raw).sfreq)


def test_annotations_bad_channels_positions_and_filters_are_kept():
    raw = make_noise(500.0, n_times=5003)
    raw.rename_channels({"E1": "Cz", "E2": "O1", "E3": "O2", "E4": "Pz"}).set_montage("easycap-M1")
    raw.info["bads"] = ["O2"]
    raw.info["line_freq"] = 50.0
    raw.set_annotations(mne.Annotations([1.5], [2.0], ["rest"]))
    raw.crop(tmin=1.0)
    resampled, _ = run_step(raw, Resample(128.0))
    info = resampled.info
    assert (info["bads"], info["line_freq"]) == (["O2"], 50.0)
    assert (info["sfreq"], info["lowpass"]) == (128.0, 64.0)
    assert resampled.annotations.onset - resampled.first_time == pytest.approx(
        raw.annotations.onset - raw.first_time, abs=1 / 128
    )
    np.testing.assert_array_equal(info["chs"][1]["loc"], raw.info["chs"][1]["loc"])


def test_a_stimulus_channel_keeps_its_codes():
    codes = np.repeat([0.0, 5.0, 0.0, 7.0], 500)
    noise = np.random.default_rng(0).standard_normal(2000)
    raw = make_raw(np.array([noise, codes]), 500.0, ["eeg", "stim"])
    resampled_codes = run_step(raw, Resample(128.0))[0].get_data()[1]
    assert set(resampled_codes) == {0.0, 5.0, 7.0}
    np.testing.assert_array_equal(np.flatnonzero(np.diff(resampled_codes)) + 1, [128, 256, 384])


def test_the_same_rate_changes_nothing():
    raw = make_noise()
    resampled, report = run_step(raw, Resample(160.0))
    assert_signals_close(resampled, raw)
    assert (report.share, report.flag) == (0, "changed nothing")


@given(
    sfreq=st.sampled_from([100, 160, 250, 333, 512]),
    edges=st.sets(st.integers(1, 999), min_size=1, max_size=4),
    segment=st.integers(0, 4),
)
@settings(max_examples=40)
def test_no_segment_affects_another_across_a_jump_in_time(sfreq, edges, segment):
    bounds = [0, *sorted(edges), 1000]
    start, stop = bounds[segment % len(edges) : segment % len(edges) + 2]
    resampled_segments = []
    for offset in (0.0, 1e-3):  # in V, on all other segments
        raw = make_noise(sfreq=sfreq, n_chans=2, n_times=1000)
        raw._data[:, :start] += offset
        raw._data[:, stop:] += offset
        raw.set_annotations(mne.Annotations(np.array(sorted(edges)) / sfreq, 0, "EDGE boundary"))
        signals = run_step(raw, Resample(128))[0].get_data()
        assert np.isfinite(signals).all()
        first = math.ceil(start * 128 / sfreq)
        last = math.ceil(stop * 128 / sfreq)
        resampled_segments.append(signals[:, first:last])
    np.testing.assert_array_equal(*resampled_segments)


@pytest.mark.parametrize("n_times", [2, 333, 5001])
@pytest.mark.parametrize("n_chans", [1, 7])
def test_channels_resampled_together_equal_those_resampled_alone(monkeypatch, n_chans, n_times):
    signals = np.random.default_rng(0).normal(size=(n_chans, n_times))
    monkeypatch.setattr(resample, "BATCH_BYTES", 3 * 8 * n_times)  # batches of three channels
    together, _ = run_step(make_raw(signals, 160.0), Resample(128.0))
    for channel, signal in enumerate(signals):
        alone, _ = run_step(make_raw(signal[None], 160.0), Resample(128.0))
        np.testing.assert_array_equal(together.get_data()[channel], alone.get_data()[0])


@pytest.mark.parametrize("edge", [None, 1001])
@pytest.mark.parametrize("sfreq", [100.0, 160.0, 500.0, 1000 / 3, 1000.0])
def test_samples_in_intervals_equal_those_of_the_whole_recording_to_the_bit(sfreq, edge):
    raw = make_noise(sfreq, n_times=6007)
    if edge is not None:
        raw.annotations.append(edge / sfreq, 0.0, "EDGE boundary")
    step = Resample(128.0)
    spec = spec_of(raw)
    whole = step.apply(raw.copy(), spec)[0].get_data()
    n_times = whole.shape[1]
    jump = round((edge or 0) / sfreq * 128)
    starts = [0, 5, n_times // 3, n_times // 3 + 9, jump, max(0, jump - 8), n_times - 16]
    intervals = [(start, start + 16) for start in starts]
    resampled, report = step.apply_to_intervals(raw.copy(), spec, intervals)
    signals = resampled.get_data()
    assert report == StepReport("resample")
    for first, last in intervals:
        np.testing.assert_array_equal(signals[:, first:last], whole[:, first:last])
    assert np.isnan(signals).any()  # what no interval needs is not computed


def test_intervals_of_a_recording_that_has_the_rate_change_nothing():
    raw = make_noise(128.0, n_times=500)
    resampled, _ = Resample(128.0).apply_to_intervals(raw, spec_of(raw), [(3, 9)])
    assert resampled is raw
    assert np.isfinite(raw.get_data()).all()
