"""Metrics of tested windows, votes and persons, with 95 % confidence intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bids_dl.config.training_options import TargetKind, VoteUnit
from bids_dl.models.target import TargetSpec
from bids_dl.training.metrics.classes import describe_classes
from bids_dl.training.metrics.definitions import define
from bids_dl.training.metrics.intervals import Limits, draw_persons, percentile_interval
from bids_dl.training.metrics.labels import describe_labels
from bids_dl.training.metrics.person_statistics import Counts, Floats, PersonStatistics, divide
from bids_dl.training.metrics.registry import metrics_of
from bids_dl.training.metrics.spec import MetricSpec
from bids_dl.training.metrics.tested import TestedRows, list_persons, read_tested
from bids_dl.training.metrics.votes import cast_votes
from bids_dl.wording import count

MIN_PERSONS = 10  # persons from which an interval is not called coarse

DETAILS: dict[TargetKind, Callable[[TestedRows], dict[str, Any]]] = {
    "classes": describe_classes,
    "labels": describe_labels,
}
"""Functions that return confusion matrices and metrics of single classes or labels."""


def evaluate(
    predictions: pd.DataFrame, spec: TargetSpec, *, vote_by: VoteUnit, seed: int
) -> dict[str, Any]:
    """Compute all metrics by window, by vote and by person, with confidence intervals.

    Intervals are percentiles over bootstrap samples of persons, because windows of one person are
    not independent. If each person has one vote, accuracy and balanced accuracy of votes have
    intervals for independent votes instead. ``definitions`` of the result names the methods.

    Parameters
    ----------
    predictions
        One row per tested window of one seed: dataset, subject, the columns of the unit of vote,
        those of the target, ``predicted`` for classes and numbers, and ``p_<output>`` for all but
        numbers.
    spec
        Target.
    vote_by
        Unit whose windows vote together.
    seed
        Seed of the bootstrap.

    Returns
    -------
    results
        Content of ``metrics.json``. An undefined value is None.

    Raises
    ------
    TargetError
        A unit of vote has several true classes, or a class is no output of the model.

    Examples
    --------
    >>> spec = TargetSpec("age", "number", ("age",), ("age",))
    >>> table = pd.DataFrame({"dataset": "ds", "subject": ["a", "b"], "age": [30.0, 40.0]})
    >>> results = evaluate(table.assign(predicted=35.0), spec, vote_by="subject", seed=0)
    >>> results["main"], results["windows"]["mae"]
    ('mae', {'value': 5.0, 'low': 5.0, 'high': 5.0})
    """
    metrics = metrics_of(spec)
    votes = cast_votes(predictions, spec, vote_by)
    windows = read_tested(predictions, spec)
    vote_rows = read_tested(votes, spec)
    weights = draw_persons(windows.n_persons, seed)
    window_statistics = _statistics(windows, metrics)
    by_person = _measure_persons(windows, metrics, window_statistics)
    window_results = _measure_windows(metrics, window_statistics, weights)
    ties = {"ties": int(votes["tie"].sum())} if spec.kind == "classes" else {}
    details = DETAILS.get(spec.kind, _describe_nothing)
    return {
        "target": spec.name,
        "kind": spec.kind,
        "outputs": list(spec.outputs),
        "n_persons": windows.n_persons,
        "vote_by": vote_by,
        "main": metrics[0].name,
        "windows": {"n": len(predictions), **window_results, **details(windows)},
        "votes": {
            "n": len(votes),
            **ties,
            **_measure_votes(vote_rows, metrics, weights),
            **details(vote_rows),
        },
        "person_means": _average_persons(by_person, weights),
        "persons": _list_by_person(predictions, by_person),
        "warnings": _warn(windows.n_persons, metrics[0], window_results),
        "definitions": define(spec, vote_by, windows.n_persons, len(votes)),
    }


def measure(rows: TestedRows) -> dict[str, float | None]:
    """Compute all metrics of windows or votes, without intervals."""
    metrics = metrics_of(rows.spec)
    statistics = _statistics(rows, metrics)
    values: dict[str, float | None] = {}
    for metric in metrics:
        values[metric.name] = _defined(metric.compute(statistics[metric.name].pooled()))
    return values


def _statistics(rows: TestedRows, metrics: Sequence[MetricSpec]) -> dict[str, PersonStatistics]:
    """Compute the statistics of each metric, once for those that share a function."""
    by_function = {metric.statistics: metric.statistics(rows) for metric in metrics}
    return {metric.name: by_function[metric.statistics] for metric in metrics}


def _measure_windows(
    metrics: Sequence[MetricSpec], statistics: dict[str, PersonStatistics], weights: Counts | None
) -> dict[str, dict[str, float | None]]:
    """Return value and bootstrap interval of each metric."""
    results: dict[str, dict[str, float | None]] = {}
    for metric in metrics:
        own = statistics[metric.name]
        results[metric.name] = _result(
            metric.compute(own.pooled()), _bootstrap(metric, own, weights)
        )
    return results


def _measure_votes(
    rows: TestedRows, metrics: Sequence[MetricSpec], weights: Counts | None
) -> dict[str, dict[str, float | None]]:
    """Return value and interval of each metric of votes."""
    statistics = _statistics(rows, metrics)
    n_votes = len(rows.persons)
    is_independent = n_votes == rows.n_persons or weights is None
    results: dict[str, dict[str, float | None]] = {}
    for metric in metrics:
        own = statistics[metric.name]
        value = metric.compute(own.pooled())
        if metric.interval is not None and is_independent:
            limits: Limits = metric.interval(own.pooled())
        else:
            limits = _bootstrap(metric, own, weights)
        if limits is not None and limits[0] == limits[1]:
            limits = None  # because all samples of persons are alike: no uncertainty is seen
            if metric.interval is not None:
                limits = metric.interval(own.pooled() * (rows.n_persons / n_votes))
        results[metric.name] = _result(value, limits)
    return results


def _measure_persons(
    rows: TestedRows, metrics: Sequence[MetricSpec], statistics: dict[str, PersonStatistics]
) -> dict[str, Floats]:
    """Return number of windows and metrics (n_persons,) of each person."""
    values: dict[str, Floats] = {
        "n_windows": np.bincount(rows.persons, minlength=rows.n_persons).astype(np.float64)
    }
    for metric in metrics:
        values[metric.name] = metric.compute(statistics[metric.name].of_persons())
    return values


def _list_by_person(predictions: pd.DataFrame, values: dict[str, Floats]) -> list[dict[str, Any]]:
    """Return one row per person, for JSON."""
    rows: list[dict[str, Any]] = []
    for i, (dataset, subject) in enumerate(list_persons(predictions)):
        row: dict[str, Any] = {"dataset": str(dataset), "subject": str(subject)}
        for name, numbers in values.items():
            row[name] = int(numbers[i]) if name == "n_windows" else _defined(numbers[i])
        rows.append(row)
    return rows


def _average_persons(
    by_person: dict[str, Floats], weights: Counts | None
) -> dict[str, dict[str, float | None]]:
    """Return the mean over persons of each metric, with its interval and number of persons."""
    results: dict[str, dict[str, float | None]] = {}
    for name, values in by_person.items():
        if name == "n_windows":
            continue
        is_defined = ~np.isnan(values)
        n_defined = int(is_defined.sum())
        defined = values[is_defined]
        limits: Limits = None
        if weights is not None and n_defined > 1:
            drawn = weights[:, is_defined].astype(np.float64)
            limits = percentile_interval(divide(drawn @ defined, drawn.sum(axis=1)))
        mean = divide(defined.sum(), n_defined)
        results[name] = {**_result(mean, limits), "n": n_defined}
    return results


def _bootstrap(metric: MetricSpec, statistics: PersonStatistics, weights: Counts | None) -> Limits:
    """Return the percentile interval over resampled persons."""
    if weights is None:
        return None
    return percentile_interval(metric.compute(statistics.resampled(weights)))


def _result(value: Any, limits: Limits) -> dict[str, float | None]:
    """Return a value with its interval, which an undefined value does not have."""
    defined = _defined(value)
    low, high = (None, None) if limits is None or defined is None else limits
    return {"value": defined, "low": low, "high": high}


def _defined(value: Any) -> float | None:
    """Return a finite number, or None, because JSON has no NaN."""
    number = float(value)
    return number if np.isfinite(number) else None


def _describe_nothing(_rows: TestedRows) -> dict[str, Any]:
    return {}


def _warn(
    n_persons: int, metric: MetricSpec, windows: dict[str, dict[str, float | None]]
) -> list[str]:
    """Return warnings about the intervals."""
    if n_persons == 1:
        return ["1 person was tested; metrics of windows have no interval over persons"]
    warnings: list[str] = []
    if n_persons < MIN_PERSONS:
        people = count(n_persons, "person", "people")
        warnings.append(
            f"{people} were tested; intervals over under {MIN_PERSONS} people are coarse"
        )
    result = windows[metric.name]
    if result["low"] is not None and result["low"] == result["high"]:
        warnings.append(
            f"all people have the same {metric.title} of windows, so its interval has no width; "
            "this is no certainty"
        )
    return warnings
