"""Learning curves: loss and the training metric over epochs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bids_dl.config.training_options import TargetKind
from bids_dl.reporting.plots import Plot, PlotArea, PlotLine, limits_of
from bids_dl.training.record.drawing import (
    TEST_COLOR,
    TRAIN_COLOR,
    VALIDATION_COLOR,
    new_figure,
    save_png,
    style_axes,
)
from bids_dl.training.record.metric_names import format_metric, name_metric

MAX_THIN_LINES = 30  # folds that have a line of their own
SIDES = (("train", TRAIN_COLOR), ("validation", VALIDATION_COLOR))


def quantities(history: pd.DataFrame) -> list[str]:
    """List the quantities that training and validation have in a history, the loss first.

    Examples
    --------
    >>> quantities(pd.DataFrame(columns=["train_mae", "validation_mae", "train_loss", "lr"]))
    ['loss', 'mae']
    """
    columns = map(str, history.columns)
    names = [name.removeprefix("train_") for name in columns if name.startswith("train_")]
    return sorted(names, key=lambda name: name != "loss")


def draw_learning_curves(
    history: pd.DataFrame,
    path: Path,
    *,
    kind: TargetKind,
    test_values: dict[str, float | None],
) -> None:
    """Draw the quantities of training and validation over epochs as PNG.

    Each fold is a thin line and the mean over folds and seeds is a thick one.

    Parameters
    ----------
    history
        Columns seed, fold, epoch, and ``train_`` and ``validation_`` with each quantity. Values of
        the validation are NaN without one.
    path
        PNG file to write.
    kind
        Kind of target.
    test_values
        Values of the tested windows by quantity, drawn as dashed lines.
    """
    names = quantities(history)
    figure = new_figure(4.5 * len(names), 3.6)
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for side, color in SIDES:
            _draw_curve(axes, history, f"{side}_{name}", color)
        axes.set(xlabel="epoch", title=f"{name_metric(kind, name)} of the windows")
        axes.set_xlim(1, max(2, history["epoch"].max()))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        style_axes(axes)
        value = test_values.get(name)
        if value is not None:
            label = f"tested windows, {format_metric(name, value)}"
            axes.axhline(value, color=TEST_COLOR, linewidth=2.2, linestyle="--", label=label)
        axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
        axes.legend(frameon=False)
    save_png(figure, path)


def plot_learning_curves(
    history: pd.DataFrame, *, test_values: dict[str, float | None]
) -> list[tuple[str, Plot]]:
    """Plot the quantities of training and validation over epochs for the page.

    Parameters
    ----------
    history, test_values
        As in `draw_learning_curves`.

    Returns
    -------
    plots
        Name and plot of each quantity.
    """
    last_epoch = max(2, int(history["epoch"].max()))
    plots = []
    for name in quantities(history):
        columns = [f"{side}_{name}" for side, _ in SIDES if f"{side}_{name}" in history]
        value = test_values.get(name)
        values = [*history[columns].to_numpy(dtype=float).ravel(), 0.0]
        if value is not None:
            values.append(value)
        low, high = limits_of(values)
        area = PlotArea((1, last_epoch), (min(values) if min(values) >= 0 else low, high))
        lines: list[PlotLine] = []
        for number, column in enumerate(columns):
            thin = [
                area.line(f"s{number} thin", curve["epoch"], curve[column])
                for curve in _thin_lines(history)
            ]
            mean = history.groupby("epoch")[column].mean()
            lines += [*thin, area.line(f"s{number}", mean.index, mean)]
        if value is not None:
            lines.append(area.line("s2 dashed", [1, last_epoch], [value, value]))
        plots.append((name, area.plot(("epoch", ""), lines, counts=True)))
    return plots


def has_validation(history: pd.DataFrame) -> bool:
    """Return if a history has any loss of validation windows."""
    return "validation_loss" in history and bool(history["validation_loss"].notna().any())


def count_curves(history: pd.DataFrame) -> int:
    """Count the trained models, one per seed and fold, of a history."""
    return int(history.groupby(_keys(history)).ngroups)


def _draw_curve(axes: Axes, history: pd.DataFrame, column: str, color: str) -> None:
    if column not in history or not history[column].notna().any():
        return
    label = column.partition("_")[0]
    n_curves = count_curves(history)
    if n_curves > 1:
        label += f", mean of {n_curves} trainings"
    for curve in _thin_lines(history):
        axes.plot(curve["epoch"], curve[column], color=color, alpha=0.3, linewidth=1)
    mean = history.groupby("epoch")[column].mean()
    marker = "o" if len(mean) == 1 else ""  # because a line of one epoch is invisible
    axes.plot(mean.index, mean, color=color, linewidth=2.2, label=label, marker=marker)


def _thin_lines(history: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the epochs of the first trainings, none if there is only one."""
    curves = [curve for _, curve in history.groupby(_keys(history))]
    if len(curves) > 1:
        yield from curves[:MAX_THIN_LINES]


def _keys(history: pd.DataFrame) -> list[str]:
    return [name for name in ("seed", "fold") if name in history]
