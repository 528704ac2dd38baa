"""What is learnt of a recording while its windows go by: moments of its channels, spectra before and after."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

MOST_SPECTRA = 64  # windows of a recording whose spectrum is looked at
HIGHEST = 200  # Hz


class Moments:
    """Mean and standard deviation of each channel over all windows, in double precision, collected piece by piece (Chan et al. 1983)."""

    def __init__(self, n_chans: int) -> None:
        self.count = 0
        self.mean = np.zeros(n_chans)
        self.squares = np.zeros(n_chans)  # of the distances from the mean

    def add(self, signals: npt.NDArray[np.float32]) -> None:
        """Take in windows (n_windows, n_chans, n_times)."""
        count = signals.shape[0] * signals.shape[2]
        mean = signals.mean((0, 2), dtype=np.float64)
        squares = signals.var((0, 2), dtype=np.float64) * count
        apart = mean - self.mean
        total = self.count + count
        self.squares += squares + apart**2 * self.count * count / total
        self.mean += apart * count / total
        self.count = total

    def values(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Means and standard deviations by channel; nothing where there was no window."""
        if not self.count:
            return (), ()
        return tuple(self.mean.tolist()), tuple(np.sqrt(self.squares / self.count).tolist())


class Spectrum:
    """Power of some windows by Welch's method, at 0, 1, 2, ... Hz.

    Parameters
    ----------
    sfreq
        Rate of the windows in Hz.
    """

    def __init__(self, sfreq: float) -> None:
        self.sfreq = sfreq
        self._of: dict[int, npt.NDArray[np.float64]] = {}

    def add(self, number: int, signals: npt.NDArray[np.float64]) -> None:
        """Take in a window (n_chans, n_times) in µV."""
        from scipy.signal import welch

        longest = min(signals.shape[1], round(self.sfreq))
        at, power = welch(
            signals, self.sfreq, nperseg=longest, nfft=max(longest, round(self.sfreq)), axis=1
        )
        whole = np.arange(min(HIGHEST, math.floor(self.sfreq / 2)) + 1)
        self._of[number] = np.stack([np.interp(whole, at, channel) for channel in power])

    def median(self, kept: Sequence[int]) -> tuple[float, ...]:
        """Median over channels of the mean over those windows that were kept, µV²/Hz; nothing where there is none.

        A channel goes without the windows in which it has samples that are no numbers.
        """
        found = [self._of[number] for number in kept if number in self._of]
        channels = [
            [power for power in powers if np.isfinite(power).all()]
            for powers in zip(*found, strict=True)
        ]
        means = [np.mean(powers, axis=0) for powers in channels if powers]
        return tuple(np.median(means, axis=0).tolist()) if means else ()


def some(numbers: Sequence[int]) -> set[int]:
    """The windows whose spectrum is looked at: few enough, evenly taken."""
    at = np.linspace(0, len(numbers) - 1, min(len(numbers), MOST_SPECTRA)).round().astype(int)
    return {numbers[i] for i in at.tolist()}


def runs(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int, tuple[int, ...]]]:
    """Stretches of a mask (n_chans, n_times): first sample, the first behind, and the channels it holds for."""
    found: dict[tuple[int, int], list[int]] = {}
    for channel, row in enumerate(mask):
        edges = np.flatnonzero(np.diff(row, prepend=False, append=False))
        for start, stop in edges.reshape(-1, 2).tolist():
            found.setdefault((start, stop), []).append(channel)
    return [(start, stop, tuple(channels)) for (start, stop), channels in sorted(found.items())]
