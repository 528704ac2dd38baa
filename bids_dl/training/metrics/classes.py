"""Metrics of classes, computed from the sums of rows and columns of confusion matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from bids_dl.training.metrics.intervals import wilson_interval
from bids_dl.training.metrics.pairs import PairStatistics
from bids_dl.training.metrics.person_statistics import (
    AdditiveStatistics,
    Counts,
    Floats,
    divide,
    mean_of_defined,
)
from bids_dl.training.metrics.tested import TestedRows

CORRECT, TRUE, PREDICTED = range(3)
# Rows of the sums (..., 3, n_classes): windows or votes of each class that are correct, that are
# of the class, and that are predicted as it. Confusion matrices of many classes would not fit into
# memory for each person and bootstrap sample.


MAX_CONFUSION_CLASSES = 500  # whose two matrices take 5 MB of JSON; predictions.csv has them all


def class_sums(rows: TestedRows) -> AdditiveStatistics:
    """Count the sums (n_persons, 3, n_classes) of each person."""
    is_correct = rows.values == rows.predicted
    sums = np.empty((rows.n_persons, 3, rows.spec.n_outputs))
    sums[:, CORRECT] = _count(rows.persons[is_correct], rows.values[is_correct], rows)
    sums[:, TRUE] = _count(rows.persons, rows.values, rows)
    sums[:, PREDICTED] = _count(rows.persons, rows.predicted, rows)
    return AdditiveStatistics(sums)


def confusion(rows: TestedRows) -> Counts:
    """Count the confusion matrix (true class, predicted class) of all rows."""
    n_classes = rows.spec.n_outputs
    cells = np.bincount(rows.values * n_classes + rows.predicted, minlength=n_classes * n_classes)
    return cells.reshape(n_classes, n_classes)


def sum_confusions(counts: Floats) -> Floats:
    """Return the sums (..., 3, n_classes) of confusion matrices (..., true, predicted).

    Examples
    --------
    >>> sum_confusions(np.array([[3.0, 1.0], [0.0, 4.0]])).tolist()
    [[3.0, 4.0], [4.0, 4.0], [3.0, 5.0]]
    """
    correct = np.diagonal(counts, axis1=-2, axis2=-1)
    return np.stack([correct, counts.sum(axis=-1), counts.sum(axis=-2)], axis=-2)


def score_pairs(rows: TestedRows) -> PairStatistics:
    """Return the probability of the second of two classes, to be compared over pairs of rows."""
    is_second = rows.values[:, None].astype(np.float64)
    return PairStatistics(rows.outputs[:, 1:], is_second, rows.persons, rows.n_persons)


def accuracy(sums: Floats) -> Floats:
    """Compute the fraction of correct predictions (...).

    Examples
    --------
    >>> float(accuracy(np.array([[3.0, 4.0], [4.0, 4.0], [3.0, 5.0]])))
    0.875
    """
    return divide(sums[..., CORRECT, :].sum(axis=-1), sums[..., TRUE, :].sum(axis=-1))


def balanced_accuracy(sums: Floats) -> Floats:
    """Compute the mean recall over classes (...).

    A class without a true member is left out of the mean.
    """
    return mean_of_defined(divide(sums[..., CORRECT, :], sums[..., TRUE, :]))


def kappa(sums: Floats) -> Floats:
    """Compute Cohen's kappa (...), NaN if there is one true class."""
    n = sums[..., TRUE, :].sum(axis=-1)
    products = sums[..., TRUE, :] * sums[..., PREDICTED, :]
    by_chance = divide(products.sum(axis=-1), n * n)
    values = divide(accuracy(sums) - by_chance, 1 - by_chance)
    return np.where(_has_several_classes(sums), values, np.nan)


def macro_f1(sums: Floats) -> Floats:
    """Compute the mean F1 over classes (...).

    A class that is neither true nor predicted is left out of the mean.
    """
    return mean_of_defined(_f1(sums))


def matthews(sums: Floats) -> Floats:
    """Compute the Matthews correlation coefficient (...).

    The value is NaN if there is one true class, and 0 if one class is always predicted.
    """
    true_sizes = sums[..., TRUE, :]
    predicted_sizes = sums[..., PREDICTED, :]
    n = true_sizes.sum(axis=-1)
    products = (true_sizes * predicted_sizes).sum(axis=-1)
    covariance = sums[..., CORRECT, :].sum(axis=-1) * n - products
    true_variance = n * n - np.square(true_sizes).sum(axis=-1)
    predicted_variance = n * n - np.square(predicted_sizes).sum(axis=-1)
    values = divide(covariance, np.sqrt(true_variance * predicted_variance))
    values = np.where(predicted_variance == 0, 0.0, values)
    return np.where(_has_several_classes(sums), values, np.nan)


def auroc(pairs: Floats) -> Floats:
    """Compute the area under the ROC curve (...) of pairs (..., n_labels, 2).

    The value is the mean over labels. A label that has one class is left out of the mean.
    """
    return mean_of_defined(divide(pairs[..., 0], pairs[..., 1]))


def accuracy_interval(sums: Floats) -> tuple[float, float]:
    """Return the Wilson score interval of the accuracy of independent votes."""
    return wilson_interval(float(sums[CORRECT].sum()), float(sums[TRUE].sum()))


def balanced_accuracy_interval(sums: Floats) -> tuple[float, float]:
    """Return the interval of the balanced accuracy of independent votes.

    The Wilson intervals of the classes are combined by MOVER (Zou and Donner 2008,
    doi:10.1002/sim.3095).
    """
    classes = np.flatnonzero(sums[TRUE] > 0)
    correct = sums[CORRECT, classes]
    sizes = sums[TRUE, classes]
    recall = correct / sizes
    bounds = np.array([wilson_interval(*pair) for pair in zip(correct, sizes, strict=True)])
    squares = np.square(bounds - recall[:, None])
    below, above = np.sqrt(squares.sum(axis=0)) / len(recall)
    value = float(balanced_accuracy(sums))
    return max(0.0, value - float(below)), min(1.0, value + float(above))


def describe_classes(rows: TestedRows) -> dict[str, Any]:
    """Return the confusion matrix, and the metrics of each class against all others, for JSON.

    More than `MAX_CONFUSION_CLASSES` classes have no confusion matrix.
    """
    sums = class_sums(rows).pooled()
    correct, true_sizes, predicted_sizes = sums
    n = len(rows.values)
    n_neither = n - true_sizes - predicted_sizes + correct
    measures = {
        "precision": divide(correct, predicted_sizes),
        "recall": divide(correct, true_sizes),
        "f1": _f1(sums),
        "specificity": divide(n_neither, n - true_sizes),
        "npv": divide(n_neither, n - predicted_sizes),
    }
    per_class: list[dict[str, Any]] = []
    for i, name in enumerate(rows.spec.outputs):
        row: dict[str, Any] = {"class": name, "n": int(true_sizes[i])}
        for measure, values in measures.items():
            row[measure] = None if np.isnan(values[i]) else float(values[i])
        per_class.append(row)
    if rows.spec.n_outputs > MAX_CONFUSION_CLASSES:
        return {"per_class": per_class}
    return {"confusion": confusion(rows).tolist(), "per_class": per_class}


def _count(persons: Counts, classes: Counts, rows: TestedRows) -> Counts:
    """Return the number of rows (n_persons, n_classes) of each person and class."""
    shape = (rows.n_persons, rows.spec.n_outputs)
    cells = np.bincount(persons * rows.spec.n_outputs + classes, minlength=int(np.prod(shape)))
    return cells.reshape(shape)


def _f1(sums: Floats) -> Floats:
    """Return the F1 of each class (..., n_classes)."""
    sizes = sums[..., TRUE, :] + sums[..., PREDICTED, :]
    return divide(2 * sums[..., CORRECT, :], sizes)


def _has_several_classes(sums: Floats) -> Floats:
    """Return if more than one class has a true member (...)."""
    has_several: Floats = (sums[..., TRUE, :] > 0).sum(axis=-1) > 1
    return has_several
