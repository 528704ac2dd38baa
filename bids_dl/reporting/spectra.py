"""Power spectra of the recordings before and after the recipe, in dB."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bids_dl.store import Store

Array: TypeAlias = NDArray[np.float64]

ARRAY_NAMES = ("frequency", "recording_spectrum_before", "recording_spectrum_after")
MAX_FREQUENCY_HZ = 120.0  # the highest frequency shown
BANDS_HZ = {  # bands of clinical EEG
    "delta": (1.0, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 13.0),
    "beta": (13.0, 30.0),
    "gamma": (30.0, 45.0),
}


@dataclass(frozen=True)
class Spectra:
    """Power of each recording, in dB of 1 µV²/Hz.

    Attributes
    ----------
    frequency
        Frequencies (n_frequencies,) in Hz, without 0 Hz.
    before, after
        Levels (n_recordings, n_frequencies) before and after the recipe, in the order of the
        store. A level is NaN if the recording does not have the frequency.
    """

    frequency: Array
    before: Array
    after: Array


@dataclass(frozen=True, slots=True)
class BandLevel:
    """Power in a frequency band, as the median over recordings.

    Attributes
    ----------
    low, high
        Edges of the band in Hz.
    before, after
        Levels before and after the recipe in dB of 1 µV²/Hz; None if no recording has the band.
    """

    name: str
    low: float
    high: float
    before: float | None
    after: float | None


def read_spectra(store: Store) -> Spectra | None:
    """Read the spectra of a store, or None if the store has none.

    Only frequencies above 0 Hz and up to `MAX_FREQUENCY_HZ` are kept.
    """
    metadata = store.root["consolidated_metadata"]["metadata"]
    if not all(name in metadata for name in ARRAY_NAMES):
        return None
    frequency, before, after = (store.read(name).astype(np.float64) for name in ARRAY_NAMES)
    shown = (frequency > 0) & (frequency <= MAX_FREQUENCY_HZ)
    return Spectra(frequency[shown], _to_decibel(before[:, shown]), _to_decibel(after[:, shown]))


def quartiles(levels: Array) -> Array:
    """Compute the quartiles over recordings, ignoring NaN.

    Parameters
    ----------
    levels
        Levels (n_recordings, n_frequencies) in dB.

    Returns
    -------
    ndarray
        Lower quartile, median and upper quartile (3, n_frequencies). They are NaN at a frequency
        that no recording has.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy warns of a column of NaN only
        quantiles: Array = np.nanquantile(levels, [0.25, 0.5, 0.75], axis=0)
    return quantiles


def band_levels(spectra: Spectra) -> tuple[BandLevel, ...]:
    """Compute the mean level in each of `BANDS_HZ`, as the median over recordings."""
    bands = []
    for name, (low, high) in BANDS_HZ.items():
        inside = (spectra.frequency >= low) & (spectra.frequency <= high)
        before = _median_level(spectra.before[:, inside])
        after = _median_level(spectra.after[:, inside])
        bands.append(BandLevel(name, low, high, before, after))
    return tuple(bands)


def _median_level(levels: Array) -> float | None:
    """Compute the median over recordings of the level of their mean power.

    Recordings that lack a frequency of the band are ignored. None if none is left.
    """
    if not levels.shape[1]:
        return None
    complete = levels[np.isfinite(levels).all(axis=1)]
    if not len(complete):
        return None
    mean_power = np.mean(10 ** (complete / 10), axis=1)
    return float(np.median(10 * np.log10(mean_power)))


def _to_decibel(power: Array) -> Array:
    """Convert power in µV²/Hz to dB. The level is NaN if there is no power."""
    with np.errstate(divide="ignore", invalid="ignore"):
        level: Array = 10 * np.log10(power)
    return np.where(np.isfinite(level), level, np.nan)
