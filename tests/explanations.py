"""Explanations of known content, for tests of the page: alpha at O1 for the second output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from electrode_positions import spread_positions

from bids_dl.explanation.contents import (
    Axes,
    BestWindows,
    Claim,
    Estimates,
    Explanation,
    Maximization,
    Randomization,
    RemovalEffect,
    Saliency,
)
from bids_dl.models.target import TargetSpec

BANDS = {
    "delta": (1.0, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 13.0),
    "beta": (13.0, 30.0),
    "gamma": (30.0, 45.0),
}
N_STARTS = 3
N_RANDOM = 2
SFREQ = 128.0
N_TIMES = 256


def make_explanation(
    outputs: Sequence[str] = ("open", "closed"),
    *,
    n_folds: int = 4,
    channels: Sequence[str] = ("Fz", "C3", "Cz", "C4", "Pz", "O1", "O2", "Oz"),
    has_positions: bool = True,
    is_better_than_chance: bool = True,
    input_shape: tuple[int, ...] = (),
) -> Explanation:
    """Make an explanation whose numbers come from a fixed seed.

    Parameters
    ----------
    outputs
        Names of the outputs. One output makes a target that is a number.
    input_shape
        Shape of the result of the model's transform. Empty for none.
    """
    rng = np.random.default_rng(0)
    axes = _make_axes(channels, has_positions=has_positions)
    n_outputs, n_chans = len(outputs), len(channels)
    kind = "number" if n_outputs == 1 else "classes"
    saliency = [
        _make_saliency(rng, method, (n_folds, n_outputs, n_chans), axes, input_shape)
        for method in ("gradient", "integrated gradients")
    ]
    return Explanation(
        spec=TargetSpec("label", kind, ("label",), tuple(outputs)),
        axes=axes,
        source=_make_source(),
        folds=[
            {"held_out": f"sub-{fold + 1:03}", "n_windows": 60, "n_persons": 1}
            for fold in range(n_folds)
        ],
        best_windows=_make_best_windows(rng, n_outputs, axes),
        maximization=_make_maximization(rng, n_folds, n_outputs, axes),
        saliency=tuple(saliency),
        randomization=_make_randomization(rng, n_folds, n_outputs),
        removal=_make_removal(rng, n_outputs, axes),
        claims=_make_claims(outputs[-1], is_better_than_chance=is_better_than_chance),
        warnings=("4 people were tested; intervals from fewer than 10 people are coarse",),
    )


def _make_axes(channels: Sequence[str], *, has_positions: bool) -> Axes:
    positions = spread_positions(len(channels))
    positions[:, 2] += 0.04  # height of the center of the head
    frequencies = np.fft.rfftfreq(N_TIMES, 1 / SFREQ)[1:]
    if not has_positions:
        positions = np.full_like(positions, np.nan)
    return Axes(tuple(channels), positions, SFREQ, N_TIMES, frequencies, dict(BANDS))


def _make_source() -> dict[str, Any]:
    return {
        "store": "stores/eyes.zarr",
        "run": "runs/eyes-shallow-fbcsp-0",
        "model": "shallow-fbcsp",
        "command": "bids-dl explain stores/eyes.zarr --run-dir runs/eyes-shallow-fbcsp-0",
        "versions": {"bids_dl": "0.1.0", "torch": "2.13.0"},
        "seed": 0,
        "quantile": 0.3,
    }


def _make_spectra(rng: np.random.Generator, axes: Axes, *shape: int) -> np.ndarray:
    """Return levels in dB with a peak at 10 Hz for the last of the outputs."""
    base = 10 - 12 * np.log10(axes.frequencies)
    peak = 8 * np.exp(-np.square(axes.frequencies - 10) / 4)
    spectra = base + rng.normal(scale=0.3, size=(*shape, len(axes.frequencies)))
    spectra[..., -1, :] += peak
    return spectra


def _make_estimates(value: np.ndarray, half_width: float) -> Estimates:
    return Estimates(value, value - half_width, value + half_width)


def _make_best_windows(rng: np.random.Generator, n_outputs: int, axes: Axes) -> BestWindows:
    n_chans = len(axes.channels)
    shape = (n_outputs, len(BANDS), n_chans)
    difference = rng.normal(scale=0.5, size=shape)
    difference[-1, 2, -3:] += 5.0
    power = rng.normal(scale=2.0, size=shape) + np.array([20, 12, 10, 0, -8])[:, None]
    spectra = _make_spectra(rng, axes, n_outputs)
    spectrum_difference = spectra - spectra.mean(axis=0)
    return BestWindows(
        rows=tuple(np.arange(4) + 10 * output for output in range(n_outputs)),
        logits=tuple(np.linspace(3, 1, 4) for _ in range(n_outputs)),
        spectra=spectra,
        band_power=power,
        spectrum_difference=_make_estimates(spectrum_difference, 1.0),
        difference=_make_estimates(difference, 1.5),
        random_difference=rng.normal(scale=0.5, size=(N_RANDOM, *shape)),
    )


def _make_maximization(
    rng: np.random.Generator, n_folds: int, n_outputs: int, axes: Axes
) -> Maximization:
    n_chans = len(axes.channels)
    peaks = np.full((n_folds, n_outputs), 2.0)
    peaks[:, -1] = 10.0
    windows = np.broadcast_to([-2.0, 0.5, 4.0], (n_folds, n_outputs, 3))
    return Maximization(
        spectra=_make_spectra(rng, axes, n_folds, n_outputs),
        peaks=peaks,
        band_power=rng.normal(size=(n_folds, n_outputs, len(BANDS), n_chans)),
        example=rng.normal(scale=20, size=(n_outputs, n_chans, N_TIMES)),
        logits=np.full((n_folds, n_outputs, N_STARTS), 42.0),
        window_logits=np.array(windows),
        random_spectra=_make_spectra(rng, axes, n_folds, N_RANDOM, n_outputs) - 3,
        start_peaks=peaks[..., None] + np.array([-1.0, 0.0, 0.5]),
    )


def _make_saliency(
    rng: np.random.Generator,
    method: str,
    shape: tuple[int, int, int],
    axes: Axes,
    input_shape: tuple[int, ...],
) -> Saliency:
    n_folds, n_outputs, n_chans = shape
    n_freqs = len(axes.frequencies)
    by_band = _make_shares(rng, n_folds, n_outputs, len(BANDS) * n_chans)
    random_by_band = _make_shares(rng, n_folds, N_RANDOM, n_outputs, len(BANDS) * n_chans)
    gap = np.full((n_folds, n_outputs), np.nan if method == "gradient" else 0.021)
    of_input = rng.random((n_outputs, *input_shape)) if input_shape else np.empty((n_outputs, 0))
    return Saliency(
        method=method,
        by_channel=_make_shares(rng, n_folds, n_outputs, n_chans),
        by_time=_make_shares(rng, n_folds, n_outputs, axes.n_times),
        by_frequency=_make_shares(rng, n_folds, n_outputs, n_freqs),
        by_band=by_band.reshape(n_folds, n_outputs, len(BANDS), n_chans),
        random_by_channel=_make_shares(rng, n_folds, N_RANDOM, n_outputs, n_chans),
        random_by_frequency=_make_shares(rng, n_folds, N_RANDOM, n_outputs, n_freqs),
        completeness_gap=gap,
        of_input=of_input,
        random_by_band=random_by_band.reshape(n_folds, N_RANDOM, n_outputs, len(BANDS), n_chans),
        transform="band-topography" if input_shape else "",
    )


def _make_shares(rng: np.random.Generator, *shape: int) -> np.ndarray:
    values = rng.random(shape)
    return values / values.sum(axis=-1, keepdims=True)


def _make_randomization(rng: np.random.Generator, n_folds: int, n_outputs: int) -> Randomization:
    correlations = np.array([0.6, 0.3, 0.1]) + rng.normal(scale=0.02, size=(n_folds, n_outputs, 3))
    other = np.full((n_folds, n_outputs), 0.3 if n_outputs > 1 else np.nan)
    return Randomization(("head", "spatial", "temporal"), correlations, other, limit=0.5)


def _make_removal(rng: np.random.Generator, n_outputs: int, axes: Axes) -> RemovalEffect:
    shape = (n_outputs, len(axes.frequencies))
    at_random = -0.05 * axes.frequencies + rng.normal(scale=0.02, size=shape)
    by_saliency = at_random + rng.normal(scale=0.1, size=shape)
    difference = _make_estimates(by_saliency - at_random, 0.3)
    of_random = rng.normal(scale=0.1, size=(N_RANDOM, *shape))
    return RemovalEffect(0.3, by_saliency, at_random, difference, of_random)


def _make_claims(output: str, *, is_better_than_chance: bool) -> tuple[Claim, ...]:
    return (
        Claim(
            "maximization",
            output,
            "inputs peak at 8-13 Hz in 4 of 4 networks",
            "random weights: 1 of 8 networks",
            is_better_than_chance,
        ),
        Claim("removal", output, "alpha changes by -0.6 dB", "at random: -0.5 dB", False),
        Claim(
            "accuracy",
            "",
            "the accuracy is 0.95 (0.90 to 0.98)" if is_better_than_chance else "it is 0.5",
            "chance is 0.50",
            is_better_than_chance,
        ),
    )
