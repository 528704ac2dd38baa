"""Power spectral density of equally long segments, on which the spectral transforms are built."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from bids_dl.errors import ModelError
from bids_dl.transforms.precision import as_buffer

Array = npt.NDArray[np.float64]
Taper = Literal["hann", "hamming"]
MIN_POWER = 1e-6  # µV²/Hz, below the noise of amplifiers; a flat channel has -60 dB
ROUNDING = 1e-9  # Hz, error of a frequency that is a whole number


class SegmentPower(nn.Module):
    """Power spectral density of segments that may overlap.

    The density is one-sided: that of all frequencies but 0 Hz and half the sampling rate is
    doubled.

    Parameters
    ----------
    taper
        (n_samples,): weight of each sample of a segment.
    step
        Samples from the start of one segment to that of the next.
    sfreq
        Sampling rate in Hz.
    demean
        Subtract the mean of each segment.
    """

    taper: Tensor
    sides: Tensor

    def __init__(self, taper: Array, step: int, sfreq: float, *, demean: bool) -> None:
        super().__init__()
        self.step = step
        self.demean = demean
        self.frequencies = np.asarray(np.fft.rfftfreq(len(taper), 1 / sfreq), float)
        scale = 1 / (sfreq * np.square(taper).sum())
        self.register_buffer("taper", as_buffer(taper))
        self.register_buffer("sides", as_buffer(count_sides(len(taper)) * scale))

    def n_segments(self, n_times: int) -> int:
        """Return the number of complete segments of a window."""
        return (n_times - len(self.taper)) // self.step + 1

    def forward(self, signals: Tensor) -> Tensor:
        """Compute the density in µV²/Hz.

        Parameters
        ----------
        signals
            (..., n_times) float32 or float64 in µV.

        Returns
        -------
        density
            (..., n_segments, n_frequencies).
        """
        segments = signals.unfold(-1, len(self.taper), self.step)
        if self.demean:
            segments = segments - segments.mean(dim=-1, keepdim=True)
        spectrum = torch.fft.rfft(segments * self.taper.to(signals.dtype))
        power = spectrum.real.square() + spectrum.imag.square()
        density: Tensor = power * self.sides.to(signals.dtype)
        return density


def count_sides(n_samples: int) -> Array:
    """Return 2 for each frequency of a spectrum that stands for two, and 1 for the others.

    Examples
    --------
    >>> count_sides(4).tolist(), count_sides(5).tolist()
    ([1.0, 2.0, 1.0], [1.0, 2.0, 2.0])
    """
    sides = np.full(n_samples // 2 + 1, 2.0)
    sides[0] = 1.0
    if n_samples % 2 == 0:
        sides[-1] = 1.0
    return sides


def make_taper(name: Taper, n_samples: int) -> Array:
    """Return a taper (n_samples,).

    ``"hann"`` is the periodic Hann window, as in `scipy.signal.welch`. ``"hamming"`` is the
    symmetric Hamming window, as in MATLAB.

    Examples
    --------
    >>> make_taper("hann", 4).tolist(), make_taper("hamming", 3).round(2).tolist()
    ([0.0, 0.5, 1.0, 0.5], [0.08, 1.0, 0.08])
    """
    if name == "hann":
        return np.hanning(n_samples + 1)[:-1]
    return np.hamming(n_samples)


def segment_samples(transform: str, seconds: float, n_times: int, sfreq: float) -> int:
    """Return the samples of a segment.

    Parameters
    ----------
    transform
        Name of the transform, for the message.
    seconds
        Length of a segment in s.
    n_times, sfreq
        Samples of a window, and sampling rate in Hz.

    Raises
    ------
    ModelError
        The window is shorter than a segment, or a segment has fewer than two samples.
    """
    n_samples = round(seconds * sfreq)
    if n_samples < 2:
        raise ModelError(
            f"transform {transform}: segments of {seconds:g} s at {sfreq:g} Hz have fewer than 2 "
            "samples; use longer segments"
        )
    if n_times < n_samples:
        raise ModelError(
            f"transform {transform} expects windows of at least {n_samples / sfreq:g} s "
            f"({n_samples} samples at {sfreq:g} Hz), got {n_times} samples"
        )
    return n_samples


def select_bins(transform: str, frequencies: Array, low: float, high: float) -> tuple[int, int]:
    """Return the range (start, stop) of the frequencies in a band, both ends included.

    Parameters
    ----------
    transform
        Name of the transform, for the message.
    frequencies
        (n_frequencies,) in Hz, ascending, from 0 Hz to at most half the sampling rate.
    low, high
        Ends of the band in Hz.

    Raises
    ------
    ModelError
        The band ends above the highest frequency, or holds no frequency.

    Examples
    --------
    >>> select_bins("welch", np.arange(65.0), 4.0, 7.0)
    (4, 8)
    """
    if high > frequencies[-1] + ROUNDING:
        raise ModelError(
            f"transform {transform}: the band {low:g} to {high:g} Hz ends above the highest "
            f"frequency of the spectrum, {frequencies[-1]:g} Hz; use a higher sampling rate"
        )
    start = int(np.searchsorted(frequencies, low - ROUNDING))
    stop = int(np.searchsorted(frequencies, high + ROUNDING))
    if start == stop:
        raise ModelError(
            f"transform {transform}: no frequency lies in the band {low:g} to {high:g} Hz, because "
            f"the spectrum has steps of {frequencies[1]:.3g} Hz; use longer segments"
        )
    return start, stop


def to_decibel(power: Tensor) -> Tensor:
    """Return power in µV²/Hz in dB, at least -60 dB, so that a flat channel is finite."""
    return 10 * power.clamp(min=MIN_POWER).log10()
