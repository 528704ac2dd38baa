"""Results beside their baselines: the main metric, all metrics and persons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bids_dl.config.training_options import TargetKind
from bids_dl.reporting.plots import round_numbers
from bids_dl.training.record.metric_names import format_metric, is_error

UNITS = ("windows", "votes", "person_means")
UNIT_NAMES = {"windows": "windows", "votes": "votes", "person_means": "single persons, mean"}
BASELINES = {
    "random_weights": "random weights, same folds",
    "band_power": "band power, same folds",
    "largest_class": "largest class",
    "training_mean": "training mean",
    "chance": "chance",
}
"""Baselines of ``metrics.json`` and their titles, in the order of the page."""
MAX_TICKS = 5

JsonObject = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MetricEstimate:
    """A value of a metric with its 95 % interval. None stands for undefined or without one."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def format(self, metric: str) -> str:
        """Format the value as text."""
        return format_metric(metric, self.value)

    def format_interval(self, metric: str) -> str:
        """Format the interval as text, as a dash if it has none."""
        if self.low is None or self.high is None:
            return "–"
        low = format_metric(metric, self.low).removesuffix(" %")
        return f"{low} to {format_metric(metric, self.high)}"


@dataclass(frozen=True, slots=True)
class System:
    """The model, or a baseline, with its scores by unit: windows, votes, person_means."""

    name: str
    is_model: bool
    scores: Mapping[str, MetricEstimate]


@dataclass(frozen=True, slots=True)
class ScoreAxis:
    """The axis of a chart of scores. Positions are percentages of its length."""

    low: float
    high: float

    def position(self, value: float) -> float:
        """Return the position of a value within the axis."""
        fraction = (value - self.low) / (self.high - self.low)
        return round(100 * min(1.0, max(0.0, fraction)), 2)

    def ticks(self, metric: str) -> list[tuple[float, str]]:
        """List the positions and texts of round numbers of a metric."""
        numbers = round_numbers((self.low, self.high), MAX_TICKS)
        as_percent = format_metric(metric, 0.0).endswith("%")
        texts = []
        for value, text in numbers:
            texts.append((self.position(value), f"{100 * value:g} %" if as_percent else text))
        return texts


def estimate_of(results: JsonObject, unit: str, metric: str, main: str) -> MetricEstimate:
    """Read a score of a model or a baseline.

    Parameters
    ----------
    results
        Scores by unit. A unit with a number instead of metrics has only the main metric.
    unit, metric
        Unit and metric of the score.
    main
        The main metric.

    Examples
    --------
    >>> estimate_of({"windows": 0.5}, "windows", "accuracy", "accuracy")
    MetricEstimate(value=0.5, low=None, high=None)
    """
    values = results.get(unit)
    if isinstance(values, Mapping) and "value" not in values:
        score = values.get(metric)
    else:
        score = values if metric == main else None
    if isinstance(score, Mapping):
        return MetricEstimate(score.get("value"), score.get("low"), score.get("high"))
    return MetricEstimate(score)


def list_systems(metrics: JsonObject, metric: str, model: str) -> list[System]:
    """List the model and the baselines that have a metric, the model first."""
    main = metrics["main"]
    candidates = [(model, True, metrics)]
    for name, title in BASELINES.items():
        if name in metrics["baselines"]:
            candidates.append((title, False, metrics["baselines"][name]))
    systems = []
    for name, is_model, results in candidates:
        scores = {unit: estimate_of(results, unit, metric, main) for unit in UNITS}
        if is_model or any(score.value is not None for score in scores.values()):
            systems.append(System(name, is_model, scores))
    return systems


def list_unbeaten(systems: Iterable[System], kind: TargetKind, metric: str) -> list[str]:
    """List the baselines than which the model is not better over windows.

    Parameters
    ----------
    systems
        The model and its baselines.
    kind, metric
        Kind of target and the metric of the comparison.

    Examples
    --------
    >>> metrics = {"main": "accuracy", "windows": {"accuracy": {"value": 0.7}}}
    >>> metrics["baselines"] = {"largest_class": {"windows": 0.75}, "chance": {"windows": 0.5}}
    >>> list_unbeaten(list_systems(metrics, "accuracy", "eegnet"), "classes", "accuracy")
    ['largest class']
    """
    model, *baselines = systems
    value = model.scores["windows"].value
    if value is None:
        return []
    sign = -1 if is_error(kind, metric) else 1
    names = []
    for baseline in baselines:
        reference = baseline.scores["windows"].value
        if reference is not None and sign * value <= sign * reference:
            names.append(baseline.name)
    return names


def list_metrics(metrics: JsonObject) -> list[str]:
    """List the metrics of windows, the main one first."""
    names = []
    for name, score in metrics["windows"].items():
        if isinstance(score, Mapping) and "value" in score:
            names.append(name)
    return sorted(names, key=lambda name: name != metrics["main"])


def fit_axis(kind: TargetKind, metric: str, values: Iterable[float | None]) -> ScoreAxis:
    """Choose the axis of values of a metric: from 0 to the largest error, or to 1 for others.

    Parameters
    ----------
    kind, metric
        Kind of target and metric.
    values
        Values to show. None is ignored.
    """
    known = [0.0, *(value for value in values if value is not None)]
    if is_error(kind, metric):
        return ScoreAxis(0.0, max(known) or 1.0)
    return ScoreAxis(max(-1.0, min(known)), 1.0)


def bounds_of(systems: Iterable[System]) -> list[float | None]:
    """List the values and the limits of the intervals of all estimates."""
    bounds: list[float | None] = []
    for system in systems:
        for estimate in system.scores.values():
            bounds += [estimate.value, estimate.low, estimate.high]
    return bounds


def metric_rows(metrics: JsonObject) -> list[dict[str, Any]]:
    """List the rows of ``metrics.csv``, one per unit and metric, with a column per baseline."""
    baselines = [name for name in BASELINES if name in metrics["baselines"]]
    rows = []
    for unit in UNITS:
        for metric in list_metrics(metrics):
            score = estimate_of(metrics, unit, metric, metrics["main"])
            row: dict[str, Any] = {"unit": unit, "metric": metric, "value": score.value}
            row |= {"low": score.low, "high": score.high}
            for name in baselines:
                results = metrics["baselines"][name]
                row[name] = estimate_of(results, unit, metric, metrics["main"]).value
            rows.append(row)
    return rows
