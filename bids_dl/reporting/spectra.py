"""Power spectra of the recordings before and after the recipe, in dB."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bids_dl.store import Store

Array: TypeAlias = NDArray[np.float64]

ARRAYS = ("frequency", "recording_spectrum_before", "recording_spectrum_after")
HIGHEST = 120.0  # Hz shown
BANDS = {
    "delta": (1.0, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 13.0),
    "beta": (13.0, 30.0),
    "gamma": (30.0, 45.0),
}  # Hz


@dataclass(frozen=True)
class Spectra:
    """Power of each recording, in dB of 1 µV²/Hz; NaN where a recording has no such frequency.

    Attributes
    ----------
    frequency
        (n_frequencies,) in Hz, from 1 Hz on.
    before, after
        (n_recordings, n_frequencies), in the order of the store.
    """

    frequency: Array
    before: Array
    after: Array


@dataclass(frozen=True, slots=True)
class Band:
    """Power in a band, median over recordings, in dB of 1 µV²/Hz; None where no recording has it."""

    name: str
    low: float
    high: float
    before: float | None
    after: float | None


def spectra(store: Store) -> Spectra | None:
    """The spectra that a store holds; None where it was made without."""
    if not all(name in store.root["consolidated_metadata"]["metadata"] for name in ARRAYS):
        return None
    frequency, before, after = (store.read(name).astype(np.float64) for name in ARRAYS)
    shown = (frequency > 0) & (frequency <= HIGHEST)
    return Spectra(frequency[shown], _decibel(before[:, shown]), _decibel(after[:, shown]))


def quartiles(levels: Array) -> Array:
    """(3, n_frequencies): lower quartile, median, upper quartile over the recordings that have the frequency."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", RuntimeWarning
        )  # a frequency that no recording has stays NaN
        found: Array = np.nanquantile(levels, [0.25, 0.5, 0.75], axis=0)
    return found


def bands(found: Spectra) -> tuple[Band, ...]:
    """Mean level in each band of clinical EEG, median over recordings."""
    out = []
    for name, (low, high) in BANDS.items():
        inside = (found.frequency >= low) & (found.frequency <= high)
        before, after = (_middle(levels[:, inside]) for levels in (found.before, found.after))
        out.append(Band(name, low, high, before, after))
    return tuple(out)


def _middle(levels: Array) -> float | None:
    """Median over recordings of their mean level."""
    whole = levels[np.isfinite(levels).all(axis=1)] if levels.shape[1] else levels[:0]
    return (
        float(np.median(10 * np.log10(np.mean(10 ** (whole / 10), axis=1)))) if len(whole) else None
    )


def _decibel(power: Array) -> Array:
    """10 log10 of a power in µV²/Hz; NaN where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        level: Array = 10 * np.log10(power)
    return np.where(np.isfinite(level), level, np.nan)
