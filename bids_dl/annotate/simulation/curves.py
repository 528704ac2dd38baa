"""Learning curves over repetitions: areas, paired differences, and labels to a result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from bids_dl.annotate.strategies.pool import Floats
from bids_dl.annotate.strategies.registry import RANDOM

CURVE_COLUMNS = ("model", "strategy", "automatic", "seed", "n_labels", "value", "n_automatic")
"""Columns of the table of curves: one row per learner, strategy, seed and number of answers.
Columns ``labels_CLASS`` follow, the number of answers of each class."""
CONFIDENCE = 0.95
GROUP = ["model", "strategy", "automatic"]


def compute_areas(curves: pd.DataFrame) -> pd.Series[float]:
    """Return the area under each curve, divided by its range of answers.

    It is the mean metric from the first to the last answer, by the trapezoidal rule.

    Parameters
    ----------
    curves
        Table with `CURVE_COLUMNS`.

    Returns
    -------
    pandas.Series
        Areas, indexed by model, strategy, automatic and seed.

    Examples
    --------
    >>> known = {"model": "m", "strategy": "random", "automatic": False, "seed": 0}
    >>> rows = [{**known, "n_labels": 10, "value": 0.0}, {**known, "n_labels": 20, "value": 1.0}]
    >>> compute_areas(pd.DataFrame(rows)).tolist()
    [0.5]
    """
    areas: dict[Any, float] = {}
    for key, curve in curves.groupby([*GROUP, "seed"], sort=False):
        ordered = curve.sort_values("n_labels")
        x, y = (ordered[name].to_numpy(float) for name in ("n_labels", "value"))
        span = x[-1] - x[0]
        areas[key] = float(np.trapezoid(y, x) / span) if span else float(y[0])
    index = pd.MultiIndex.from_tuples(list(areas), names=[*GROUP, "seed"])
    return pd.Series(list(areas.values()), index=index, name="area")


def estimate_mean(values: Floats) -> tuple[float, float, float]:
    """Return the mean of differences, and its 95 % interval by Student's t distribution.

    The interval of fewer than two values is NaN.

    Parameters
    ----------
    values
        (n_seeds,): paired differences.

    Examples
    --------
    >>> mean, low, high = estimate_mean(np.array([1.0, 2.0, 3.0]))
    >>> round(mean, 3), round(low, 3), round(high, 3)
    (2.0, -0.484, 4.484)
    """
    from scipy import stats

    mean = float(values.mean())
    if len(values) < 2:
        return mean, float("nan"), float("nan")
    error = values.std(ddof=1) / np.sqrt(len(values))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * error)
    return mean, mean - half, mean + half


def summarize_curves(curves: pd.DataFrame) -> pd.DataFrame:
    """Return one row per learner and strategy: results, and differences to random.

    Parameters
    ----------
    curves
        Table with `CURVE_COLUMNS`, of which random is a strategy.

    Returns
    -------
    pandas.DataFrame
        ``model``, ``strategy``, ``automatic``, ``area`` and ``last`` (means over seeds),
        ``difference`` of the area to random with its interval ``low`` and ``high``,
        ``labels_to_random`` (answers after which the mean curve reaches the last value of random,
        NaN if never), ``gain`` by automatic labels with ``gain_low`` and ``gain_high``, and the
        mean number of answers of each class at the end, ``labels_CLASS``.
    """
    areas = compute_areas(curves).sort_index()
    rows = [
        _summarize(curves, areas, key, group) for key, group in curves.groupby(GROUP, sort=False)
    ]
    return pd.DataFrame(rows)


def average_curve(curve: pd.DataFrame) -> pd.DataFrame:
    """Return ``value`` with its interval ``low`` and ``high`` by number of answers.

    Seeds that asked everything earlier keep their last value.

    Parameters
    ----------
    curve
        Rows of one learner and strategy.
    """
    table = curve.pivot(index="n_labels", columns="seed", values="value").sort_index()
    values = table.interpolate(method="index", limit_direction="both").to_numpy(float)
    estimates = [estimate_mean(row) for row in values]
    return pd.DataFrame(estimates, index=table.index, columns=["value", "low", "high"])


def _summarize(
    curves: pd.DataFrame, areas: pd.Series[float], key: Any, group: pd.DataFrame
) -> dict[str, Any]:
    """Return the row of one learner and strategy."""
    model, strategy, is_automatic = key
    area = areas.loc[key]
    random_area = areas.loc[model, RANDOM, False]
    mean, low, high = estimate_mean((area - random_area).to_numpy(float))
    row: dict[str, Any] = {
        **dict(zip(GROUP, key, strict=True)),
        "area": float(area.mean()),
        "last": float(average_curve(group)["value"].iloc[-1]),
        "difference": mean,
        "low": low,
        "high": high,
        "labels_to_random": _labels_to_random(curves, model, group),
    }
    gain = (float("nan"),) * 3
    if is_automatic:
        gain = estimate_mean((area - areas.loc[model, strategy, False]).to_numpy(float))
    row |= dict(zip(("gain", "gain_low", "gain_high"), gain, strict=True))
    last = group.sort_values("n_labels").groupby("seed").last()
    return row | dict(_iterate_counts(last))


def _labels_to_random(curves: pd.DataFrame, model: str, group: pd.DataFrame) -> float:
    """Return the answers after which the mean curve reaches the last value of random, or NaN."""
    is_random = (curves["model"] == model) & (curves["strategy"] == RANDOM) & ~curves["automatic"]
    goal = average_curve(curves[is_random])["value"].iloc[-1]
    average = average_curve(group)["value"]
    reached = average.index[average.to_numpy() >= goal]
    return float(reached[0]) if len(reached) else float("nan")


def _iterate_counts(last: pd.DataFrame) -> Iterator[tuple[str, float]]:
    """Yield the mean number of answers of each class after the last answer."""
    for name in last:
        if str(name).startswith("labels_"):
            yield str(name), float(last[name].mean())
