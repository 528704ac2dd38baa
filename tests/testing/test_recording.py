"""Signals of synthetic recordings."""

from __future__ import annotations

import numpy as np
from planted_power import measure_log_power
from synthetic_files import read_recordings

from bids_dl.testing import NOISE_UV, TONE_HZ, PlantedEffect, make_dataset


def test_blocks_tile_the_recording_and_alpha_is_in_the_closed_ones(tmp_path):
    [recording] = make_dataset(tmp_path, n_subjects=1).recordings
    blocks = [event for event in recording.events if event.n_times]
    assert [event.label for event in blocks] == ["open", "closed", "open", "closed"]
    assert [event.sample for event in blocks] == [0, 1600, 3200, 4800]
    signal = recording.signals()[recording.ch_names.index("O1")]
    power = []
    for event in blocks:
        spectrum = np.abs(np.fft.rfft(signal[event.sample : event.sample + event.n_times])) ** 2
        power.append(spectrum[80:131].mean())  # 8 to 13 Hz
    assert min(power[1], power[3]) > 10 * max(power[0], power[2])


def test_each_tone_has_its_stated_amplitude(tmp_path):
    [recording] = make_dataset(tmp_path, n_subjects=1).recordings
    signals = recording.signals()
    times = np.arange(signals.shape[1]) / recording.design.sfreq
    amplitudes = 2 * (signals * np.sin(2 * np.pi * TONE_HZ * times)).mean(-1)
    np.testing.assert_allclose(amplitudes, recording.tones, atol=0.1 * NOISE_UV)


def test_dropouts_are_zero_and_no_other_sample_is(tmp_path):
    dataset = make_dataset(tmp_path, n_subjects=1, format="bdf", dropouts=[(3.0, 1.5)])
    [(_, signals, _)] = read_recordings(dataset)
    dropout = slice(3 * 160, 4 * 160 + 80)
    assert np.abs(signals[:, dropout]).max() < 1e-3
    signals[:, dropout] = 1
    assert not (np.abs(signals) < 1e-3).all(0).any()


def test_a_written_recording_has_the_drawn_log_power_in_each_window(tmp_path):
    effect = PlantedEffect(electrodes=("O1", "O2"))
    dataset = make_dataset(tmp_path, n_subjects=2, n_runs=2, effect=effect)
    for content, signals, header in read_recordings(dataset):
        names = [header.ch_names.index(name) for name in effect.electrodes]
        windows = signals[names].reshape(2, 20, 320).swapaxes(0, 1)
        measured = measure_log_power(effect, windows)
        expected = np.broadcast_to(content.log_power()[:, None], (20, 2))
        is_strong = expected > -2  # a weaker one is hidden by the background and the file format
        np.testing.assert_allclose(measured[is_strong], expected[is_strong], atol=0.25)
        assert is_strong.mean() > 0.6


def test_recordings_without_an_effect_have_no_log_power_and_no_votes(tmp_path):
    [recording] = make_dataset(tmp_path, n_subjects=1).recordings
    assert recording.log_power().size == recording.votes().size == 0
