"""Learning curves and the confusion matrix of a run, as PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator, PercentFormatter

TRAIN, VALIDATION, TEST, INK = "#1f6f8b", "#d1495b", "#edae49", "#30343b"
MANY, CHARACTERS = (
    8,
    12,
)  # more classes than that are written small; a longer name slants the labels
DARK = 0.6  # share from which a cell is so dark that its text must be white


def learning_curves(history: pd.DataFrame, tested: float, path: Path) -> None:
    """Draw loss and accuracy over epochs: a thin line a fold, a thick one for their mean, and the accuracy reached in the test.

    Parameters
    ----------
    history
        Columns fold, epoch, train_loss, train_accuracy, validation_loss, validation_accuracy (NaN without validation).
    tested
        Accuracy of the windows of tested persons.
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        _curve(axes, history, f"train_{quantity}", TRAIN)
        if history[f"validation_{quantity}"].notna().any():
            _curve(axes, history, f"validation_{quantity}", VALIDATION)
        if quantity == "accuracy":
            axes.axhline(
                tested,
                color=TEST,
                linewidth=2.2,
                linestyle="--",
                label=f"tested people, {tested:.1%}",
            )
        axes.set(
            xlabel="epoch",
            title=f"{quantity} of the windows",
            xlim=(1, max(2, history["epoch"].max())),
        )
        axes.set_ylim(bottom=0, top=1.02 if quantity == "accuracy" else None)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(visible=True, color="0.9")
        axes.set_axisbelow(True)
        axes.legend(frameon=False)
        _plain(axes)
    _save(figure, path)


def confusion(
    matrices: dict[str, Sequence[Sequence[int]]], classes: Sequence[str], path: Path
) -> None:
    """Draw confusion matrices (true, predicted) side by side: shares of each true class, with counts.

    Parameters
    ----------
    matrices
        Title to counts.
    """
    size = 1.9 + 0.75 * max(2, len(classes))
    figure = Figure(figsize=(size * len(matrices) + 0.6, size), layout="constrained")
    panels = figure.subplots(1, len(matrices), squeeze=False)[0]
    for axes, (title, counts) in zip(panels, matrices.items(), strict=True):
        image = _matrix(axes, np.asarray(counts), classes)
        axes.set_title(f"{title} (n = {np.sum(counts)})")
    figure.colorbar(
        image,
        ax=list(panels),
        shrink=0.8,
        format=PercentFormatter(1, decimals=0),
        label="share of the true class",
    )
    _save(figure, path)


def _curve(axes: Axes, history: pd.DataFrame, column: str, color: str) -> None:
    folds = [fold for _, fold in history.groupby("fold")]
    for fold in folds if len(folds) > 1 else []:
        axes.plot(fold["epoch"], fold[column], color=color, alpha=0.3, linewidth=1)
    mean = history.groupby("epoch")[column].mean()
    name = column.partition("_")[0] + (f", mean of {len(folds)} folds" if len(folds) > 1 else "")
    axes.plot(mean.index, mean, color=color, linewidth=2.2, label=name)


def _matrix(axes: Axes, counts: npt.NDArray[np.int64], classes: Sequence[str]) -> AxesImage:
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(share, cmap="GnBu", vmin=0, vmax=1)
    roomy = len(classes) <= MANY
    for (i, j), n in np.ndenumerate(counts):
        text = f"{share[i, j]:.0%}\n{n}" if roomy else str(n)
        color = "white" if share[i, j] > DARK else INK
        axes.text(j, i, text, ha="center", va="center", color=color, fontsize=10 if roomy else 7)
    ticks = range(len(classes))
    slanted = max(map(len, classes)) > CHARACTERS or not roomy
    axes.set_xticks(
        ticks, classes, rotation=35 if slanted else 0, ha="right" if slanted else "center"
    )
    axes.set_yticks(ticks, classes, rotation=0 if slanted else 90, va="center")
    axes.set(xlabel="predicted", ylabel="true")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return image


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=150, metadata={"Software": None})
