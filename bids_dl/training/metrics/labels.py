"""Metrics of several labels: the means of the metrics of each label."""

from __future__ import annotations

from typing import Any

import numpy as np

from bids_dl.training.metrics import classes
from bids_dl.training.metrics.pairs import PairStatistics
from bids_dl.training.metrics.person_statistics import (
    AdditiveStatistics,
    Floats,
    divide,
    mean_of_defined,
    sum_by_person,
)
from bids_dl.training.metrics.tested import TestedRows

# Confusion matrices have the shape (..., label, true 0 or 1, predicted 0 or 1).


def label_confusions(rows: TestedRows) -> AdditiveStatistics:
    """Count the confusion matrices (n_persons, n_labels, 2, 2) of each person.

    A missing label counts in no cell.
    """
    counts = np.zeros((rows.n_persons, rows.spec.n_outputs, 2, 2))
    for true in (0, 1):
        for predicted in (0, 1):
            is_cell = (rows.values == true) & (rows.predicted == predicted)
            counts[..., true, predicted] = sum_by_person(is_cell, rows.persons, rows.n_persons)
    return AdditiveStatistics(counts)


def label_pairs(rows: TestedRows) -> PairStatistics:
    """Return the probability of each label, to be compared over pairs of rows."""
    return PairStatistics(rows.outputs, rows.values, rows.persons, rows.n_persons)


def mean_accuracy(counts: Floats) -> Floats:
    """Compute the mean accuracy (...) over labels."""
    return mean_of_defined(classes.accuracy(classes.sum_confusions(counts)))


def mean_balanced_accuracy(counts: Floats) -> Floats:
    """Compute the mean balanced accuracy (...) over labels."""
    return mean_of_defined(classes.balanced_accuracy(classes.sum_confusions(counts)))


def mean_f1(counts: Floats) -> Floats:
    """Compute the mean F1 (...) over labels.

    A label that is neither true nor predicted in any row is left out of the mean.
    """
    return mean_of_defined(_f1(counts))


def describe_labels(rows: TestedRows) -> dict[str, Any]:
    """Return the metrics and the confusion matrix of each label, for JSON."""
    counts = label_confusions(rows).pooled()
    sums = classes.sum_confusions(counts)
    pairs = label_pairs(rows).pooled()
    measures = {
        "accuracy": classes.accuracy(sums),
        "balanced_accuracy": classes.balanced_accuracy(sums),
        "f1": _f1(counts),
        "auroc": divide(pairs[:, 0], pairs[:, 1]),
    }
    per_label: list[dict[str, Any]] = []
    for i, name in enumerate(rows.spec.outputs):
        row: dict[str, Any] = {
            "label": name,
            "n": int(counts[i].sum()),
            "n_positive": int(counts[i, 1].sum()),
        }
        for measure, values in measures.items():
            row[measure] = None if np.isnan(values[i]) else float(values[i])
        row["confusion"] = counts[i].astype(int).tolist()
        per_label.append(row)
    return {"per_label": per_label}


def _f1(counts: Floats) -> Floats:
    """Return the F1 of each label (..., n_labels)."""
    n_wrong = counts[..., 0, 1] + counts[..., 1, 0]
    return divide(2 * counts[..., 1, 1], 2 * counts[..., 1, 1] + n_wrong)
