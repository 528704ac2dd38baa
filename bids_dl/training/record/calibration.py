"""Calibration: predicted probabilities against observed frequencies (reliability diagram).

See Guo et al. 2017, arXiv 1706.04599.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl.models.target import TargetSpec
from bids_dl.reporting.plots import Plot, PlotArea
from bids_dl.training.record.drawing import (
    REFERENCE_COLOR,
    TRAIN_COLOR,
    new_figure,
    save_png,
    style_axes,
)

N_BINS = 10  # of equal width
SIZE = (340, 320)  # width and height in SVG units
MIN_RADIUS = 2.5  # SVG units or points
MAX_RADIUS = 8.0  # of the bin with most values
TITLES = {
    "classes": ("probability of the predicted class", "share of correct windows"),
    "labels": ("probability of a label", "share of windows with the label"),
    "shares": ("predicted share", "mean true share"),
}
"""Titles of the horizontal and the vertical axis by kind of target."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Values predicted from ``low`` to ``high``: their number, mean and observed mean."""

    low: float
    high: float
    n: int
    predicted: float
    observed: float


def calibration_bins(spec: TargetSpec, predictions: pd.DataFrame) -> list[CalibrationBin]:
    """Compare predicted probabilities or shares with observed ones, in bins.

    Parameters
    ----------
    spec
        Target of the models, which is no number. Of classes, the probability of the predicted
        class is used; of labels and shares, those of all columns together.
    predictions
        One row per window, with true values, ``predicted`` of classes, and ``p_<output>``.

    Returns
    -------
    bins
        Bins with at least one value, in ascending order.
    """
    probabilities = predictions[[f"p_{name}" for name in spec.outputs]].to_numpy(dtype=float)
    if spec.kind == "classes":
        predicted = probabilities.max(axis=1)
        true = predictions[spec.columns[0]].astype(str)
        observed = (true == predictions["predicted"].astype(str)).to_numpy(dtype=float)
    else:
        predicted = probabilities.ravel()
        observed = predictions[list(spec.outputs)].to_numpy(dtype=float).ravel()
    known = np.isfinite(predicted) & np.isfinite(observed)
    return _bin(predicted[known], observed[known])


def draw_calibration(spec: TargetSpec, bins: Sequence[CalibrationBin], path: Path) -> None:
    """Draw bins as PNG. The area of a dot grows with its number of values."""
    figure = new_figure(4.6, 4.6)
    axes = figure.subplots()
    x_title, y_title = TITLES[spec.kind]
    axes.plot([0, 1], [0, 1], color=REFERENCE_COLOR, linestyle=":", label="calibrated")
    predicted = [item.predicted for item in bins]
    observed = [item.observed for item in bins]
    axes.plot(predicted, observed, color=TRAIN_COLOR, linewidth=1.5)
    axes.scatter(predicted, observed, s=np.square(_radii(bins)) * 4, color=TRAIN_COLOR, zorder=3)
    axes.set(xlabel=x_title, ylabel=y_title, xlim=(0, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    style_axes(axes)
    axes.legend(frameon=False, loc="upper left")
    save_png(figure, path)


def plot_calibration(spec: TargetSpec, bins: Sequence[CalibrationBin]) -> Plot:
    """Plot bins for the page. The area of a dot grows with its number of values."""
    area = PlotArea((0, 1), (0, 1), SIZE)
    predicted = [item.predicted for item in bins]
    observed = [item.observed for item in bins]
    lines = [area.line("reference", [0, 1], [0, 1]), area.line("s0", predicted, observed)]
    dots = area.dots("f0", predicted, observed, _radii(bins))
    return area.plot(TITLES[spec.kind], lines, dots)


def _bin(predicted: Array, observed: Array) -> list[CalibrationBin]:
    numbers = np.clip((predicted * N_BINS).astype(int), 0, N_BINS - 1)
    bins = []
    for number in np.unique(numbers):
        chosen = numbers == number
        means = float(predicted[chosen].mean()), float(observed[chosen].mean())
        limits = number / N_BINS, (number + 1) / N_BINS
        bins.append(CalibrationBin(*limits, int(chosen.sum()), *means))
    return bins


def _radii(bins: Sequence[CalibrationBin]) -> Array:
    """Return radii (n_bins,) whose squares are proportional to the numbers of values."""
    numbers = np.array([item.n for item in bins], dtype=float)
    radii: Array = np.maximum(MAX_RADIUS * np.sqrt(numbers / numbers.max()), MIN_RADIUS)
    return radii
