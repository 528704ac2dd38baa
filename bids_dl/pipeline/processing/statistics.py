"""Running statistics of a recording: moments of its channels, and dropout runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

MAX_SPECTRA = 64  # windows of a recording whose spectra are averaged


class Moments:
    """Running mean and standard deviation of each channel, in double precision.

    Batches are combined by the pairwise update of Chan, Golub and LeVeque (1983), "Algorithms
    for computing the sample variance", The American Statistician 37(3).

    Parameters
    ----------
    n_chans
        Number of channels.

    Examples
    --------
    >>> moments = Moments(1)
    >>> moments.add(np.array([[[1.0, 3.0]]], dtype=np.float32))
    >>> moments.values()
    ((2.0,), (1.0,))
    """

    def __init__(self, n_chans: int) -> None:
        self.count = 0  # samples of a channel
        self.mean = np.zeros(n_chans)
        self.squares = np.zeros(n_chans)  # sum of the squared distances from the mean

    def add(self, signals: npt.NDArray[np.float32]) -> None:
        """Add windows (n_windows, n_chans, n_times)."""
        count = signals.shape[0] * signals.shape[2]
        mean = signals.mean((0, 2), dtype=np.float64)
        squares = signals.var((0, 2), dtype=np.float64, mean=mean[:, None]) * count
        difference = mean - self.mean
        total = self.count + count
        self.squares += squares + difference**2 * self.count * count / total
        self.mean += difference * count / total
        self.count = total

    def values(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return means and standard deviations by channel, both empty without a window."""
        if not self.count:
            return (), ()
        deviations = np.sqrt(self.squares / self.count)
        return tuple(self.mean.tolist()), tuple(deviations.tolist())


def evenly_spaced(numbers: Sequence[int], *, limit: int = MAX_SPECTRA) -> set[int]:
    """Choose at most ``limit`` of some numbers, evenly spaced from the first to the last.

    Examples
    --------
    >>> sorted(evenly_spaced(range(100), limit=3))
    [0, 50, 99]
    """
    count = min(len(numbers), limit)
    positions = np.linspace(0, len(numbers) - 1, count).round().astype(int)
    return {numbers[i] for i in positions.tolist()}


def find_runs(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int, tuple[int, ...]]]:
    """Find the runs of True in a mask (n_chans, n_times).

    Returns
    -------
    list of tuple
        Start sample, stop sample (exclusive) and channel numbers of each run, sorted; channels
        with the same start and stop share a run.

    Examples
    --------
    >>> find_runs(np.array([[False, True, True], [False, True, True], [True, False, False]]))
    [(0, 1, (2,)), (1, 3, (0, 1))]
    """
    channels_of: dict[tuple[int, int], list[int]] = {}
    for channel, row in enumerate(mask):
        edges = np.flatnonzero(np.diff(row, prepend=False, append=False))
        for start, stop in edges.reshape(-1, 2).tolist():
            channels_of.setdefault((start, stop), []).append(channel)
    runs = sorted(channels_of.items())
    return [(start, stop, tuple(channels)) for (start, stop), channels in runs]
