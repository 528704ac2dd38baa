"""Power in frequency bands by label, and its topography in SVG units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bids_dl.cataloguing.shown_windows import SCALP_TYPES, ShownWindows, choose_channels
from bids_dl.explanation.page.head_maps import Head, HeadMap
from bids_dl.explanation.page.levels import N_SEQUENTIAL, Levels
from bids_dl.reporting.spectra import BANDS_HZ
from bids_dl.store import Store

Values = npt.NDArray[np.float64]

MIN_BINS = 2  # frequencies of a band that a window resolves
MIN_RANGE_DB = 1.0  # of a colour scale, so that noise does not look like a pattern


@dataclass(frozen=True, slots=True)
class BandMap:
    """The topography of one label in one band: its range and maximum as text, and its map."""

    description: str
    head: HeadMap


@dataclass(frozen=True, slots=True)
class BandScale:
    """A frequency band and its colours, the same for all labels."""

    name: str
    low_hz: float
    high_hz: float
    levels: Levels


@dataclass(frozen=True, slots=True)
class LabelPower:
    """Power of one label: the median over channels by band in dB, and its maps by band.

    There are no maps if too few channels have a position.
    """

    label: str
    n_windows: int
    medians: tuple[float, ...]
    maps: tuple[BandMap, ...]


@dataclass(frozen=True, slots=True)
class Topography:
    """Power by label and band.

    Attributes
    ----------
    n_chans
        Number of channels that the medians are over.
    unresolved
        Names of the bands that a window is too short for, or the rate too low.
    """

    bands: tuple[BandScale, ...]
    labels: tuple[LabelPower, ...]
    n_chans: int
    unresolved: tuple[str, ...]


def draw_topography(store: Store, shown: Sequence[ShownWindows]) -> Topography | None:
    """Compute the power of each label by band, and draw its topography.

    Parameters
    ----------
    store
        An open store.
    shown
        Its windows, from `read_shown_windows`.

    Returns
    -------
    Topography or None
        None if the store has no window, or windows are too short for every band.
    """
    channels = choose_channels(store, SCALP_TYPES)
    names = [store.channels[index] for index in channels]
    bands = resolved_bands(store.shape[2], store.sfreq)
    if not shown or not bands:
        return None
    powers = [band_powers(label.averaged[:, channels], store.sfreq, bands) for label in shown]
    scales = _fit_scales(bands, np.stack(powers))
    head = Head(_read_positions(store)[channels])
    labels = []
    for label, power in zip(shown, powers, strict=True):
        maps = []
        for scale, levels in zip(scales, power, strict=True):
            drawn = head.draw(levels, scale.levels, np.zeros(len(channels), bool))
            if drawn is not None:
                maps.append(BandMap(_describe(label.label, scale, levels, names), drawn))
        medians = tuple(float(median) for median in np.nanmedian(power, axis=1))
        labels.append(LabelPower(label.label, len(label.averaged), medians, tuple(maps)))
    unresolved = tuple(name for name in BANDS_HZ if name not in bands)
    return Topography(scales, tuple(labels), len(channels), unresolved)


def _read_positions(store: Store) -> Values:
    """Return the positions of all channels (n_chans, 3) in m, NaN if the store has none."""
    if "channel_position" not in store.arrays:
        return np.full((store.shape[1], 3), np.nan)
    return store.read("channel_position").astype(np.float64)


def resolved_bands(n_times: int, sfreq: float) -> dict[str, tuple[float, float]]:
    """Return those of `BANDS_HZ` that windows resolve: a period, and `MIN_BINS` frequencies.

    Parameters
    ----------
    n_times
        Samples of a window.
    sfreq
        Sampling rate in Hz.

    Examples
    --------
    >>> list(resolved_bands(100, 100.0))
    ['delta', 'theta', 'alpha', 'beta', 'gamma']
    >>> list(resolved_bands(32, 64.0))
    ['theta', 'alpha', 'beta']
    """
    frequencies = np.fft.rfftfreq(n_times, 1 / sfreq)
    bands = {}
    for name, (low, high) in BANDS_HZ.items():
        n_bins = np.count_nonzero((frequencies >= low) & (frequencies <= high))
        has_period = low * n_times / sfreq >= 1
        if has_period and n_bins >= MIN_BINS and high <= sfreq / 2:
            bands[name] = (low, high)
    return bands


def band_powers(
    signals: npt.NDArray[np.float32], sfreq: float, bands: Mapping[str, tuple[float, float]]
) -> Values:
    """Compute the mean power density in bands.

    Parameters
    ----------
    signals
        (n_windows, n_chans, n_times).
    sfreq
        Sampling rate in Hz.
    bands
        Lowest and highest frequency of each band in Hz.

    Returns
    -------
    ndarray
        (n_bands, n_chans): dB of 1 µV²/Hz, the mean over windows. NaN if a channel has no power.
    """
    from scipy.signal import periodogram

    frequency, density = periodogram(
        signals.astype(np.float64), sfreq, window="hann", detrend="constant", axis=2
    )
    rows = []
    for low, high in bands.values():
        inside = (frequency >= low) & (frequency <= high)
        rows.append(np.mean(density[:, :, inside], axis=(0, 2)))
    with np.errstate(divide="ignore", invalid="ignore"):
        levels: Values = 10 * np.log10(np.stack(rows))
    return np.where(np.isfinite(levels), levels, np.nan)


def _fit_scales(bands: Mapping[str, tuple[float, float]], powers: Values) -> tuple[BandScale, ...]:
    """Choose the limits of the colours of each band over labels and channels.

    Parameters
    ----------
    powers
        (n_labels, n_bands, n_chans): dB.
    """
    scales = []
    for number, (name, (low, high)) in enumerate(bands.items()):
        levels = powers[:, number][np.isfinite(powers[:, number])]
        lowest, highest = (float(levels.min()), float(levels.max())) if levels.size else (0.0, 0.0)
        room = max(0.0, MIN_RANGE_DB - (highest - lowest)) / 2
        edges = np.linspace(lowest - room, highest + room, N_SEQUENTIAL + 1)
        scales.append(BandScale(name, low, high, Levels("v", tuple(edges.tolist()), "dB")))
    return tuple(scales)


def _describe(label: str, scale: BandScale, levels: Values, names: Sequence[str]) -> str:
    """Describe a topography in words."""
    if not np.isfinite(levels).any():
        return f"{label}, {scale.name}: no power"
    low, high = np.nanmin(levels), np.nanmax(levels)
    place = names[int(np.nanargmax(levels))]
    return f"{label}, {scale.name}: {low:.1f} to {high:.1f} dB, highest at {place}"
