"""Quantization of samples to int16: one resolution for a whole store, and the error it causes.

The resolution is the µV of one integer, as in BrainVision and EDF headers. Everything here is
arithmetic that gives the same bytes on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bids_dl.errors import StoreError

MAX_INT16 = 32767  # largest magnitude used; -32768 is not
INTEGERS_PER_STD = 256  # rounding is then 53 to 59 dB below a channel of typical deviation
MIN_INTEGERS_PER_STD = 16  # fewer are refused: rounding would be less than 35 dB below the signal
MAX_CLIPPED = 1e-5  # share of all samples
EXPONENT_BIAS = 127  # of float32
EXPONENT_BITS = 15  # an int16 covers 15 powers of two above its resolution
HISTOGRAM_SAMPLES = 1_000_000  # counted at a time, so that they stay in the processor's cache


@dataclass
class MagnitudeHistogram:
    """Counts of samples by power of two.

    Attributes
    ----------
    counts
        (256,): ``counts[i]`` samples have a magnitude in [2^(i-127), 2^(i-126)).
    """

    counts: npt.NDArray[np.int64]

    @classmethod
    def empty(cls) -> MagnitudeHistogram:
        """Create a histogram without samples."""
        return cls(np.zeros(256, np.int64))

    def add(self, signals: npt.NDArray[np.float32]) -> None:
        """Count samples of an array of any shape."""
        samples = signals.reshape(-1)
        for part in np.array_split(samples, max(1, samples.size // HISTOGRAM_SAMPLES)):
            exponents = (part.view(np.uint32) >> 23) & 255
            self.counts += np.bincount(exponents, minlength=256)

    def count_clipped(self, exponent: int) -> int:
        """Count the samples beyond the range of int16 at a resolution of 2^exponent."""
        first = max(0, exponent + EXPONENT_BITS + EXPONENT_BIAS)
        return int(self.counts[first:].sum())


def choose_resolution(histogram: MagnitudeHistogram, deviations: Sequence[float]) -> float:
    """Choose the resolution of a store: the µV of one integer.

    It is a power of two, so that float32 represents every product exactly. It is the finest one at
    which at most one sample in 100,000 is clipped, but not finer than 1/256 to 1/128 of the median
    standard deviation, because finer integers hold noise that does not compress.

    Parameters
    ----------
    histogram
        Magnitudes of all samples of the store.
    deviations
        Standard deviation of each channel of each recording, in µV.

    Returns
    -------
    float
        µV of one integer.

    Raises
    ------
    StoreError
        The resolution would be coarser than 1/16 of the median deviation, or all samples are
        constant.

    Examples
    --------
    >>> signals = np.random.default_rng(0).normal(0, 20, 10_000).astype("float32")
    >>> histogram = MagnitudeHistogram.empty()
    >>> histogram.add(signals)
    >>> choose_resolution(histogram, [20.0])
    0.125
    """
    positive = sorted(value for value in deviations if value > 0)
    if not positive:
        raise StoreError(
            "--dtype int16: all samples are constant, so no resolution can be chosen; "
            "use --dtype float32"
        )
    typical = positive[len(positive) // 2]
    max_clipped = MAX_CLIPPED * int(histogram.counts.sum())
    exponent = math.floor(math.log2(typical / INTEGERS_PER_STD)) + 1
    while histogram.count_clipped(exponent) > max_clipped:
        exponent += 1
    resolution = 2.0**exponent
    if resolution > typical / MIN_INTEGERS_PER_STD:
        raise StoreError(
            f"--dtype int16: the largest samples need a resolution of {resolution:g} uV, too "
            f"coarse for channels with a standard deviation of {typical:.3g} uV; "
            "use --dtype float32, or a recipe that removes the artefacts"
        )
    return resolution


@dataclass
class Quantizer:
    """Quantizes windows to int16 and measures the error.

    Attributes
    ----------
    resolution
        µV of one integer, a power of two.
    clipped
        Samples beyond the range so far.
    largest_error
        µV, over all other samples; at most half the resolution.
    peak
        Largest magnitude so far, in µV.

    Examples
    --------
    >>> quantizer = Quantizer(0.5)
    >>> quantizer(np.array([[1.0, -2.2]], dtype="float32")).tolist()
    [[2, -4]]
    >>> round(quantizer.largest_error, 3)
    0.2
    """

    resolution: float
    clipped: int = 0
    largest_error: float = 0.0
    peak: float = 0.0

    def __call__(self, signals: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
        """Quantize samples in µV to integers of the same shape."""
        integers = np.empty(signals.shape, np.int16)
        # window by window, so that intermediate arrays stay in the processor's cache
        for window, out in zip(signals, integers, strict=True):
            scaled = window / np.float32(self.resolution)  # exact
            rounded = np.rint(scaled)
            self._measure(scaled, rounded)
            out[...] = np.clip(rounded, -MAX_INT16, MAX_INT16)
        return integers

    def _measure(self, scaled: npt.NDArray[np.float32], rounded: npt.NDArray[np.float32]) -> None:
        """Add the samples of one window to the error, the peak and the clipped samples."""
        in_range = np.abs(rounded) <= MAX_INT16
        clipped = in_range.size - int(np.count_nonzero(in_range))
        error = np.abs(scaled - rounded)
        # a reduction with `where` is slower, and most windows have no clipped sample
        largest = error.max(where=in_range, initial=0) if clipped else error.max()
        self.largest_error = max(self.largest_error, self.resolution * float(largest))
        self.peak = max(self.peak, self.resolution * float(np.abs(scaled).max()))
        self.clipped += clipped


def dequantize(integers: npt.NDArray[np.int16], resolution: float) -> npt.NDArray[np.float32]:
    """Convert integers to samples in µV."""
    return integers * np.float32(resolution)
