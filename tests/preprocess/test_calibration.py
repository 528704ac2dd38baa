"""The windows that ASR is calibrated on: EEGLAB's, at the durations where eegprep 0.3.0 takes one more."""

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
RATES = [128, 250, 256, 500]


def eeglab_starts(n_times, size):
    """``round(1:size*0.34:n_times-size) - 1``, exactly: the colon stops at its bound, ties are rounded up."""
    starts, at = [], Fraction(1)
    while at <= n_times - size:
        starts.append(math.floor(at + Fraction(1, 2)) - 1)
        at += size * Fraction(34, 100)
    return starts


def eeglab_mask(signals, sfreq, fit):
    """EEGLAB's clean_windows in plain loops."""
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
def real(shared):
    """Eight channels of EEGLAB's sample in µV at 128 Hz, high-pass filtered."""
    raw = mne.io.read_raw_eeglab(shared / "eeglab/eeglab_data.set", preload=True, verbose="error")
    return raw.filter(0.5, None, verbose="error").get_data()[::4] * 1e6


def excerpt(real, duration, sfreq):
    """So many s at this rate; the last window is loud, so that it matters whether one more is taken there."""
    ratio = Fraction(sfreq, 128)
    signals = resample_poly(real, ratio.numerator, ratio.denominator, axis=1)[
        :, : duration * sfreq
    ].copy()
    signals[:, -sfreq // 50 :] += 3000.0
    return signals


@given(st.integers(1, 5000), st.integers(1, 600))
def test_windows_start_where_eeglab_starts_them(n_times, size):
    assert window_starts(n_times, size).tolist() == eeglab_starts(n_times, size)


@pytest.mark.parametrize("sfreq", RATES)
@pytest.mark.parametrize("duration", [120, 154, 171])
def test_no_window_is_taken_beyond_eeglabs_last_one(duration, sfreq):
    starts = window_starts(duration * sfreq, sfreq)
    assert len(starts) == (duration - 1) * 100 // 34
    assert starts[-1] + sfreq < duration * sfreq


@pytest.mark.parametrize("sfreq", RATES)
@pytest.mark.parametrize("duration", [120, 154, 171])
def test_the_mask_is_eeglabs_where_eegprep_takes_a_window_more(real, duration, sfreq):
    stats = pytest.importorskip(
        "eegprep.plugins.clean_rawdata.private.stats", reason="needs bids_dl[clean]"
    )
    signals = excerpt(real, duration, sfreq)
    made = clean_mask(signals, sfreq, max_bad_channels=0.075, tolerances=TOLERANCES)
    wanted = eeglab_mask(signals, sfreq, stats.fit_eeg_distribution)
    assert (made == wanted).all()
    assert 0 < wanted.sum() < wanted.size


@pytest.mark.parametrize("sfreq", [128, 250])
@pytest.mark.parametrize("duration", [119, 121, 150])
def test_the_mask_is_eegpreps_where_its_windows_are_right(real, duration, sfreq):
    clean_windows = pytest.importorskip(
        "eegprep.plugins.clean_rawdata.clean_windows", reason="needs bids_dl[clean]"
    ).clean_windows
    signals = excerpt(real, duration, sfreq)
    made = clean_mask(signals, sfreq, max_bad_channels=0.075, tolerances=TOLERANCES)
    given = {
        "data": signals,
        "srate": sfreq,
        "nbchan": 8,
        "pnts": signals.shape[1],
        "trials": 1,
        "event": [],
        "xmin": 0,
        "xmax": duration,
    }
    assert (made == clean_windows(given, 0.075, TOLERANCES, 1.0)[1]).all()


def test_a_loud_second_is_not_clean(real):
    pytest.importorskip("eegprep", reason="needs bids_dl[clean]")
    signals = real.copy()
    signals[:, 6400:6528] += 2000.0
    mask = clean_mask(signals, 128, max_bad_channels=0.075, tolerances=TOLERANCES)
    assert not mask[6400:6528].any()
    assert mask.mean() > 0.5
