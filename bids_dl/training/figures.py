"""Figures of a run as PNG: learning curves and confusion matrices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator, PercentFormatter

TRAIN_COLOR = "#1f6f8b"
VALIDATION_COLOR = "#d1495b"
TEST_COLOR = "#edae49"
TEXT_COLOR = "#30343b"
MAX_LARGE_CLASSES = 8  # classes up to which a confusion matrix has large text and percentages
MAX_UPRIGHT_CHARS = 12  # length of a class name up to which its label is not slanted
MIN_DARK_SHARE = 0.6  # share from which a cell is so dark that its text is white


def draw_learning_curves(history: pd.DataFrame, test_accuracy: float, path: Path) -> None:
    """Draw loss and accuracy over epochs, with the test accuracy.

    Each fold is a thin line and their mean is a thick one.

    Parameters
    ----------
    history
        Columns fold, epoch, train_loss, train_accuracy, validation_loss, validation_accuracy (NaN
        without validation).
    test_accuracy
        Accuracy of the windows of tested persons, from 0 to 1.
    path
        PNG file to write.
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    loss_axes, accuracy_axes = figure.subplots(1, 2)
    for axes, quantity in ((loss_axes, "loss"), (accuracy_axes, "accuracy")):
        _draw_curve(axes, history, f"train_{quantity}", TRAIN_COLOR)
        if history[f"validation_{quantity}"].notna().any():
            _draw_curve(axes, history, f"validation_{quantity}", VALIDATION_COLOR)
        max_epoch = max(2, history["epoch"].max())
        axes.set(xlabel="epoch", title=f"{quantity} of the windows", xlim=(1, max_epoch))
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(visible=True, color="0.9")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    label = f"test persons, {test_accuracy:.1%}"
    accuracy_axes.axhline(
        test_accuracy, color=TEST_COLOR, linewidth=2.2, linestyle="--", label=label
    )
    accuracy_axes.set_ylim(top=1.02)
    for axes in (loss_axes, accuracy_axes):
        axes.legend(frameon=False)
    _save(figure, path)


@rc_context({"text.parse_math": False})  # because classes may have dollar signs
def draw_confusion(
    matrices: dict[str, Sequence[Sequence[int]]], classes: Sequence[str], path: Path
) -> None:
    """Draw confusion matrices side by side, as shares of each true class with counts.

    Parameters
    ----------
    matrices
        Counts (true class, predicted class) by title.
    classes
        Class names.
    path
        PNG file to write.
    """
    size = 1.9 + 0.75 * max(2, len(classes))
    figure = Figure(figsize=(size * len(matrices) + 0.6, size), layout="constrained")
    panels = figure.subplots(1, len(matrices), squeeze=False)[0]
    for axes, (title, counts) in zip(panels, matrices.items(), strict=True):
        image = _draw_matrix(axes, np.asarray(counts), classes)
        axes.set_title(f"{title} (n = {np.sum(counts)})")
    figure.colorbar(
        image,
        ax=list(panels),
        shrink=0.8,
        format=PercentFormatter(1, decimals=0),
        label="share of the true class",
    )
    _save(figure, path)


def _draw_curve(axes: Axes, history: pd.DataFrame, column: str, color: str) -> None:
    folds = [fold for _, fold in history.groupby("fold")]
    label = column.partition("_")[0]
    if len(folds) > 1:
        label += f", mean of {len(folds)} folds"
        for fold in folds:
            axes.plot(fold["epoch"], fold[column], color=color, alpha=0.3, linewidth=1)
    mean = history.groupby("epoch")[column].mean()
    axes.plot(mean.index, mean, color=color, linewidth=2.2, label=label)


def _draw_matrix(axes: Axes, counts: npt.NDArray[np.int64], classes: Sequence[str]) -> AxesImage:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="GnBu", vmin=0, vmax=1)
    is_large = len(classes) <= MAX_LARGE_CLASSES
    for (i, j), n in np.ndenumerate(counts):
        text = f"{shares[i, j]:.0%}\n{n}" if is_large else str(n)
        color = "white" if shares[i, j] > MIN_DARK_SHARE else TEXT_COLOR
        fontsize = 10 if is_large else 7
        axes.text(j, i, text, ha="center", va="center", color=color, fontsize=fontsize)
    ticks = range(len(classes))
    if max(map(len, classes)) > MAX_UPRIGHT_CHARS or not is_large:
        axes.set_xticks(ticks, classes, rotation=35, ha="right")
        axes.set_yticks(ticks, classes, rotation=0, va="center")
    else:
        axes.set_xticks(ticks, classes, rotation=0, ha="center")
        axes.set_yticks(ticks, classes, rotation=90, va="center")
    axes.set(xlabel="predicted", ylabel="true")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return image


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=150, metadata={"Software": None})
