"""ROC curves of two classes, or of each label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import roc_curve

from bids_dl.models.target import TargetSpec
from bids_dl.reporting.plots import Plot, PlotArea
from bids_dl.training.record.drawing import (
    REFERENCE_COLOR,
    SERIES_COLORS,
    new_figure,
    plain_text,
    save_png,
    shorten_name,
    style_axes,
)

MAX_POINTS = 200  # of a curve on the page
MAX_LABELS = len(SERIES_COLORS)  # labels that have a curve
TITLES = ("false positive rate", "true positive rate")
SIZE = (340, 320)  # width and height in SVG units


@dataclass(frozen=True, slots=True, eq=False)
class RocCurve:
    """False and true positive rates (n_thresholds,), from 0 to 1, ascending."""

    name: str
    false_positive: npt.NDArray[np.float64]
    true_positive: npt.NDArray[np.float64]


def roc_curves(spec: TargetSpec, tables: Mapping[str, pd.DataFrame]) -> list[RocCurve]:
    """Compute the curve of the second of two classes, or of each label.

    Parameters
    ----------
    spec
        Target of the models.
    tables
        Windows or votes by name, with true values and ``p_<output>``.

    Returns
    -------
    curves
        One per table for two classes; one per label of the first table. A curve without both
        positive and negative rows is omitted. Other targets have none.
    """
    curves = []
    if spec.kind == "classes" and spec.n_outputs == 2:
        positive = spec.outputs[1]
        for name, table in tables.items():
            is_positive = (table[spec.columns[0]].astype(str) == positive).to_numpy()
            curves.append(_curve(name, is_positive, table.get(f"p_{positive}")))
    elif spec.kind == "labels":
        table = next(iter(tables.values()))
        for label in spec.outputs[:MAX_LABELS]:
            known = table[table[label].notna()]
            is_positive = (known[label] == 1).to_numpy()
            curves.append(_curve(label, is_positive, known.get(f"p_{label}")))
    return [curve for curve in curves if curve is not None]


@plain_text
def draw_roc(curves: list[RocCurve], path: Path) -> None:
    """Draw curves as PNG."""
    figure = new_figure(4.6, 4.6)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=REFERENCE_COLOR, linestyle=":", label="chance")
    for curve, color in zip(curves, SERIES_COLORS, strict=False):
        name = shorten_name(curve.name)
        axes.plot(curve.false_positive, curve.true_positive, color=color, linewidth=2, label=name)
    axes.set(xlabel=TITLES[0], ylabel=TITLES[1], xlim=(0, 1), ylim=(0, 1.01), aspect="equal")
    style_axes(axes)
    axes.legend(frameon=False, loc="lower right")
    save_png(figure, path)


def plot_roc(curves: list[RocCurve]) -> Plot:
    """Plot curves for the page, each with at most `MAX_POINTS` points."""
    area = PlotArea((0, 1), (0, 1), SIZE)
    lines = [area.line("reference", [0, 1], [0, 1])]
    for number, curve in enumerate(curves):
        n_points = len(curve.false_positive)
        shown = np.unique(np.linspace(0, n_points - 1, min(n_points, MAX_POINTS)).round())
        rows = shown.astype(int)
        rates = (curve.false_positive[rows], curve.true_positive[rows])
        lines.append(area.line(f"s{number}", *rates))
    return area.plot(TITLES, lines)


def _curve(
    name: str, is_positive: npt.NDArray[np.bool_], scores: pd.Series | None
) -> RocCurve | None:
    if scores is None or is_positive.all() or not is_positive.any():
        return None
    false_positive, true_positive, _ = roc_curve(is_positive, scores.to_numpy(dtype=float))
    return RocCurve(name, false_positive, true_positive)
