"""Select the clean parts of a recording, as EEGLAB's clean_windows does to calibrate ASR."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bids_dl.preprocess.step import Array

WINDOW_SECONDS = 1.0
STRIDE_PERCENT = 34  # of a window, between the starts of windows: EEGLAB's overlap of 0.66
MAD_TO_STD = 1.4826  # standard deviation over median absolute deviation, for a normal distribution


def window_starts(n_times: int, size: int) -> NDArray[np.int64]:
    """Return the first samples of EEGLAB's windows.

    These are ``round(1:size*0.34:n_times-size)`` counted from 0, computed in integers. eegprep
    0.3.0 takes one window more if the last step ends within a sample of the bound, as it does at
    120 s; the calibration then differs on some percent of the samples.

    Parameters
    ----------
    n_times
        Number of samples of the signal.
    size
        Number of samples of a window.
    """
    count = 0
    if n_times > size:
        count = max(0, (n_times - size - 1) * 100 // (STRIDE_PERCENT * size) + 1)
    return (np.arange(count, dtype=np.int64) * STRIDE_PERCENT * size + 50) // 100


def clean_mask(
    signals: Array, sfreq: float, *, max_bad_channels: float, tolerances: tuple[float, float]
) -> NDArray[np.bool_]:
    """Find the clean samples of a recording (clean_rawdata's clean_windows).

    A sample is clean if it is in no window in which the power of too many channels is far from
    the power that they usually have.

    Parameters
    ----------
    signals
        (n_chans, n_times), high-pass filtered and longer than a window.
    sfreq
        Sampling rate in Hz.
    max_bad_channels
        Largest share of the channels that may be bad in a clean window.
    tolerances
        Power below and above which a channel is bad, in standard deviations of its clean power.

    Returns
    -------
    NDArray
        (n_times,) of bool.
    """
    n_chans, n_times = signals.shape
    size = math.floor(WINDOW_SECONDS * sfreq + 0.5)
    starts = window_starts(n_times, size)
    scores = np.sort([_power_scores(signal, starts, size) for signal in signals], axis=0)
    n_bad = min(math.floor(n_chans * max_bad_channels + 0.5), n_chans - 1)
    low, high = tolerances
    is_bad = (scores[n_chans - 1 - n_bad] > high) | (scores[n_bad] < low)
    mask = np.ones(n_times, dtype=bool)
    for start in starts[is_bad]:
        mask[start : start + size] = False
    return mask


def _power_scores(signal: Array, starts: NDArray[np.int64], size: int) -> Array:
    """Standardize the root mean square of each window by the distribution of clean windows."""
    from eegprep.plugins.clean_rawdata.private.stats import fit_eeg_distribution

    power = np.lib.stride_tricks.sliding_window_view(signal**2, size)[starts]
    rms = np.sqrt(power.sum(axis=1) / size)
    mean, spread = fit_eeg_distribution(rms)[:2]
    if spread == 0 or np.isnan(spread):
        mean = np.median(rms)
        spread = np.median(np.abs(rms - mean)) * MAD_TO_STD or 1.0
    return np.asarray((rms - mean) / spread, dtype=np.float64)
