"""Metrics of classes, computed from confusion matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from bids_dl.training.metrics.intervals import wilson_interval
from bids_dl.training.metrics.pairs import PairStatistics
from bids_dl.training.metrics.person_statistics import (
    AdditiveStatistics,
    Floats,
    divide,
    mean_of_defined,
)
from bids_dl.training.metrics.tested import TestedRows

# Confusion matrices have the shape (..., true class, predicted class), with counts of windows or
# votes as float64.


def confusion(rows: TestedRows) -> AdditiveStatistics:
    """Count the confusion matrix (n_persons, n_classes, n_classes) of each person."""
    n_classes = rows.spec.n_outputs
    shape = (rows.n_persons, n_classes, n_classes)
    cells = np.ravel_multi_index((rows.persons, rows.values, rows.predicted), shape)
    counts = np.bincount(cells, minlength=int(np.prod(shape)))
    return AdditiveStatistics(counts.reshape(shape).astype(np.float64))


def score_pairs(rows: TestedRows) -> PairStatistics:
    """Return the probability of the second of two classes, to be compared over pairs of rows."""
    is_second = rows.values[:, None].astype(np.float64)
    return PairStatistics(rows.outputs[:, 1:], is_second, rows.persons, rows.n_persons)


def accuracy(counts: Floats) -> Floats:
    """Compute the fraction of correct predictions (...) of confusion matrices.

    Examples
    --------
    >>> float(accuracy(np.array([[3.0, 1.0], [0.0, 4.0]])))
    0.875
    """
    return divide(_correct(counts).sum(axis=-1), counts.sum(axis=(-2, -1)))


def balanced_accuracy(counts: Floats) -> Floats:
    """Compute the mean recall over classes (...) of confusion matrices.

    A class without a true member is left out of the mean.
    """
    return mean_of_defined(divide(_correct(counts), counts.sum(axis=-1)))


def kappa(counts: Floats) -> Floats:
    """Compute Cohen's kappa (...) of confusion matrices, NaN if there is one true class."""
    n = counts.sum(axis=(-2, -1))
    by_chance = divide((counts.sum(axis=-1) * counts.sum(axis=-2)).sum(axis=-1), n * n)
    values = divide(accuracy(counts) - by_chance, 1 - by_chance)
    return np.where(_has_several_classes(counts), values, np.nan)


def macro_f1(counts: Floats) -> Floats:
    """Compute the mean F1 over classes (...) of confusion matrices.

    A class that is neither true nor predicted is left out of the mean.
    """
    return mean_of_defined(_f1(counts))


def matthews(counts: Floats) -> Floats:
    """Compute the Matthews correlation coefficient (...) of confusion matrices.

    The value is NaN if there is one true class, and 0 if one class is always predicted.
    """
    n = counts.sum(axis=(-2, -1))
    true_sizes = counts.sum(axis=-1)
    predicted_sizes = counts.sum(axis=-2)
    covariance = _correct(counts).sum(axis=-1) * n - (true_sizes * predicted_sizes).sum(axis=-1)
    true_variance = n * n - np.square(true_sizes).sum(axis=-1)
    predicted_variance = n * n - np.square(predicted_sizes).sum(axis=-1)
    values = divide(covariance, np.sqrt(true_variance * predicted_variance))
    values = np.where(predicted_variance == 0, 0.0, values)
    return np.where(_has_several_classes(counts), values, np.nan)


def auroc(pairs: Floats) -> Floats:
    """Compute the area under the ROC curve (...) of pairs (..., n_labels, 2).

    The value is the mean over labels. A label that has one class is left out of the mean.
    """
    return mean_of_defined(divide(pairs[..., 0], pairs[..., 1]))


def accuracy_interval(counts: Floats) -> tuple[float, float]:
    """Return the Wilson score interval of the accuracy of independent votes."""
    return wilson_interval(float(np.trace(counts)), float(counts.sum()))


def balanced_accuracy_interval(counts: Floats) -> tuple[float, float]:
    """Return the interval of the balanced accuracy of independent votes.

    The Wilson intervals of the classes are combined by MOVER (Zou and Donner 2008,
    doi:10.1002/sim.3095).
    """
    class_sizes = counts.sum(axis=1)
    classes = np.flatnonzero(class_sizes > 0)
    recall = counts.diagonal()[classes] / class_sizes[classes]
    bounds = np.array([wilson_interval(counts[i, i], class_sizes[i]) for i in classes])
    squares = np.square(bounds - recall[:, None])
    below, above = np.sqrt(squares.sum(axis=0)) / len(recall)
    value = float(balanced_accuracy(counts))
    return max(0.0, value - float(below)), min(1.0, value + float(above))


def describe_classes(rows: TestedRows) -> dict[str, Any]:
    """Return the confusion matrix, and the metrics of each class against all others, for JSON."""
    counts = confusion(rows).pooled()
    correct = _correct(counts)
    true_sizes = counts.sum(axis=1)
    predicted_sizes = counts.sum(axis=0)
    n_neither = counts.sum() - true_sizes - predicted_sizes + correct
    measures = {
        "precision": divide(correct, predicted_sizes),
        "recall": divide(correct, true_sizes),
        "f1": _f1(counts),
        "specificity": divide(n_neither, counts.sum() - true_sizes),
        "npv": divide(n_neither, counts.sum() - predicted_sizes),
    }
    per_class: list[dict[str, Any]] = []
    for i, name in enumerate(rows.spec.outputs):
        row: dict[str, Any] = {"class": name, "n": int(true_sizes[i])}
        for measure, values in measures.items():
            row[measure] = None if np.isnan(values[i]) else float(values[i])
        per_class.append(row)
    return {"confusion": counts.astype(int).tolist(), "per_class": per_class}


def _correct(counts: Floats) -> Floats:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def _f1(counts: Floats) -> Floats:
    """Return the F1 of each class (..., n_classes)."""
    return divide(2 * _correct(counts), counts.sum(axis=-1) + counts.sum(axis=-2))


def _has_several_classes(counts: Floats) -> Floats:
    """Return if more than one class has a true member (...)."""
    has_several: Floats = (counts.sum(axis=-1) > 0).sum(axis=-1) > 1
    return has_several
