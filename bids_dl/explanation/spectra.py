"""Spectra of windows, and the bands that they have."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.signal import periodogram

from bids_dl.explanation.contents import Axes, Floats
from bids_dl.models.band_power import BANDS, MIN_POWER, ROUNDING
from bids_dl.store import Store


def read_axes(store: Store) -> Axes:
    """Return the axes of an explanation of the windows of a store.

    Bands in which a window has no frequency are left out.
    """
    n_times = store.shape[2]
    frequencies = np.fft.rfftfreq(n_times, 1 / store.sfreq)[1:].astype(np.float64)
    bands = {name: band for name, band in BANDS.items() if in_band(frequencies, band).any()}
    positions = np.full((len(store.channels), 3), np.nan)
    if "channel_position" in store.arrays:
        positions = np.asarray(store.read("channel_position"), np.float64)
    return Axes(store.channels, positions, store.sfreq, n_times, frequencies, bands)


def in_band(frequencies: Floats, band: tuple[float, float]) -> npt.NDArray[np.bool_]:
    """Return the mask of the frequencies of a band: the lowest belongs to it, the highest not.

    Examples
    --------
    >>> in_band(np.array([7.5, 8.0, 12.5, 13.0]), (8.0, 13.0)).tolist()
    [False, True, True, False]
    """
    low, high = band
    mask: npt.NDArray[np.bool_] = (frequencies > low - ROUNDING) & (frequencies < high - ROUNDING)
    return mask


def compute_power(signals: npt.NDArray[Any], sfreq: float) -> Floats:
    """Compute the periodogram with a Hann taper, without its first frequency, 0 Hz.

    Parameters
    ----------
    signals
        (..., n_times) in µV.
    sfreq
        Sampling rate in Hz.

    Returns
    -------
    power
        (..., n_freqs) in µV²/Hz.

    Examples
    --------
    >>> compute_power(np.zeros((24, 256)), 128.0).shape
    (24, 128)
    """
    _, power = periodogram(signals, sfreq, window="hann", detrend="constant")
    return np.asarray(power[..., 1:], np.float64)


def to_decibels(power: Floats) -> Floats:
    """Convert power in µV²/Hz to dB re 1 µV²/Hz. A flat signal has -60 dB.

    Examples
    --------
    >>> to_decibels(np.array([10.0, 0.0])).tolist()
    [10.0, -60.0]
    """
    decibels: Floats = 10 * np.log10(np.maximum(power, MIN_POWER))
    return decibels


def average_bands(values: Floats, axes: Axes) -> Floats:
    """Return the mean over the frequencies of each band.

    Parameters
    ----------
    values
        (..., n_freqs).
    axes
        Axes with the frequencies and the bands.

    Returns
    -------
    numpy.ndarray
        (n_bands, ...).
    """
    masks = [in_band(axes.frequencies, band) for band in axes.bands.values()]
    shape = (0, *values.shape[:-1])
    return np.stack([values[..., mask].mean(-1) for mask in masks]) if masks else np.zeros(shape)


def sum_bands(values: Floats, axes: Axes) -> Floats:
    """Return the sum over the frequencies of each band: (n_bands, ...) of (..., n_freqs)."""
    masks = [in_band(axes.frequencies, band) for band in axes.bands.values()]
    shape = (0, *values.shape[:-1])
    return np.stack([values[..., mask].sum(-1) for mask in masks]) if masks else np.zeros(shape)
