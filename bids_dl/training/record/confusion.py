"""Confusion matrices: counts of each true and predicted class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.ticker import PercentFormatter

from bids_dl.training.record.drawing import (
    TEXT_COLOR,
    new_figure,
    plain_text,
    save_png,
    shorten_name,
)

MAX_LARGE_CLASSES = 8  # classes up to which a matrix has large text and percentages
MAX_NAMED_CLASSES = 40  # classes up to which a matrix has names and counts, which are slow to draw
MAX_UPRIGHT_CHARS = 12  # length of a class name up to which its label is not slanted
MIN_DARK_SHARE = 0.6  # share from which a cell is so dark that its text is white
LARGE_CELL = 0.75  # inches
SMALL_CELL = 0.4

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ConfusionCell:
    """A cell of a matrix on the page: its count, and its share of the true class."""

    n: int
    share: float


@plain_text
def draw_confusion(
    matrices: dict[str, Sequence[Sequence[int]]], classes: Sequence[str], path: Path
) -> None:
    """Draw confusion matrices side by side, as shares of each true class with counts.

    More than `MAX_NAMED_CLASSES` classes have numbers from 0 in place of names, and no counts.

    Parameters
    ----------
    matrices
        Counts (true class, predicted class) by title.
    classes
        Class names.
    path
        PNG file to write.
    """
    n_sized = min(max(2, len(classes)), MAX_NAMED_CLASSES)
    n_large = min(n_sized, MAX_LARGE_CLASSES)
    size = 1.9 + LARGE_CELL * n_large + SMALL_CELL * (n_sized - n_large)
    names = list(map(shorten_name, classes))
    if _is_slanted(names):
        size += 0.7
    figure = new_figure(size * len(matrices) + 0.6, size)
    panels = figure.subplots(1, len(matrices), squeeze=False)[0]
    for axes, (title, counts) in zip(panels, matrices.items(), strict=True):
        image = _draw_matrix(axes, np.asarray(counts), names)
        axes.set_title(f"{title} (n = {np.sum(counts):,})")
    figure.colorbar(
        image,
        ax=list(panels),
        shrink=0.8,
        format=PercentFormatter(1, decimals=0),
        label="share of the true class",
    )
    save_png(figure, path)


def tabulate_confusion(counts: Sequence[Sequence[int]]) -> list[list[ConfusionCell]]:
    """Return the cells (true class, predicted class) of a matrix for the page.

    Examples
    --------
    >>> tabulate_confusion([[3, 1], [0, 0]])[0][1]
    ConfusionCell(n=1, share=0.25)
    """
    rows = []
    for row in counts:
        total = max(1, sum(row))
        rows.append([ConfusionCell(n, n / total) for n in row])
    return rows


def _draw_matrix(axes: Axes, counts: Counts, names: Sequence[str]) -> AxesImage:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="GnBu", vmin=0, vmax=1)
    if len(names) <= MAX_NAMED_CLASSES:
        _name_classes(axes, names)
        _write_counts(axes, counts, shares)
    axes.set(xlabel="predicted", ylabel="true")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return image


def _write_counts(axes: Axes, counts: Counts, shares: npt.NDArray[np.float64]) -> None:
    is_large = len(counts) <= MAX_LARGE_CLASSES
    for (i, j), n in np.ndenumerate(counts):
        if not is_large and n == 0:
            continue  # because hundreds of zeros hide the other counts
        text = f"{shares[i, j]:.0%}\n{n}" if is_large else str(n)
        color = "white" if shares[i, j] > MIN_DARK_SHARE else TEXT_COLOR
        fontsize = 10 if is_large else 7
        axes.text(j, i, text, ha="center", va="center", color=color, fontsize=fontsize)


def _name_classes(axes: Axes, names: Sequence[str]) -> None:
    ticks = range(len(names))
    if _is_slanted(names):
        axes.set_xticks(ticks, names, rotation=35, ha="right", rotation_mode="anchor")
        axes.set_yticks(ticks, names, rotation=0, va="center")
    else:
        axes.set_xticks(ticks, names, rotation=0, ha="center")
        axes.set_yticks(ticks, names, rotation=90, va="center")


def _is_slanted(names: Sequence[str]) -> bool:
    return len(names) > MAX_LARGE_CLASSES or max(map(len, names)) > MAX_UPRIGHT_CHARS
