"""Removal of the samples with the smallest gradient, beside a removal at random."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bids_dl.explanation.contents import Floats
from bids_dl.explanation.spectra import compute_power, to_decibels

Samples = npt.NDArray[np.float64]


def count_removed(quantile: float, n_times: int) -> int:
    """Return the number of samples of a channel that are removed, all but two at most.

    Examples
    --------
    >>> count_removed(0.3, 256)
    77
    """
    return min(round(quantile * n_times), n_times - 2)


def mark_smallest(values: npt.NDArray[np.floating], n_removed: int) -> npt.NDArray[np.bool_]:
    """Mark the smallest values of each channel.

    Parameters
    ----------
    values
        (..., n_times): absolute gradients, or random numbers for a removal at random.
    n_removed
        Samples of each channel to mark.

    Returns
    -------
    numpy.ndarray
        (..., n_times): True at exactly ``n_removed`` samples of each channel.

    Examples
    --------
    >>> mark_smallest(np.array([3.0, 1.0, 2.0, 4.0]), 2).tolist()
    [False, True, True, False]
    """
    marks = np.zeros(values.shape, bool)
    smallest = np.argpartition(values, max(0, n_removed - 1), axis=-1)[..., :n_removed]
    np.put_along_axis(marks, smallest, True, axis=-1)
    return marks


def interpolate_samples(signals: Samples, is_removed: npt.NDArray[np.bool_]) -> Samples:
    """Replace samples by a straight line between their neighbours, as `numpy.interp` does.

    Samples before the first one that is kept, or after the last one, take its value.

    Parameters
    ----------
    signals, is_removed
        (..., n_times). Each channel keeps a sample.

    Examples
    --------
    >>> interpolate_samples(np.array([0.0, 9.0, 2.0, 9.0]), np.array([0, 1, 0, 1], bool)).tolist()
    [0.0, 1.0, 2.0, 2.0]
    """
    n_times = signals.shape[-1]
    times = np.arange(n_times)
    before = np.maximum.accumulate(np.where(is_removed, -1, times), axis=-1)
    reversed_after = np.minimum.accumulate(np.where(is_removed, n_times, times)[..., ::-1], axis=-1)
    after = reversed_after[..., ::-1]
    before = np.where(before < 0, after, before)
    after = np.where(after == n_times, before, after)
    left = np.take_along_axis(signals, before, axis=-1)
    right = np.take_along_axis(signals, after, axis=-1)
    fraction = (times - before) / np.maximum(after - before, 1)
    return np.where(is_removed, left + fraction * (right - left), signals)


class SampleRemoval:
    """Removal of samples of the same windows by different values.

    Parameters
    ----------
    signals
        (batch, n_chans, n_times) in µV.
    n_removed
        Samples of each channel that are removed.
    sfreq
        Sampling rate in Hz.
    """

    def __init__(self, signals: Samples, n_removed: int, sfreq: float) -> None:
        self.signals = signals
        self.n_removed = n_removed
        self.sfreq = sfreq
        self._before = to_decibels(compute_power(signals, sfreq))

    def change(self, values: npt.NDArray[np.floating]) -> Floats:
        """Return the change of the spectrum after the samples of the smallest values are removed.

        Parameters
        ----------
        values
            (batch, n_chans, n_times).

        Returns
        -------
        change
            (batch, n_freqs) in dB: mean over channels.
        """
        marks = mark_smallest(values, self.n_removed)
        power = compute_power(interpolate_samples(self.signals, marks), self.sfreq)
        change: Floats = (to_decibels(power) - self._before).mean(axis=1)
        return change
