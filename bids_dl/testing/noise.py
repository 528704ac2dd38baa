"""Noise of synthetic recordings: pink in the background, and of exact power in a band."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NOISE_UV = 5.0  # standard deviation of pink noise
QUIET_GAIN = 0.05  # of the background in the band of a planted effect, as amplitude

Array = NDArray[np.float64]


def pink_noise(
    n_times: int, rng: np.random.Generator, *, quiet: tuple[float, float] | None = None
) -> Array:
    """Draw noise without mean, whose power is proportional to 1 / frequency.

    Parameters
    ----------
    n_times
        Number of samples.
    quiet
        Frequencies in cycles per sample between which the noise is `QUIET_GAIN` as strong.

    Returns
    -------
    numpy.ndarray
        (n_times,) in µV, with the standard deviation `NOISE_UV`.
    """
    spectrum = np.fft.rfft(rng.standard_normal(n_times))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
    spectrum[0] = 0
    if quiet is not None:
        first, last = (round(frequency * n_times) for frequency in quiet)
        spectrum[first : last + 1] *= QUIET_GAIN
    noise = np.fft.irfft(spectrum, n_times)
    return np.asarray(NOISE_UV * noise / noise.std(), dtype=np.float64)


def band_noise(
    power: Array, n_times: int, bins: NDArray[np.int64], rng: np.random.Generator
) -> Array:
    """Draw windows of noise whose mean square is exactly as given.

    All frequencies of a window have the same amplitude and a random phase.

    Parameters
    ----------
    power
        (n_windows,): mean square of each window in µV².
    n_times
        Samples of a window.
    bins
        Numbers of the Fourier bins of a window that have power; neither 0 nor n_times / 2.

    Returns
    -------
    numpy.ndarray
        (n_windows, n_times) in µV.
    """
    phases = rng.uniform(0, 2 * np.pi, (len(power), len(bins)))
    amplitudes = np.sqrt(2 * power / len(bins))
    spectrum = np.zeros((len(power), n_times // 2 + 1), dtype=complex)
    spectrum[:, bins] = n_times / 2 * amplitudes[:, None] * np.exp(1j * phases)
    return np.asarray(np.fft.irfft(spectrum, n_times), dtype=np.float64)
