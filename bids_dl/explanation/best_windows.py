"""Windows with the highest outputs, and how their spectra differ from those of other outputs."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch

from bids_dl.explanation.contents import Axes, BestWindows, Estimates, Floats, Rows
from bids_dl.explanation.estimates import estimate_difference
from bids_dl.explanation.spectra import average_bands, compute_power, to_decibels
from bids_dl.explanation.windows import stream_windows
from bids_dl.store import Store


@dataclass(frozen=True, slots=True, eq=False)
class WindowSpectra:
    """Spectra of single windows in dB re 1 µV²/Hz.

    Attributes
    ----------
    rows
        (n_rows,): rows of the store, in ascending order.
    spectrum
        (n_rows, n_freqs): mean over channels.
    by_band
        (n_rows, n_bands, n_chans): of the mean power of a band.
    """

    rows: Rows
    spectrum: Floats
    by_band: Floats


def choose_best(outputs: Floats, rows: Rows, persons: Rows, top: int) -> Rows:
    """Choose the windows with the highest output, one window per person.

    Parameters
    ----------
    outputs
        (n_rows,): outputs of a model.
    rows, persons
        (n_rows,): rows of the store, and numbers of the persons.
    top
        Largest number of windows.

    Returns
    -------
    numpy.ndarray
        Rows of the store, the highest output first. Of equal outputs, the first row is taken.

    Examples
    --------
    >>> outputs, persons = np.array([0.1, 0.9, 0.5]), np.array([0, 0, 1])
    >>> choose_best(outputs, np.array([10, 11, 12]), persons, top=2).tolist()
    [11, 12]
    """
    order = np.argsort(-outputs, kind="stable")
    _, first = np.unique(persons[order], return_index=True)
    return rows[order[np.sort(first)[:top]]]


def compare_best_windows(
    store: Store, outputs: Floats, rows: Rows, person: Rows, *, axes: Axes, top: int, seed: int
) -> BestWindows:
    """Compare the windows with the highest outputs, of the models and of random networks.

    Parameters
    ----------
    store
        Store of the windows.
    outputs
        (1 + n_random, n_rows, n_outputs): of the models, then of networks with random weights.
    rows
        (n_rows,): rows of the store.
    person
        (n_windows,): number of the person of each row of the store.
    axes
        Axes of the windows.
    top
        Largest number of windows of an output.
    seed
        Seed of the bootstrap.
    """
    directions = outputs
    n_outputs = outputs.shape[2]
    if n_outputs == 1:  # compared with the windows of the lowest output
        directions = np.concatenate([outputs, -outputs], axis=2)
    best: list[list[Rows]] = []
    for of_network in directions:
        columns = of_network.T
        best.append([choose_best(column, rows, person[rows], top) for column in columns])
    spectra = _read_spectra(store, np.unique(np.concatenate([*map(np.concatenate, best)])), axes)
    chosen = best[0][:n_outputs]
    position = [np.searchsorted(rows, own) for own in chosen]
    differences = [_differ(spectra, own, person, n_outputs, seed) for own in best]
    return BestWindows(
        rows=tuple(chosen),
        logits=tuple(outputs[0, own, i] for i, own in enumerate(position)),
        spectra=np.stack([_select(spectra, own, spectra.spectrum).mean(0) for own in chosen]),
        band_power=np.stack([_select(spectra, own, spectra.by_band).mean(0) for own in chosen]),
        spectrum_difference=differences[0][0],
        difference=differences[0][1],
        random_difference=np.stack([by_band.value for _, by_band in differences[1:]]),
    )


def _differ(
    spectra: WindowSpectra, best: list[Rows], person: Rows, n_outputs: int, seed: int
) -> tuple[Estimates, Estimates]:
    """Estimate the differences of spectra and of bands, for the first ``n_outputs`` outputs."""
    persons = np.unique(person[np.concatenate(best)])
    parts: list[Estimates] = []
    for values in (spectra.spectrum, spectra.by_band):
        table = np.full((len(best), len(persons), *values.shape[1:]), np.nan)
        for output, rows in enumerate(best):
            table[output, np.searchsorted(persons, person[rows])] = _select(spectra, rows, values)
        estimates: list[Estimates] = []
        for output in range(n_outputs):
            others = _mean_known(np.delete(table, output, axis=0))
            estimates.append(estimate_difference(table[output], others, seed))
        parts.append(stack_estimates(estimates))
    return parts[0], parts[1]


def stack_estimates(estimates: list[Estimates]) -> Estimates:
    """Stack estimates along a new first axis."""
    return Estimates(
        np.stack([estimate.value for estimate in estimates]),
        np.stack([estimate.low for estimate in estimates]),
        np.stack([estimate.high for estimate in estimates]),
    )


def _mean_known(values: Floats) -> Floats:
    """Return the mean over the first axis of the values that are not NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of persons without a value: NaN
        mean: Floats = np.nanmean(values, axis=0)
    return mean


def _select(spectra: WindowSpectra, rows: Rows, values: Floats) -> Floats:
    return values[np.searchsorted(spectra.rows, rows)]


def _read_spectra(store: Store, rows: Rows, axes: Axes) -> WindowSpectra:
    """Read windows in µV, and compute their spectra."""
    spectra: list[Floats] = []
    bands: list[Floats] = []
    for signals, _ in stream_windows(store, rows, torch.device("cpu")):
        power = compute_power(signals.double().numpy(), axes.sfreq)
        spectra.append(to_decibels(power).mean(axis=1))
        bands.append(np.moveaxis(to_decibels(average_bands(power, axes)), 0, 1))
    return WindowSpectra(rows, np.concatenate(spectra), np.concatenate(bands))
