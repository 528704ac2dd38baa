"""Clean samples for the calibration of ASR, against EEGLAB's definition and eegprep."""

from __future__ import annotations

import math
from fractions import Fraction

import mne
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import resample_poly

from bids_dl.preprocess.calibration import clean_mask, window_starts

TOLERANCES = (-3.5, 5.5)
RATES = [128, 250, 256, 500]  # Hz


def eeglab_starts(n_times, size):
    """Compute ``round(1:size*0.34:n_times-size) - 1`` exactly: ties are rounded up."""
    starts = []
    position = Fraction(1)
    while position <= n_times - size:
        starts.append(math.floor(position + Fraction(1, 2)) - 1)
        position += size * Fraction(34, 100)
    return starts


def eeglab_mask(signals, sfreq, fit):
    """Compute EEGLAB's clean_windows in plain loops."""
    n_chans, n_times = signals.shape
    starts = eeglab_starts(n_times, sfreq)
    scores = np.empty((n_chans, len(starts)))
    for i, signal in enumerate(signals):
        rms = np.array([math.sqrt(np.mean(signal[start : start + sfreq] ** 2)) for start in starts])
        mean, spread = fit(rms)[:2]
        scores[i] = (rms - mean) / spread
    tolerated = math.floor(n_chans * 0.075 + 0.5)
    mask = np.ones(n_times, dtype=bool)
    for j, start in enumerate(starts):
        ranked = sorted(scores[:, j])
        if ranked[-1 - tolerated] > TOLERANCES[1] or ranked[tolerated] < TOLERANCES[0]:
            mask[start : start + sfreq] = False
    return mask


@pytest.fixture(scope="module")
def eeglab_signals(shared):
    """Eight channels of EEGLAB's sample in µV at 128 Hz, high-pass filtered."""
    raw = mne.io.read_raw_eeglab(shared / "eeglab/eeglab_data.set", preload=True, verbose="error")
    return raw.filter(0.5, None, verbose="error").get_data()[::4] * 1e6


def resampled_part(signals, duration, sfreq):
    """Return the first seconds at another rate, with a loud end.

    The loud end makes one window more at the end change the result.
    """
    ratio = Fraction(sfreq, 128)
    resampled = resample_poly(signals, ratio.numerator, ratio.denominator, axis=1)
    part = resampled[:, : duration * sfreq].copy()
    part[:, -sfreq // 50 :] += 3000.0
    return part


@given(st.integers(1, 5000), st.integers(1, 600))
def test_windows_start_where_eeglab_starts_them(n_times, size):
    assert window_starts(n_times, size).tolist() == eeglab_starts(n_times, size)


@pytest.mark.parametrize("sfreq", RATES)
@pytest.mark.parametrize("duration", [120, 154, 171])
def test_no_window_lies_beyond_the_last_one_of_eeglab(duration, sfreq):
    starts = window_starts(duration * sfreq, sfreq)
    assert len(starts) == (duration - 1) * 100 // 34
    assert starts[-1] + sfreq < duration * sfreq


@pytest.mark.parametrize("sfreq", RATES)
@pytest.mark.parametrize("duration", [120, 154, 171])
def test_the_mask_equals_that_of_eeglab_if_eegprep_has_a_window_too_many(
    eeglab_signals, duration, sfreq
):
    stats = pytest.importorskip(
        "eegprep.plugins.clean_rawdata.private.stats", reason="needs bids_dl[clean]"
    )
    signals = resampled_part(eeglab_signals, duration, sfreq)
    mask = clean_mask(signals, sfreq, max_bad_channels=0.075, tolerances=TOLERANCES)
    expected = eeglab_mask(signals, sfreq, stats.fit_eeg_distribution)
    assert (mask == expected).all()
    assert 0 < expected.sum() < expected.size


@pytest.mark.parametrize("sfreq", [128, 250])
@pytest.mark.parametrize("duration", [119, 121, 150])
def test_the_mask_equals_that_of_eegprep_if_its_windows_are_right(eeglab_signals, duration, sfreq):
    clean_windows = pytest.importorskip(
        "eegprep.plugins.clean_rawdata.clean_windows", reason="needs bids_dl[clean]"
    ).clean_windows
    signals = resampled_part(eeglab_signals, duration, sfreq)
    mask = clean_mask(signals, sfreq, max_bad_channels=0.075, tolerances=TOLERANCES)
    structure = {
        "data": signals,
        "srate": sfreq,
        "nbchan": 8,
        "pnts": signals.shape[1],
        "trials": 1,
        "event": [],
        "xmin": 0,
        "xmax": duration,
    }
    assert (mask == clean_windows(structure, 0.075, TOLERANCES, 1.0)[1]).all()


def test_a_loud_second_is_not_clean(eeglab_signals):
    pytest.importorskip("eegprep", reason="needs bids_dl[clean]")
    signals = eeglab_signals.copy()
    signals[:, 6400:6528] += 2000.0
    mask = clean_mask(signals, 128, max_bad_channels=0.075, tolerances=TOLERANCES)
    assert not mask[6400:6528].any()
    assert mask.mean() > 0.5
