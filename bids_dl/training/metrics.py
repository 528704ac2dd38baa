"""Metrics on held-out persons, by window and by vote, with 95 % confidence intervals.

`METRICS` has one row per metric. Results, tables and figures read these rows, so a new metric is
a function, its interval and a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix

CONFIDENCE_LEVEL = 0.95
N_RESAMPLES = 2000  # bootstrap samples of persons

Confusion = npt.NDArray[np.int64]
"""Confusion matrices (..., true class, predicted class): counts of windows or votes."""


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """A metric of a confusion matrix.

    Parameters
    ----------
    name
        Key in ``metrics.json``.
    title
        Heading in tables.
    compute
        Returns the values (...,), from 0 to 1, of confusion matrices (..., true, predicted).
    interval
        Returns the confidence limits for one confusion matrix of independent votes.
    interval_method
        Name of the method of ``interval``.
    definition
        Definition for ``metrics.json``, None if the name says enough.
    """

    name: str
    title: str
    compute: Callable[[Confusion], npt.NDArray[np.float64]]
    interval: Callable[[Confusion], tuple[float, float]]
    interval_method: str
    definition: str | None = None


def accuracy(confusion: Confusion) -> npt.NDArray[np.float64]:
    """Compute the fraction of correct predictions (...,) of matrices (..., true, predicted)."""
    correct = np.diagonal(confusion, axis1=-2, axis2=-1).sum(axis=-1)
    values: npt.NDArray[np.float64] = correct / confusion.sum(axis=(-2, -1))
    return values


def balanced_accuracy(confusion: Confusion) -> npt.NDArray[np.float64]:
    """Compute the mean recall over classes (...,) of matrices (..., true, predicted).

    A class without a true member is left out of the mean.
    """
    correct = np.diagonal(confusion, axis1=-2, axis2=-1)
    class_sizes = confusion.sum(axis=-1)
    no_recall = np.full(class_sizes.shape, np.nan)
    recall = np.divide(correct, class_sizes, out=no_recall, where=class_sizes > 0)
    values: npt.NDArray[np.float64] = np.nanmean(recall, axis=-1)
    return values


def accuracy_interval(confusion: Confusion) -> tuple[float, float]:
    """Return the Wilson score interval of the accuracy of independent votes."""
    return _wilson_interval(np.trace(confusion), confusion.sum())


def balanced_accuracy_interval(confusion: Confusion) -> tuple[float, float]:
    """Return the interval of the balanced accuracy of independent votes.

    The Wilson intervals of the classes are combined by MOVER (Zou and Donner 2008,
    doi:10.1002/sim.3095).
    """
    class_sizes = confusion.sum(axis=1)
    classes = np.flatnonzero(class_sizes > 0)
    recall = confusion.diagonal()[classes] / class_sizes[classes]
    bounds = np.array([_wilson_interval(confusion[i, i], class_sizes[i]) for i in classes])
    squares = np.square(bounds - recall[:, None])
    below, above = np.sqrt(squares.sum(axis=0)) / len(recall)
    value = float(balanced_accuracy(confusion))
    return float(value - below), float(value + above)


METRICS = (
    MetricSpec("accuracy", "accuracy", accuracy, accuracy_interval, "Wilson"),
    MetricSpec(
        "balanced_accuracy",
        "balanced accuracy",
        balanced_accuracy,
        balanced_accuracy_interval,
        "Wilson intervals of the classes, combined by MOVER",
        definition="mean over the true classes of the fraction of correct predictions",
    ),
)


def evaluate(
    predictions: pd.DataFrame, target: str, classes: Sequence[str], seed: int
) -> dict[str, Any]:
    """Compute all metrics by window and by vote, with confidence intervals.

    By window, the interval is a percentile bootstrap over persons, because windows of a person
    are not independent. There is none for a single person, and it is coarse for few. By vote, the
    unit is the majority over the windows of a person with the same true class. The intervals of
    votes treat them as independent, so they are too narrow if persons cast several votes.

    Parameters
    ----------
    predictions
        One row per window: dataset, subject, the target, ``predicted`` and ``p_<class>``.
    target
        Column with the true class.
    classes
        Class names in the order of the model's outputs.
    seed
        Seed of the bootstrap.

    Returns
    -------
    results
        Content of ``metrics.json``: ``windows`` and ``votes`` have ``value``, ``low`` and ``high``
        of each metric, from 0 to 1, and the confusion matrix.
    """
    votes = majority_votes(predictions, target, classes)
    window_confusions = _confusion_by_person(predictions, target, classes)
    window_confusion = window_confusions.sum(axis=0)
    vote_confusion = _confusion_by_person(votes, target, classes).sum(axis=0)
    return {
        "target": target,
        "classes": list(classes),
        "n_persons": len(window_confusions),
        "windows": {
            "n": len(predictions),
            **_window_metrics(window_confusions, seed),
            "confusion": window_confusion.tolist(),
        },
        "votes": {
            "n": len(votes),
            "ties": int(votes["tie"].sum()),
            **_vote_metrics(vote_confusion),
            "confusion": vote_confusion.tolist(),
        },
        "largest_class": float(window_confusion.sum(axis=1).max() / len(predictions)),
        "definitions": _definitions(),
    }


def majority_votes(predictions: pd.DataFrame, target: str, classes: Sequence[str]) -> pd.DataFrame:
    """Return one vote per person and true class: the class predicted for most of their windows.

    A tie goes to the class with the larger mean probability.

    Returns
    -------
    votes
        Columns dataset, subject, the target, ``n_windows``, ``predicted`` and ``tie``.
    """
    keys = ["dataset", "subject", target]
    is_predicted = pd.DataFrame({name: predictions["predicted"] == name for name in classes})
    groups = is_predicted.groupby([predictions[key] for key in keys], sort=True)
    counts = groups.sum().to_numpy()
    probability_columns = [f"p_{name}" for name in classes]
    means = predictions.groupby(keys, sort=True)[probability_columns].mean().to_numpy()
    is_most = counts == counts.max(axis=1, keepdims=True)
    winner = np.where(is_most, means, -1.0).argmax(axis=1)
    table = groups.size().rename("n_windows").reset_index()
    predicted = np.asarray(classes, dtype=object)[winner]
    return table.assign(predicted=predicted, tie=is_most.sum(axis=1) > 1)


def accuracy_by_person(predictions: pd.DataFrame, target: str) -> list[dict[str, Any]]:
    """Return the window accuracy of each person, sorted, ready for JSON."""
    is_correct = predictions["predicted"] == predictions[target]
    groups = is_correct.groupby([predictions["dataset"], predictions["subject"]], sort=True)
    means = groups.mean()
    sizes = groups.size()
    rows: list[dict[str, Any]] = []
    for dataset, subject in means.index:
        rows.append(
            {
                "dataset": dataset,
                "subject": subject,
                "n_windows": int(sizes[dataset, subject]),
                "accuracy": float(means[dataset, subject]),
            }
        )
    return rows


def accuracy_by_fold(
    predictions: pd.DataFrame, history: pd.DataFrame, target: str
) -> list[dict[str, Any]]:
    """Return the window accuracy and the epochs trained of each fold, ready for JSON."""
    is_correct = predictions["predicted"] == predictions[target]
    groups = is_correct.groupby(predictions["fold"], sort=True)
    table = pd.DataFrame(
        {
            "n_windows": groups.size(),
            "accuracy": groups.mean(),
            "epochs": history.groupby("fold")["epoch"].max(),
        }
    )
    rows = table.reset_index(names="fold").to_dict(orient="records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def _confusion_by_person(table: pd.DataFrame, target: str, classes: Sequence[str]) -> Confusion:
    """Return one confusion matrix per person: (n_persons, true, predicted)."""
    matrices: list[Confusion] = []
    for _, group in table.groupby(["dataset", "subject"], sort=True):
        matrices.append(confusion_matrix(group[target], group["predicted"], labels=list(classes)))
    return np.stack(matrices)


def _window_metrics(confusions: Confusion, seed: int) -> dict[str, dict[str, float | None]]:
    """Return all metrics over all persons, with percentiles over resampled persons.

    ``confusions`` is (n_persons, true, predicted).
    """
    n_persons = len(confusions)
    total = confusions.sum(axis=0)
    resampled = None
    if n_persons > 1:
        rng = np.random.default_rng(seed)
        drawn = rng.integers(n_persons, size=(N_RESAMPLES, n_persons))
        weights = np.stack([np.bincount(persons, minlength=n_persons) for persons in drawn])
        resampled = np.tensordot(weights, confusions, axes=1)
    quantiles = [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2]
    results: dict[str, dict[str, float | None]] = {}
    for metric in METRICS:
        low: float | None = None
        high: float | None = None
        if resampled is not None:
            low, high = np.quantile(metric.compute(resampled), quantiles).tolist()
        results[metric.name] = {"value": float(metric.compute(total)), "low": low, "high": high}
    return results


def _vote_metrics(confusion: Confusion) -> dict[str, dict[str, float]]:
    """Return all metrics of votes (true, predicted), with intervals for independent votes."""
    results: dict[str, dict[str, float]] = {}
    for metric in METRICS:
        low, high = metric.interval(confusion)
        results[metric.name] = {"value": float(metric.compute(confusion)), "low": low, "high": high}
    return results


def _definitions() -> dict[str, str]:
    """Return the definitions for ``metrics.json``."""
    methods = "; ".join(f"{metric.title}: {metric.interval_method}" for metric in METRICS)
    definitions = {
        "windows": (
            f"each window counts; intervals: {N_RESAMPLES} bootstrap samples of persons, "
            "because windows of one person are not independent"
        ),
        "votes": (
            "majority vote over the windows of one person with the same true class, so a person "
            "with two true classes casts two votes; a tie goes to the class with the larger mean "
            f"probability; intervals of {methods}"
        ),
    }
    for metric in METRICS:
        if metric.definition is not None:
            definitions[metric.name] = metric.definition
    return definitions


def _wilson_interval(n_correct: np.int64, n: np.int64) -> tuple[float, float]:
    result = binomtest(int(n_correct), int(n))
    interval = result.proportion_ci(CONFIDENCE_LEVEL, method="wilson")
    return float(interval.low), float(interval.high)
