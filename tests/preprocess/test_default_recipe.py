"""Default recipe against plain MNE calls, and on signals of known content."""

from __future__ import annotations

import math
from fractions import Fraction

import mne
import numpy as np
import pytest
from step_runs import assert_signals_close, make_raw

from bids_dl.config.stages import PreprocessConfig
from bids_dl.preprocess import load_recipe
from bids_dl.testing import ALPHA_HZ, NOISE_UV, TONE_HZ, make_dataset


def test_the_default_recipe_on_real_eeg_equals_plain_mne_calls(eegbci):
    file = sorted(eegbci.rglob("*_eeg.edf"))[0]
    raw = mne.io.read_raw_edf(file, preload=True, verbose="error")
    expected = raw.copy().filter(0.5, 45.0, verbose="error")
    expected.set_eeg_reference("average", verbose="error")
    expected.resample(128, method="polyphase", verbose="error")
    processed, _ = load_recipe(PreprocessConfig()).run(raw)
    assert processed.ch_names == expected.ch_names
    assert processed.n_times == expected.n_times
    assert_signals_close(processed, expected)


@pytest.mark.parametrize("sfreq", [128, 250, 512])
def test_the_default_recipe_keeps_tones_alpha_and_impulses_of_known_content(tmp_path, sfreq):
    [content] = make_dataset(tmp_path, n_subjects=1, sfreq=sfreq).recordings
    raw = make_raw(content.signals() / 1e6, float(sfreq))
    processed, _ = load_recipe(PreprocessConfig()).run(raw)
    signals = processed.get_data() * 1e6
    tones = 2 * (signals * np.sin(2 * np.pi * TONE_HZ * processed.times)).mean(-1)
    np.testing.assert_allclose(
        tones, np.array(content.tones) - np.mean(content.tones), atol=0.1 * NOISE_UV
    )
    wave = np.sin(2 * np.pi * ALPHA_HZ * processed.times)
    for event in content.events:
        start = math.floor(event.sample * Fraction(128, sfreq) + Fraction(1, 2))
        if event.label == "impulse":
            assert np.argmax(np.abs(signals[0, start - 20 : start + 21])) == 20
            continue
        block = slice(start, start + event.n_times * 128 // sfreq)
        alphas = 2 * (signals[:, block] * wave[block]).mean(-1)
        expected = (np.array(content.alphas) - np.mean(content.alphas)) * (event.label == "closed")
        np.testing.assert_allclose(alphas, expected, atol=0.4 * NOISE_UV)
