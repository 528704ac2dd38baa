"""Learning curve: results by the number of persons that a model was trained on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator, ScalarFormatter

from bids_dl.training.record.drawing import (
    REFERENCE_COLOR,
    TEST_COLOR,
    TRAIN_COLOR,
    new_figure,
    save_png,
    style_axes,
)
from bids_dl.training.record.metric_names import name_metric

TABLE_FILE = "people_curve.csv"
FIGURE_FILE = "people_curve.png"
PEOPLE_CURVE_FILES = (TABLE_FILE, FIGURE_FILE)
"""Files beside the run folders of several shares of the training persons."""

LIMITS = ("value", "low", "high")
BASELINE = "band_power"


def tabulate_people_curve(run_dirs: Sequence[Path]) -> pd.DataFrame:
    """Return the main metric of the windows of finished runs by their number of persons.

    Parameters
    ----------
    run_dirs
        Run folders with different shares of the training persons.

    Returns
    -------
    pandas.DataFrame
        One row per run, by number of persons: ``run``, ``kind`` of the target, ``metric``,
        ``train_fraction``, ``n_persons`` (mean over folds), ``value`` with its 95 % interval
        ``low`` and ``high``, and ``band_power`` with ``band_power_low`` and ``band_power_high`` of
        the baseline, trained on the same persons.
    """
    rows = [_read_row(Path(folder)) for folder in run_dirs]
    return pd.DataFrame(rows).sort_values("n_persons", ignore_index=True)


def write_people_curve(table: pd.DataFrame, folder: Path) -> None:
    """Write a table of `tabulate_people_curve` as CSV, and its curve as PNG, into a folder."""
    table.to_csv(folder / TABLE_FILE, index=False, lineterminator="\n")
    draw_people_curve(table, folder / FIGURE_FILE)


def draw_people_curve(table: pd.DataFrame, path: Path) -> None:
    """Draw the metric of the model and of the band-power baseline over the persons, as PNG.

    The axis of the persons is logarithmic, and bars are 95 % intervals over the tested persons.

    Parameters
    ----------
    table
        Table of `tabulate_people_curve`.
    path
        PNG file to write.
    """
    figure = new_figure(5.5, 3.8)
    axes = figure.subplots()
    _draw_line(axes, table, LIMITS, TRAIN_COLOR, "model")
    names = (BASELINE, f"{BASELINE}_low", f"{BASELINE}_high")
    if table[BASELINE].notna().any():
        _draw_line(axes, table, names, TEST_COLOR, "band-power")
    axes.set_xscale("log")
    axes.set_xticks(table["n_persons"].unique())
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    metric = name_metric(table["kind"].iloc[0], table["metric"].iloc[0])
    axes.set(xlabel="training persons", ylabel=f"{metric} of the windows")
    style_axes(axes)
    axes.grid(visible=True, axis="y", color=REFERENCE_COLOR, alpha=0.3)
    axes.legend(frameon=False)
    save_png(figure, path)


def _read_row(folder: Path) -> dict[str, Any]:
    """Return the row of a run folder."""
    documents = {
        name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("config", "folds", "metrics")
    }
    metrics = documents["metrics"]
    metric = metrics["main"]
    row = {
        "run": str(folder),
        "kind": metrics["kind"],
        "metric": metric,
        "train_fraction": documents["config"]["settings"]["train_fraction"],
        "n_persons": float(np.mean([len(fold["train"]) for fold in documents["folds"]])),
        **_estimate(metrics, metric),
    }
    baseline = _estimate(metrics["baselines"].get(BASELINE, {}), metric)
    row[BASELINE] = baseline["value"]
    for name in ("low", "high"):
        row[f"{BASELINE}_{name}"] = baseline[name]
    return row


def _estimate(results: Mapping[str, Any], metric: str) -> dict[str, float]:
    """Return value, low and high of a metric of the windows, NaN if unknown."""
    estimate = results.get("windows", {}).get(metric, {})
    values = [estimate.get(name) for name in LIMITS]
    numbers = [np.nan if value is None else float(value) for value in values]
    return dict(zip(LIMITS, numbers, strict=True))


def _draw_line(
    axes: Axes, table: pd.DataFrame, names: Sequence[str], color: str, label: str
) -> None:
    """Draw value, low and high of columns over the number of persons."""
    value, low, high = (table[name].to_numpy(float) for name in names)
    axes.errorbar(
        table["n_persons"],
        value,
        yerr=[value - low, high - value],
        color=color,
        label=label,
        marker="o",
        capsize=3,
    )
