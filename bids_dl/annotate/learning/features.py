"""Features of windows for a linear model: band power, amplitude and line length."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from bids_dl.annotate.strategies.pool import Floats, Rows
from bids_dl.models.band_power import BandPower
from bids_dl.store import Store
from bids_dl.stream import StreamingDataset

MIN_UV = 1e-3  # of amplitude and line length; a flat channel has their logarithm of this
MAX_COMPONENTS = 40  # with 21 statistics over channels about 60 features, for tens of answers
MIN_STD = 1e-6  # of a measure; below it, it is constant
MAX_CHANNELS_FOR_ALL = 5  # whose measures need no components

Measures = npt.NDArray[np.float32]
"""(n_windows, n_chans, n_measures): log measures of each channel."""


def measure_windows(
    store: Store, on_progress: Callable[[int, int], None] = lambda *_: None
) -> Measures:
    """Compute log measures of each channel of all windows, in one pass over the store.

    Log power in up to five bands as in `BandPower`, log standard deviation, and log line length,
    the mean absolute difference between samples (Esteller et al. 2001,
    doi:10.1109/IEMBS.2001.1020545).

    Parameters
    ----------
    store
        The store.
    on_progress
        Called with the number of windows that are done, and of all.

    Returns
    -------
    numpy.ndarray
        (n_windows, n_chans, n_measures) float32, in natural logarithms and tenths of dB.

    Raises
    ------
    ModelError
        The windows are too short for any band.

    Examples
    --------
    >>> from bids_dl.store import open_store
    >>> measure_windows(open_store("eyes.zarr")).shape
    (240, 24, 7)
    """
    n_windows, n_chans, n_times = store.shape
    model = BandPower(n_chans, n_times, 1, store.sfreq)
    n_bands = len(model.bins)
    measures = np.empty((n_windows, n_chans, n_bands + 2), np.float32)
    n_done = 0
    index = np.arange(n_windows)
    with torch.inference_mode():
        for batch in StreamingDataset(store, target=index, batch_size=256, shuffle=False):
            rows = batch.index.numpy()
            power = model.features(batch.signals).reshape(-1, n_chans, n_bands)
            measures[rows, :, :n_bands] = power.numpy() / 10
            amplitude = batch.signals.std(dim=2, correction=0)
            length = batch.signals.diff(dim=2).abs().mean(dim=2)
            for i, values in enumerate((amplitude, length)):
                measures[rows, :, n_bands + i] = values.clamp(min=MIN_UV).log().numpy()
            n_done += len(rows)
            on_progress(n_done, n_windows)
    return measures


def make_features(measures: Measures, rows: Rows) -> Floats:
    """Return standardized features of all windows, scaled by some of them.

    Mean, maximum and standard deviation over channels of each measure describe a window whatever
    its focus. The first `MAX_COMPONENTS` principal components of the measures of all channels
    describe where it is. They keep their proportions, so that weak components count less.

    Parameters
    ----------
    measures
        Result of `measure_windows`.
    rows
        Windows that give means, standard deviations and components. Their labels are not used.

    Returns
    -------
    numpy.ndarray
        (n_windows, n_features) float64.

    Examples
    --------
    >>> measures = np.random.default_rng(0).standard_normal((50, 8, 7)).astype(np.float32)
    >>> make_features(measures, np.arange(40)).shape
    (50, 61)
    """
    statistics = (measures.mean(axis=1), measures.max(axis=1), measures.std(axis=1))
    parts = [standardize(np.concatenate(statistics, axis=1), rows)]
    channels = standardize(measures.reshape(len(measures), -1), rows)
    if measures.shape[1] > MAX_CHANNELS_FOR_ALL:
        channels = find_components(channels, rows)
    return np.concatenate([*parts, channels], axis=1)


def standardize(values: npt.NDArray[np.float32], rows: Rows) -> Floats:
    """Return values minus their mean, divided by their standard deviation.

    Parameters
    ----------
    values
        (n_windows, n_values). Values that are constant become 0.
    rows
        Windows that give means and standard deviations.

    Examples
    --------
    >>> standardize(np.array([[1.0], [3.0], [5.0]], np.float32), np.array([0, 1])).tolist()
    [[-1.0], [1.0], [3.0]]
    """
    numbers = values.astype(np.float64)
    mean = numbers[rows].mean(axis=0)
    std = numbers[rows].std(axis=0)
    return np.asarray((numbers - mean) / np.where(std > MIN_STD, std, 1.0), dtype=np.float64)


def find_components(values: Floats, rows: Rows) -> Floats:
    """Return up to `MAX_COMPONENTS` principal components, in deviations of the first one.

    Parameters
    ----------
    values
        (n_windows, n_values): standardized values.
    rows
        Windows that give the components.

    Returns
    -------
    numpy.ndarray
        (n_windows, n_components) float64.
    """
    from sklearn.decomposition import PCA

    if not values[rows].any():  # all constant, which scikit-learn warns of
        return values[:, :MAX_COMPONENTS]
    n_components = min(MAX_COMPONENTS, len(rows), values.shape[1])
    model = PCA(n_components, svd_solver="covariance_eigh").fit(values[rows])
    scale = max(float(np.sqrt(model.explained_variance_[0])), MIN_STD)
    return np.asarray(model.transform(values) / scale, dtype=np.float64)
