"""Content of an explanation of a run: arrays by fold and output, and claims with their controls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bids_dl.models.target import TargetSpec

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


def _empty() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True, slots=True, eq=False)
class Axes:
    """Axes of the arrays of an explanation.

    Attributes
    ----------
    channels
        Names of the channels, in order.
    positions
        (n_chans, 3) in m, head coordinates: right, front, up. NaN if unknown.
    sfreq
        Sampling rate in Hz.
    n_times
        Samples of a window.
    frequencies
        (n_freqs,) in Hz: those of the Fourier transform of a window, from the first above 0.
    bands
        Lowest and highest frequency in Hz of each band, by name. The lowest belongs to the band,
        the highest does not.
    """

    channels: tuple[str, ...]
    positions: Floats
    sfreq: float
    n_times: int
    frequencies: Floats
    bands: dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """Means over persons, with 95 % intervals: equal shapes.

    An interval is the bootstrap standard error over persons times the quantile of Student's t
    distribution, so that it is wide for few persons. It is NaN for one person.
    """

    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True, eq=False)
class BestWindows:
    """Windows of the persons with the highest output, one window per person, for each output.

    Attributes
    ----------
    rows
        Of each output: rows of the store, the highest output first.
    logits
        Of each output: outputs of the model for these windows.
    spectra
        (n_outputs, n_freqs): mean over persons and channels in dB re 1 µV²/Hz.
    band_power
        (n_outputs, n_bands, n_chans): mean over persons in dB re 1 µV²/Hz.
    spectrum_difference
        (n_outputs, n_freqs) in dB: best windows of the output minus those of the other outputs. Of
        a single output: minus the windows with the lowest output, one window per person likewise.
    difference
        (n_outputs, n_bands, n_chans) in dB, likewise.
    random_difference
        (n_random, n_outputs, n_bands, n_chans) in dB: ``difference`` of networks with random
        weights.
    """

    rows: tuple[Rows, ...]
    logits: tuple[Floats, ...]
    spectra: Floats
    band_power: Floats
    spectrum_difference: Estimates
    difference: Estimates
    random_difference: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Maximization:
    """Inputs that maximize an output, from random starts (activation maximization).

    Attributes
    ----------
    spectra
        (n_folds, n_outputs, n_freqs): mean over starts and channels in dB re 1 µV²/Hz.
    peaks
        (n_folds, n_outputs) in Hz: frequency with the largest power.
    band_power
        (n_folds, n_outputs, n_bands, n_chans): mean over starts in dB re 1 µV²/Hz.
    example
        (n_outputs, n_chans, n_times) in µV: the input of the first start, of the first fold.
    logits
        (n_folds, n_outputs, n_starts): outputs that the inputs reach.
    window_logits
        (n_folds, n_outputs, 3): 5 % quantile, median and maximum over the unseen windows.
    random_spectra
        (n_folds, n_random, n_outputs, n_freqs): ``spectra`` of networks with random weights.
    start_peaks
        (n_folds, n_outputs, n_starts) in Hz: frequency with the largest power of each input.
    """

    spectra: Floats
    peaks: Floats
    band_power: Floats
    example: Floats
    logits: Floats
    window_logits: Floats
    random_spectra: Floats
    start_peaks: Floats = field(default_factory=_empty)


@dataclass(frozen=True, slots=True, eq=False)
class Saliency:
    """Sensitivity of each output to the signal: means over persons.

    Shares sum to 1 over their last axis. They are 0 if an output does not depend on the signal.

    Attributes
    ----------
    method
        ``"gradient"`` or ``"integrated gradients"``.
    by_channel
        (n_folds, n_outputs, n_chans): share of the absolute values.
    by_time
        (n_folds, n_outputs, n_times): share of the absolute values.
    by_frequency
        (n_folds, n_outputs, n_freqs): share of the power of the gradient over time. Of integrated
        gradients: share of the absolute attributions to the Fourier coefficients of the signal.
    by_band
        (n_folds, n_outputs, n_bands, n_chans): share of that power; sums to at most 1 over bands
        and channels.
    random_by_channel, random_by_frequency, random_by_band
        (n_folds, n_random, n_outputs, ...): those of networks with random weights.
    completeness_gap
        (n_folds, n_outputs): mean of |sum of attributions - difference of outputs|, divided by the
        mean of |difference of outputs|. NaN for the gradient.
    of_input
        Of models with a transform: (n_outputs, *shape of the transform's result), mean absolute
        gradient at the result of the transform. Empty otherwise.
    transform
        Name of the transform, as in `bids_dl.transforms`. Empty if the model has none.
    """

    method: str
    by_channel: Floats
    by_time: Floats
    by_frequency: Floats
    by_band: Floats
    random_by_channel: Floats
    random_by_frequency: Floats
    completeness_gap: Floats
    of_input: Floats
    random_by_band: Floats = field(default_factory=_empty)
    transform: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Randomization:
    """Rank correlation of gradient maps with those of other weights or outputs.

    Attributes
    ----------
    layers
        Names of the layers, in the order in which their weights are replaced: the last one first.
    correlations
        (n_folds, n_outputs, n_layers): after the weights of a layer and of all before it in
        ``layers`` are replaced by random ones (Adebayo et al. 2018, arXiv:1810.03292). Of absolute
        values, because the sign of a gradient may change with the weights.
    other_output
        (n_folds, n_outputs): with the map of the output that is most alike, both with their signs:
        the maps of two opposite outputs have -1. NaN for one output.
    limit
        Correlation below which a map counts as dependent on what was replaced.
    """

    layers: tuple[str, ...]
    correlations: Floats
    other_output: Floats
    limit: float


@dataclass(frozen=True, slots=True, eq=False)
class RemovalEffect:
    """Change of the spectrum after samples are removed and interpolated linearly.

    Attributes
    ----------
    quantile
        Share of the samples that are removed.
    by_saliency
        (n_outputs, n_freqs) in dB: the samples with the smallest absolute gradient are removed.
    at_random
        (n_outputs, n_freqs) in dB: as many samples, chosen at random, are removed.
    difference
        (n_outputs, n_freqs) in dB: the former minus the latter.
    random_difference
        (n_random, n_outputs, n_freqs) in dB: ``difference`` by the gradients of networks with
        random weights.
    """

    quantile: float
    by_saliency: Floats
    at_random: Floats
    difference: Estimates
    random_difference: Floats = field(default_factory=_empty)


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement on what the network has learnt, and whether it beats its control.

    Attributes
    ----------
    part
        Part of the explanation: ``"accuracy"``, ``"best windows"``, ``"maximization"``,
        ``"gradient"``, ``"integrated gradients"``, ``"randomization"`` or ``"removal"``.
    output
        Name of the output. Empty if the claim is about all of them.
    statement
        One sentence with numbers and units.
    control
        One sentence on the control and its numbers.
    is_shown
        True if the control is beaten, and the network itself is better than chance.
    """

    part: str
    output: str
    statement: str
    control: str
    is_shown: bool


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Explanation of the models of a run on windows of persons that they have not seen.

    Attributes
    ----------
    spec
        Target of the models.
    axes
        Axes of the arrays.
    source
        ``store``, ``run``, ``model``, ``command``, ``versions`` and the settings, for the page.
    folds
        Of each fold: ``held_out`` or the name of its weights, ``n_windows``, ``n_persons``.
    claims
        All statements, also those that are not shown.
    warnings
        Lines about the data and the model.
    """

    spec: TargetSpec
    axes: Axes
    source: dict[str, Any]
    folds: list[dict[str, Any]]
    best_windows: BestWindows
    maximization: Maximization
    saliency: tuple[Saliency, ...]
    randomization: Randomization
    removal: RemovalEffect
    claims: tuple[Claim, ...]
    warnings: tuple[str, ...]
