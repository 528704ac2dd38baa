"""Metrics of a number, computed from sums over windows or votes."""

from __future__ import annotations

import numpy as np

from bids_dl.training.metrics.person_statistics import (
    AdditiveStatistics,
    Floats,
    divide,
    sum_by_person,
)
from bids_dl.training.metrics.tested import TestedRows

ROUNDING = 1e-12  # relative difference of float64 numbers below which they count as equal

# Columns of the sums (..., 8). The true value y and the predicted value p are relative to their
# means over all rows, because sums of squares of large numbers lose digits.
N, ABSOLUTE_ERROR, SQUARED_ERROR, Y, P, YY, PP, YP = range(8)


def error_sums(rows: TestedRows) -> AdditiveStatistics:
    """Sum errors, numbers and their products (n_persons, 8) over each person."""
    error = rows.predicted - rows.values
    true = _centred(rows.values)
    predicted = _centred(rows.predicted)
    terms = [np.ones(len(error)), np.abs(error), error * error, true, predicted]
    products = [true * true, predicted * predicted, true * predicted]
    table = np.stack([*terms, *products], axis=1)
    return AdditiveStatistics(sum_by_person(table, rows.persons, rows.n_persons))


def mean_absolute_error(sums: Floats) -> Floats:
    """Compute the mean absolute error (...), in the unit of the number."""
    return divide(sums[..., ABSOLUTE_ERROR], sums[..., N])


def root_mean_squared_error(sums: Floats) -> Floats:
    """Compute the root of the mean squared error (...), in the unit of the number."""
    return np.sqrt(divide(sums[..., SQUARED_ERROR], sums[..., N]))


def pearson(sums: Floats) -> Floats:
    """Compute Pearson's correlation (...), NaN if true or predicted numbers are all equal."""
    covariance = sums[..., YP] - divide(sums[..., Y] * sums[..., P], sums[..., N])
    true_variance = _squared_deviations(sums, Y, YY)
    predicted_variance = _squared_deviations(sums, P, PP)
    return np.clip(divide(covariance, np.sqrt(true_variance * predicted_variance)), -1.0, 1.0)


def determination(sums: Floats) -> Floats:
    """Compute the coefficient of determination R2 (...), NaN if all true numbers are equal.

    The value is 1 minus the squared errors over the squared deviations of the true numbers from
    their mean. It is negative if predicting that mean is better.
    """
    return 1 - divide(sums[..., SQUARED_ERROR], _squared_deviations(sums, Y, YY))


def _centred(numbers: Floats) -> Floats:
    """Subtract the mean, and remove rounding errors of equal numbers."""
    centred = numbers - numbers.mean()
    smallest = ROUNDING * float(np.abs(numbers).max())
    return np.where(np.abs(centred) <= smallest, 0.0, centred)


def _squared_deviations(sums: Floats, first: int, second: int) -> Floats:
    """Return the sum of squared deviations from the mean (...), exactly 0 for equal numbers."""
    squares = sums[..., second]
    deviations = squares - divide(np.square(sums[..., first]), sums[..., N])
    return np.where(deviations <= ROUNDING * squares, 0.0, deviations)
