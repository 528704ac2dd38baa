"""Clean stretches of a recording, as EEGLAB's clean_windows selects them to calibrate ASR on."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bids_dl.preprocess.step import Array

WINDOW = 1.0  # s
STRIDE = 34  # hundredths of a window from one to the next: EEGLAB's overlap of 0.66
SAME_SPREAD = 1.4826  # standard deviation over median absolute deviation, of a normal distribution


def window_starts(n_times: int, size: int) -> NDArray[np.int64]:
    """First samples of EEGLAB's windows, ``round(1:size*0.34:n_times-size)`` counted from 0, by whole numbers.

    eegprep 0.3.0 takes one window more where the last step ends within a sample of the bound, as it does at 120 s, and the calibration
    then differs on some percent of the samples.
    """
    count = max(0, (n_times - size - 1) * 100 // (STRIDE * size) + 1) if n_times > size else 0
    return (np.arange(count, dtype=np.int64) * STRIDE * size + 50) // 100


def clean_mask(
    signals: Array, sfreq: float, *, max_bad_channels: float, tolerances: tuple[float, float]
) -> NDArray[np.bool_]:
    """Which samples are clean (n_times,): in no window where too many channels have a power far from their usual one.

    Parameters
    ----------
    signals
        (n_chans, n_times), high-pass filtered and longer than a window.
    max_bad_channels
        Share of the channels that may be bad in a clean window.
    tolerances
        Below and above which a channel's power is bad, in standard deviations of its clean power.
    """
    n_chans, n_times = signals.shape
    size = math.floor(WINDOW * sfreq + 0.5)
    starts = window_starts(n_times, size)
    scores = np.sort([_scores(signal, starts, size) for signal in signals], axis=0)
    n_bad = min(math.floor(n_chans * max_bad_channels + 0.5), n_chans - 1)
    low, high = tolerances
    removed = (scores[n_chans - 1 - n_bad] > high) | (scores[n_bad] < low)
    mask = np.ones(n_times, dtype=bool)
    for start in starts[removed]:
        mask[start : start + size] = False
    return mask


def _scores(signal: Array, starts: NDArray[np.int64], size: int) -> Array:
    """Each window's root mean square against the distribution of clean ones."""
    from eegprep.plugins.clean_rawdata.private.stats import fit_eeg_distribution

    power = np.lib.stride_tricks.sliding_window_view(signal**2, size)[starts]
    rms = np.sqrt(power.sum(axis=1) / size)
    mean, spread = fit_eeg_distribution(rms)[:2]
    if spread == 0 or np.isnan(spread):
        mean = np.median(rms)
        spread = np.median(np.abs(rms - mean)) * SAME_SPREAD or 1.0
    return np.asarray((rms - mean) / spread, dtype=np.float64)
