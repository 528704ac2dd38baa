"""Power spectra of the windows of a recording, by Welch's method."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

MAX_FREQUENCY_HZ = 200  # highest frequency of a spectrum
KNOWN_DESIGNS = 8  # lengths and rates of windows: most recordings have those of others
MIN_PAIRWISE = 8  # numbers that NumPy adds by pairs, to lose fewer digits

Array = npt.NDArray[np.float64]


class Spectrum:
    """Power spectra of windows at 0, 1, 2, ... Hz, by Welch's method (Welch 1967).

    Parameters
    ----------
    sfreq
        Sampling rate of the windows in Hz.
    """

    def __init__(self, sfreq: float) -> None:
        self.sfreq = sfreq
        self._by_window: dict[int, Array] = {}  # (n_chans, n_freqs) each

    def add(self, numbers: Sequence[int], signals: Array) -> None:
        """Add the windows of these numbers, (n_windows, n_chans, n_times) in µV."""
        estimator = _Welch.design(signals.shape[2], self.sfreq)
        powers = self._at_whole_hertz(estimator, estimator.power(signals))
        self._by_window.update(zip(numbers, powers, strict=True))

    def _at_whole_hertz(self, estimator: _Welch, powers: Array) -> Array:
        """Interpolate spectra (n_windows, n_chans, n_frequencies) at 0, 1, 2, ... Hz."""
        whole_hertz = np.arange(min(MAX_FREQUENCY_HZ, math.floor(self.sfreq / 2)) + 1)
        if np.array_equal(estimator.frequencies[: len(whole_hertz)], whole_hertz):
            return powers[..., : len(whole_hertz)]
        rows = [
            np.interp(whole_hertz, estimator.frequencies, row)
            for row in powers.reshape(-1, powers.shape[-1])
        ]
        return np.reshape(rows, (*powers.shape[:2], len(whole_hertz)))

    def median(self, numbers: Sequence[int]) -> tuple[float, ...]:
        """Compute the median over channels of the mean over windows, in µV²/Hz.

        A channel skips the windows in which one of its samples is NaN.

        Parameters
        ----------
        numbers
            Windows to average; those that were never added are ignored.

        Returns
        -------
        tuple of float
            Power at 0, 1, 2, ... Hz, up to half the sampling rate; empty if no window is left.
        """
        windows = [self._by_window[number] for number in numbers if number in self._by_window]
        if not windows:
            return ()
        powers = np.stack(windows, axis=1)  # (n_chans, n_windows, n_freqs)
        is_finite = np.logical_and.reduce(np.isfinite(powers), axis=2)
        if is_finite.all():
            return tuple(np.median(powers.mean(axis=1), axis=0).tolist())
        means = []
        for power, is_kept in zip(powers, is_finite, strict=True):
            if is_kept.any():
                means.append(power[is_kept].mean(axis=0))
        return tuple(np.median(means, axis=0).tolist()) if means else ()


@dataclass(frozen=True, slots=True)
class _Welch:
    """Welch's method for windows of one length, with the numbers of `scipy.signal.welch`.

    That function prepares its filter for each call and takes the spectrum of each segment twice,
    which costs three times as much.

    Attributes
    ----------
    taper
        (n_segment,): Hann window, scaled so that the squares are a density in 1/Hz.
    hop
        Samples between the starts of two segments.
    n_fft
        Samples of a segment with the zeros that follow it.
    frequencies
        Frequencies of the result in Hz.
    """

    taper: Array
    hop: int
    n_fft: int
    frequencies: Array

    @classmethod
    @lru_cache(maxsize=KNOWN_DESIGNS)
    def design(cls, n_times: int, sfreq: float) -> _Welch:
        """Design segments of up to one second that overlap by half."""
        from scipy.signal import ShortTimeFFT, get_window

        n_segment = min(n_times, round(sfreq))
        transform = ShortTimeFFT(
            get_window("hann", n_segment),
            hop=n_segment - n_segment // 2,
            fs=sfreq,
            mfft=max(n_segment, round(sfreq)),
            scale_to="psd",
            phase_shift=None,
        )
        return cls(transform.win, transform.hop, transform.mfft, transform.f)

    def power(self, signals: Array) -> Array:
        """Compute the power of each channel of windows (n_windows, n_chans, n_times).

        Returns
        -------
        Array
            (n_windows, n_chans, n_frequencies), in squared units per Hz.
        """
        from scipy.fft import rfft

        n_segment = len(self.taper)
        powers = []
        for start in range(0, signals.shape[2] - n_segment + 1, self.hop):
            segment = signals[..., start : start + n_segment]
            segment = segment - segment.mean(axis=2, keepdims=True)
            segment *= self.taper
            parts = rfft(segment, n=self.n_fft).view(np.float64)
            parts *= parts
            powers.append(parts[..., ::2] + parts[..., 1::2])
        mean = _mean_of_segments(powers)
        # both signs of each frequency, of which 0 and that of an even length have one
        mean[..., 1 : -1 if self.n_fft % 2 == 0 else None] *= 2
        return mean


def _mean_of_segments(powers: Sequence[Array]) -> Array:
    """Return the mean of arrays, rounded as `numpy.mean` rounds that of neighbouring numbers.

    NumPy adds fewer than 8 numbers one after the other, so that no array of all is needed.
    """
    if len(powers) >= MIN_PAIRWISE:
        mean: Array = np.stack(powers, axis=-1).mean(axis=-1)
        return mean
    total = powers[0]
    for power in powers[1:]:
        total += power
    total /= len(powers)
    return total
