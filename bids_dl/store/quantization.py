"""Samples as whole numbers: a step for a whole store, and what it costs. Pure arithmetic, the same on every machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bids_dl.errors import StoreError

LARGEST = 32767  # of an int16, either sign: -32768 is not used
STEPS_PER_STD = 256  # the rounding lies 53 to 59 dB below a channel of typical deviation
COARSEST = 16  # fewer steps than these in a typical deviation are refused: then the rounding would be nearer than 35 dB
MOST_CLIPPED = 1e-5  # share of all samples
BIAS = 127  # of float32's exponents


@dataclass
class MagnitudeHistogram:
    """How many samples have which power of two: ``counts[i]`` lie in [2^(i-127), 2^(i-126)) by magnitude."""

    counts: npt.NDArray[np.int64]

    @classmethod
    def none(cls) -> MagnitudeHistogram:
        return cls(np.zeros(256, np.int64))

    def add(self, signals: npt.NDArray[np.float32]) -> None:
        """Take in samples, of any shape."""
        for part in np.array_split(
            signals.reshape(-1), max(1, signals.size // 1_000_000)
        ):  # in the processor's cache
            self.counts += np.bincount((part.view(np.uint32) >> 23) & 255, minlength=256)

    def clipped(self, exponent: int) -> int:
        """Samples beyond the range of steps of 2^exponent."""
        return int(self.counts[max(0, exponent + 15 + BIAS) :].sum())


def choose_resolution(magnitudes: MagnitudeHistogram, deviations: Sequence[float]) -> float:
    """µV from one whole number to the next: a power of two, so that float32 holds every product exactly.

    The finest step at which no more than one sample in 100,000 is clipped, but no finer than 1/256 to 1/128 of the typical (median)
    standard deviation: what lies below is noise that would not compress.

    Parameters
    ----------
    deviations
        Standard deviation of each channel of each recording, in µV.

    Raises
    ------
    StoreError
        Such a step would be coarser than 1/16 of the typical deviation.
    """
    there = sorted(value for value in deviations if value > 0)
    if not there:
        raise StoreError(
            "--dtype int16: all samples are constant, there is no scale to choose; take --dtype float32"
        )
    typical, total = there[len(there) // 2], int(magnitudes.counts.sum())
    exponent = math.floor(math.log2(typical / STEPS_PER_STD)) + 1
    while magnitudes.clipped(exponent) > MOST_CLIPPED * total:
        exponent += 1
    if 2.0**exponent > typical / COARSEST:
        raise StoreError(
            f"--dtype int16: steps of {2.0**exponent:g} uV would be needed for the largest samples, too coarse for channels with "
            f"a standard deviation of {typical:.3g} uV; take --dtype float32, or a recipe that removes the artefacts"
        )
    return 2.0**exponent


@dataclass
class Quantizer:
    """Turns µV into whole numbers, and keeps count of the error.

    Attributes
    ----------
    clipped
        Samples beyond the range.
    largest_error
        µV, of all others; at most half a step.
    peak
        Largest magnitude that came, in µV.
    """

    step: float
    clipped: int = 0
    largest_error: float = 0.0
    peak: float = 0.0

    def __call__(self, signals: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
        """Whole numbers for samples of any shape."""
        codes = np.empty(signals.shape, np.int16)
        for part, out in zip(
            signals, codes, strict=True
        ):  # by window: what is between stays in the processor's cache
            scaled = part / np.float32(self.step)  # exact
            rounded = np.rint(scaled)
            inside = np.abs(rounded) <= LARGEST
            missing = inside.size - int(np.count_nonzero(inside))
            error = np.abs(scaled - rounded)
            self.largest_error = max(
                self.largest_error,
                self.step * float(error.max(where=inside, initial=0) if missing else error.max()),
            )
            self.peak = max(self.peak, self.step * float(np.abs(scaled).max()))
            self.clipped += missing
            out[...] = np.clip(rounded, -LARGEST, LARGEST)
        return codes


def decode(codes: npt.NDArray[np.int16], step: float) -> npt.NDArray[np.float32]:
    """Samples in µV."""
    return codes * np.float32(step)
