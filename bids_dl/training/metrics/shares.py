"""Metrics of shares, such as shares of votes, computed from sums over windows or votes."""

from __future__ import annotations

import numpy as np

from bids_dl.training.metrics.person_statistics import (
    AdditiveStatistics,
    Floats,
    divide,
    sum_by_person,
)
from bids_dl.training.metrics.tested import TestedRows

SMALLEST_SHARE = 1e-12  # predicted shares are raised to this, so that every logarithm is finite

N, CROSS_ENTROPY, ENTROPY, CORRECT = range(4)  # columns of the sums (..., 4)


def share_sums(rows: TestedRows) -> AdditiveStatistics:
    """Sum cross-entropies, entropies and correct largest shares (n_persons, 4) by person."""
    true = rows.values
    logarithms = np.log(np.maximum(rows.outputs, SMALLEST_SHARE))
    own_logarithms = np.log(np.where(true > 0, true, 1.0))
    of_predicted = np.take_along_axis(true, rows.outputs.argmax(axis=1)[:, None], axis=1)[:, 0]
    terms = [
        np.ones(len(true)),
        -(true * logarithms).sum(axis=1),
        -(true * own_logarithms).sum(axis=1),
        (of_predicted == true.max(axis=1)).astype(np.float64),
    ]
    return AdditiveStatistics(sum_by_person(np.stack(terms, axis=1), rows.persons, rows.n_persons))


def cross_entropy(sums: Floats) -> Floats:
    """Compute the mean cross-entropy (...) of predicted shares in nats."""
    return divide(sums[..., CROSS_ENTROPY], sums[..., N])


def divergence(sums: Floats) -> Floats:
    """Compute the mean Kullback-Leibler divergence (...) from the true shares in nats."""
    return divide(sums[..., CROSS_ENTROPY] - sums[..., ENTROPY], sums[..., N])


def largest_share_accuracy(sums: Floats) -> Floats:
    """Compute the fraction (...) of rows whose largest predicted share is a largest true share."""
    return divide(sums[..., CORRECT], sums[..., N])
