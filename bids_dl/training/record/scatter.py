"""Scatter plot of a number: predicted against true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl.models.target import TargetSpec
from bids_dl.reporting.plots import Plot, PlotArea, limits_of
from bids_dl.training.record.drawing import (
    REFERENCE_COLOR,
    TRAIN_COLOR,
    new_figure,
    plain_text,
    save_png,
    shorten_name,
    style_axes,
)

MAX_DRAWN_WINDOWS = 20_000  # in the PNG file
MAX_PLOTTED_VOTES = 1_000  # on the page
SIZE = (340, 320)  # width and height in SVG units

Array = npt.NDArray[np.float64]


@plain_text
def draw_scatter(
    spec: TargetSpec, predictions: pd.DataFrame, votes: pd.DataFrame, path: Path
) -> None:
    """Draw predicted against true numbers as PNG: windows as faint dots, votes above them.

    At most `MAX_DRAWN_WINDOWS` windows are drawn, evenly spaced over the table.
    """
    windows = _values(spec, predictions, MAX_DRAWN_WINDOWS)
    voted = _values(spec, votes)
    limits = limits_of(np.concatenate([windows, voted]))
    figure = new_figure(4.8, 4.8)
    axes = figure.subplots()
    axes.plot(limits, limits, color=REFERENCE_COLOR, linestyle=":", label="predicted = true")
    axes.scatter(
        windows[:, 0],
        windows[:, 1],
        s=6,
        color=TRAIN_COLOR,
        alpha=0.2,
        linewidths=0,
        label="windows",
    )
    axes.scatter(
        voted[:, 0],
        voted[:, 1],
        s=26,
        color=TRAIN_COLOR,
        edgecolors="white",
        label="votes",
        zorder=3,
    )
    x_title, y_title = _titles(spec)
    axes.set(xlabel=x_title, ylabel=y_title, xlim=limits, ylim=limits, aspect="equal")
    style_axes(axes)
    axes.legend(frameon=False, loc="upper left")
    save_png(figure, path)


def plot_scatter(spec: TargetSpec, votes: pd.DataFrame) -> tuple[Plot, int]:
    """Plot predicted against true numbers of votes for the page.

    Returns
    -------
    plot
        The plot.
    n_plotted
        Number of votes in it, at most `MAX_PLOTTED_VOTES`, evenly spaced over the table.
    """
    voted = _values(spec, votes, MAX_PLOTTED_VOTES)
    limits = limits_of(voted)
    area = PlotArea(limits, limits, SIZE)
    lines = [area.line("reference", limits, limits)]
    return area.plot(_titles(spec), lines, area.dots("f0", *voted.T)), len(voted)


def _values(spec: TargetSpec, table: pd.DataFrame, max_rows: int | None = None) -> Array:
    """Return true and predicted numbers (n, 2), without rows with a missing one."""
    values: Array = table[[spec.columns[0], "predicted"]].to_numpy(dtype=float)
    values = values[np.isfinite(values).all(axis=1)]
    if max_rows is not None and len(values) > max_rows:
        values = values[np.linspace(0, len(values) - 1, max_rows).astype(int)]
    return values


def _titles(spec: TargetSpec) -> tuple[str, str]:
    name = shorten_name(spec.columns[0])
    return f"true {name}", f"predicted {name}"
