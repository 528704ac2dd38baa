"""Decimation and interpolation by whole factors, of samples that arrive in blocks.

Both use one low-pass filter of finite length, designed with a Kaiser window. Samples of a block are
multiplied by its coefficients as one matrix product, so that memory is bounded by the block.
Samples that are missing have no weight: the others are weighted up.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.signal import firwin, kaiser_beta

from bids_dl.annotate.viewing.signals import Samples

REACH = 6  # decimated samples that the filter extends to either side
ATTENUATION = 75.0  # dB above 0.7 of the new rate; the length of the filter allows 77
PASSBAND = 0.3  # of the new rate: frequencies below are changed by less than 0.02 %
MIN_WEIGHT = 0.25  # of a decimated sample: runs that are shorter have no usable sample


@lru_cache(maxsize=16)
def decimation_kernel(factor: int) -> Samples:
    """Return the coefficients of the filter that decimates by a factor.

    Parameters
    ----------
    factor
        Samples of the recording per decimated sample, 2 or more.

    Returns
    -------
    ndarray
        (factor, 2 * REACH): column ``c`` weights the samples of row ``r``, numbers ``factor * r``
        to ``factor * (r + 1)``, for the decimated sample ``r + REACH - c``. Their sum is 1.

    Examples
    --------
    >>> float(decimation_kernel(8).sum().round(6))
    1.0
    """
    n_taps = 2 * REACH * factor - 1
    taps = firwin(n_taps, 1 / factor, window=("kaiser", kaiser_beta(ATTENUATION)))
    kernel = np.concatenate([[0.0], taps]).reshape(2 * REACH, factor).T
    return np.ascontiguousarray(kernel)


class Decimator:
    """Decimates a continuous segment of traces, whose blocks are added in order.

    Decimated sample ``k`` is at sample ``k * factor`` of the recording, whatever the segment. At
    both ends of the segment the signal is mirrored in its first and last sample.

    Parameters
    ----------
    n_traces
        Number of traces.
    factor
        Samples of the recording per decimated sample, 2 or more.
    span
        First sample of the segment, and the sample after the last.
    n_mirrored
        Samples to mirror at each end, which are decimated too. At most all but one.
    """

    def __init__(
        self, n_traces: int, factor: int, span: tuple[int, int], *, n_mirrored: int
    ) -> None:
        self._kernel = decimation_kernel(factor)
        self._factor = factor
        self._span = span
        self._n_mirrored = min(n_mirrored, span[1] - span[0] - 1)
        first, last = span[0] - self._n_mirrored, span[1] + self._n_mirrored - 1
        self._first_row = first // factor - REACH
        n_rows = last // factor + 1 + REACH - self._first_row
        self._sums = np.zeros((n_traces, n_rows))
        self._weights = np.zeros((n_traces, n_rows))
        self._has_centre = np.zeros((n_traces, n_rows), bool)
        self._recent: list[Samples] = []  # the first blocks, then the last ones
        self._n_recent = 0
        self._has_begun = False

    def add(self, start: int, block: Samples) -> None:
        """Add the next samples.

        Parameters
        ----------
        start
            Number of the first sample in the recording.
        block
            (n_traces, n_times), NaN where samples are missing.
        """
        self._add(start, block)
        self._recent.append(block)
        self._n_recent += block.shape[1]
        if self._n_recent <= self._n_mirrored:
            return
        if not self._has_begun:
            first = np.concatenate(self._recent, axis=1)[:, : self._n_mirrored + 1]
            self._add(self._span[0] - self._n_mirrored, 2 * first[:, :1] - first[:, :0:-1])
            self._has_begun = True
        while self._n_recent - self._recent[0].shape[1] > self._n_mirrored:
            self._n_recent -= self._recent.pop(0).shape[1]

    def finish(self) -> tuple[int, Samples]:
        """Return the number of the first decimated sample, and all of them.

        Returns
        -------
        first : int
            Number of the first decimated sample, which is mirrored and may be negative.
        values : ndarray
            (n_traces, n_decimated). NaN where the sample in the middle is missing, or most samples
            around it are.
        """
        start, stop = self._span
        last = np.concatenate(self._recent, axis=1)[:, -self._n_mirrored - 1 :]
        self._add(stop, 2 * last[:, -1:] - last[:, -2::-1])
        is_known = self._has_centre & (self._weights >= MIN_WEIGHT)
        values = np.full_like(self._sums, np.nan)
        np.divide(self._sums, self._weights, out=values, where=is_known)
        first_row = -(-(start - self._n_mirrored) // self._factor)
        stop_row = -(-(stop + self._n_mirrored) // self._factor)
        return first_row, values[:, first_row - self._first_row : stop_row - self._first_row]

    def _add(self, start: int, block: Samples) -> None:
        """Weight the samples of a block, and add them to the decimated samples around."""
        if not block.shape[1]:
            return
        factor = self._factor
        before = start % factor
        after = -(start + block.shape[1]) % factor
        if before or after:
            block = np.pad(block, ((0, 0), (before, after)), constant_values=np.nan)
        rows = block.reshape(len(block), -1, factor)
        row = start // factor - self._first_row
        if np.isnan(block.sum()):
            is_present = ~np.isnan(rows)
            self._accumulate(self._weights, row, is_present.astype(float) @ self._kernel)
            rows = np.where(is_present, rows, 0.0)
            has_centre = is_present[:, :, 0]
        else:
            weights = self._kernel.sum(axis=0)
            shape = (*rows.shape[:2], len(weights))
            self._accumulate(self._weights, row, np.broadcast_to(weights, shape))
            has_centre = np.ones(rows.shape[:2], bool)
        self._accumulate(self._sums, row, rows @ self._kernel)
        self._has_centre[:, row : row + rows.shape[1]] |= has_centre

    @staticmethod
    def _accumulate(target: Samples, first: int, products: Samples) -> None:
        """Add the products of rows and kernel where their decimated samples are."""
        n_rows, n_columns = products.shape[1:]
        for column in range(n_columns):
            place = first + REACH - column
            target[:, place : place + n_rows] += products[:, :, column]


def interpolate(values: Samples, first: int, factor: int, span: tuple[int, int]) -> Samples:
    """Compute the samples between decimated samples.

    Parameters
    ----------
    values, first
        Decimated samples (n_traces, n_decimated), and the number of the first. Beyond both ends
        they are mirrored in the first and the last. A NaN makes the samples around it NaN.
    factor
        Samples of the recording per decimated sample.
    span
        First sample of the recording to compute, and the sample after the last.

    Returns
    -------
    ndarray
        (n_traces, n_times).
    """
    start, stop = span
    first_row, stop_row = start // factor, (stop - 1) // factor + 1
    weights = decimation_kernel(factor)[:, ::-1].T * factor
    low, high = first_row - REACH + 1, stop_row + REACH
    padding = (max(first - low, 0), max(high - first - values.shape[1], 0))
    if any(padding):
        values = np.pad(values, ((0, 0), padding), "reflect", reflect_type="odd")
    offset = low - first + padding[0]
    samples = _expand(values[:, offset : offset + high - low], weights)
    skipped = start - first_row * factor
    return samples[:, skipped : skipped + stop - start]


def _expand(values: Samples, weights: npt.NDArray[np.float64]) -> Samples:
    """Weight the decimated samples around each row, and lay the rows end to end."""
    windows = np.lib.stride_tricks.sliding_window_view(values, 2 * REACH, axis=1)
    return np.asarray((np.ascontiguousarray(windows) @ weights).reshape(len(values), -1))
