"""Learning curves of a simulation as a figure: mean over seeds with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from bids_dl.annotate.simulation.curves import GROUP, average_curve
from bids_dl.training.record.drawing import (
    new_figure,
    plain_text,
    save_png,
    shorten_name,
    style_axes,
)

# Okabe and Ito 2008, which people with impaired colour vision tell apart, without yellow
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
RANDOM_COLOR = "#777777"
MARKERS = "osD^vPX*"
MAX_COLUMNS = 2
PANEL_INCHES = (5.6, 3.8)


@plain_text
def draw_curves(curves: pd.DataFrame, metric: str, path: Path) -> None:
    """Draw the mean curve of each strategy with its 95 % interval, one panel per learner, as PNG.

    Curves with automatic labels are dashed.

    Parameters
    ----------
    curves
        Table of the curves.
    metric
        Title of the axis of the metric.
    path
        PNG file to write.
    """
    models = list(dict.fromkeys(curves["model"]))
    n_columns = min(MAX_COLUMNS, len(models))
    n_rows = -(-len(models) // n_columns)
    figure = new_figure(PANEL_INCHES[0] * n_columns, PANEL_INCHES[1] * n_rows)
    panels = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True).flat
    styles = _choose_styles(curves)
    for model, axes in zip(models, panels, strict=False):
        of_model = curves[curves["model"] == model]
        for (_, strategy, is_automatic), curve in of_model.groupby(GROUP, sort=False):
            average = average_curve(curve)
            color, marker = styles[strategy]
            label = f"{strategy}, with automatic labels" if is_automatic else strategy
            axes.plot(
                average.index,
                average["value"],
                color=color,
                marker=marker,
                markersize=4,
                linestyle="--" if is_automatic else "-",
                label=label,
            )
            axes.fill_between(
                average.index, average["low"], average["high"], color=color, alpha=0.15, lw=0
            )
        axes.set(xlabel="answers", ylabel=metric)
        if len(models) > 1:
            axes.set_title(shorten_name(model), fontsize="medium")
        style_axes(axes)
    figure.axes[0].legend(frameon=False, fontsize="small")
    for axes in figure.axes[len(models) :]:
        axes.remove()
    save_png(figure, path)


def _choose_styles(curves: pd.DataFrame) -> Mapping[str, tuple[str, str]]:
    """Return colour and marker of each strategy. Random is grey."""
    names = list(dict.fromkeys(curves["strategy"]))
    others = [name for name in names if name != "random"]
    styles = {"random": (RANDOM_COLOR, ".")}
    for i, name in enumerate(others):
        styles[name] = (COLORS[i % len(COLORS)], MARKERS[i % len(MARKERS)])
    return styles
