"""Resample windows to another sampling rate, without moving the signal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from bids_dl.datamodel import exact_rate

Signals = npt.NDArray[np.float32]
HALF_LENGTH = 10  # samples of the lower rate, of the anti-aliasing filter, as in SciPy and MNE
MIN_BLOCK = 64  # samples computed by one product; smaller blocks read most samples several times


@dataclass(frozen=True, slots=True, eq=False)
class Resampler:
    """Polyphase resampling of windows by the exact ratio of two rates.

    The values are those of ``scipy.signal.resample_poly(windows, up, down, padtype="edge")``, up
    to rounding: an anti-aliasing FIR filter (Kaiser window), without delay. Sample 0 stays at the
    onset of the window, and sample k is the time k / sfreq after it. The first and the last sample
    are repeated outside the window. Near the edges, this differs less from resampling the whole
    recording than a reflected window does.

    The filter is applied as products of blocks of samples with SciPy's own impulse responses,
    because `resample_poly` takes several times as long as reading the windows.

    Parameters
    ----------
    weights
        float32 (n_inputs, n_outputs): response of each sample of a block to each of its inputs.
    stride
        Samples between the first inputs of two blocks.
    n_before, n_after
        Samples that are added before and after a window.
    """

    weights: Signals
    stride: int
    n_before: int
    n_after: int

    def __call__(self, signals: Signals) -> Signals:
        """Return resampled windows.

        Parameters
        ----------
        signals
            float32 (batch, n_chans, n_times).

        Returns
        -------
        ndarray
            float32 (batch, n_chans, n_times_out).
        """
        n_windows, n_chans, _ = signals.shape
        n_inputs, n_outputs = self.weights.shape
        padding = ((0, 0), (0, 0), (self.n_before, self.n_after))
        padded = np.pad(signals, padding, mode="edge")
        every_start = np.lib.stride_tricks.sliding_window_view(padded, n_inputs, axis=2)
        blocks = every_start[:, :, :: self.stride]
        n_blocks = blocks.shape[2]
        resampled = blocks.reshape(-1, n_inputs) @ self.weights
        return resampled.reshape(n_windows, n_chans, n_blocks * n_outputs)


def resampled_length(n_times: int, sfreq: float, new_sfreq: float) -> Fraction:
    """Return the number of samples of a window at another rate, exactly.

    Examples
    --------
    >>> resampled_length(500, 250.0, 128.0)
    Fraction(256, 1)
    """
    return n_times * exact_rate(new_sfreq) / exact_rate(sfreq)


def make_resampler(n_times: int, ratio: Fraction) -> Resampler:
    """Prepare the resampling of windows.

    Parameters
    ----------
    n_times
        Samples of a window, a multiple of the ratio's denominator.
    ratio
        New rate divided by the rate of the window.

    Examples
    --------
    >>> resampler = make_resampler(500, Fraction(64, 125))
    >>> resampler(np.ones((2, 24, 500), np.float32)).shape
    (2, 24, 256)
    """
    from scipy.signal import resample_poly

    period = ratio.denominator  # samples between two times at which both rates have a sample
    n_periods = _periods_per_block(n_times // period, ratio.numerator)
    stride = n_periods * period
    n_outputs = n_periods * ratio.numerator
    half_length = HALF_LENGTH * max(Fraction(1), 1 / ratio)
    n_added = math.ceil(half_length / period) * period
    impulses = np.eye(stride + 2 * n_added)
    responses = resample_poly(impulses, ratio.numerator, period, axis=1)
    first = int(n_added * ratio)
    weights = responses[:, first : first + n_outputs]
    used = np.flatnonzero(weights.any(axis=1))
    start = min(int(used[0]), n_added)
    stop = max(int(used[-1]) + 1, n_added + stride)
    return Resampler(
        weights=np.ascontiguousarray(weights[start:stop], np.float32),
        stride=stride,
        n_before=n_added - start,
        n_after=stop - n_added - stride,
    )


def _periods_per_block(n_periods: int, n_outputs: int) -> int:
    """Return the smallest divisor of ``n_periods`` that makes blocks of `MIN_BLOCK` samples."""
    for divisor in range(1, n_periods):
        if n_periods % divisor == 0 and divisor * n_outputs >= MIN_BLOCK:
            return divisor
    return n_periods
