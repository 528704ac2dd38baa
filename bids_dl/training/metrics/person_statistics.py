"""Sums over persons from which metrics are computed, so that persons can be resampled fast.

A metric of resampled persons needs no window again. Each person has sums, such as the
number of correct windows, and a bootstrap sample is a weighted sum of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


class PersonStatistics(Protocol):
    """Statistics of persons, of which any weighted combination can be computed."""

    def of_persons(self) -> Floats:
        """Return the statistics (n_persons, ...) of each person."""

    def pooled(self) -> Floats:
        """Return the statistics (...) of all persons together."""

    def resampled(self, weights: Counts) -> Floats:
        """Return the statistics (n_resamples, ...) of resampled persons.

        ``weights`` (n_resamples, n_persons) is the number of times that each person was drawn.
        Slow statistics may use the first rows only.
        """


@dataclass(frozen=True, eq=False, slots=True)
class AdditiveStatistics:
    """Statistics of which those of several persons are the sum.

    Parameters
    ----------
    sums
        One row of sums per person (n_persons, ...).
    """

    sums: Floats

    def of_persons(self) -> Floats:
        """Return the sums (n_persons, ...) of each person."""
        return self.sums

    def pooled(self) -> Floats:
        """Return the sums (...) of all persons together."""
        total: Floats = self.sums.sum(axis=0)
        return total

    def resampled(self, weights: Counts) -> Floats:
        """Return the sums (n_resamples, ...) of resampled persons."""
        flat = self.sums.reshape(len(self.sums), -1)
        return (weights.astype(np.float64) @ flat).reshape(len(weights), *self.sums.shape[1:])


def sum_by_person(values: npt.NDArray[Any], persons: Counts, n_persons: int) -> Floats:
    """Sum rows (n, ...) over each person, and return (n_persons, ...).

    Examples
    --------
    >>> sum_by_person(np.array([1.0, 2.0, 3.0]), np.array([0, 1, 0]), 2).tolist()
    [4.0, 2.0]
    """
    flat = np.asarray(values, dtype=np.float64).reshape(len(values), -1)
    sums = np.empty((n_persons, flat.shape[1]))
    for column in range(flat.shape[1]):
        sums[:, column] = np.bincount(persons, weights=flat[:, column], minlength=n_persons)
    return sums.reshape(n_persons, *np.shape(values)[1:])


def divide(numerators: npt.ArrayLike, denominators: npt.ArrayLike) -> Floats:
    """Divide, with NaN where a denominator is 0.

    Examples
    --------
    >>> divide([1, 2], [0, 4]).tolist()
    [nan, 0.5]
    """
    above, below = np.broadcast_arrays(
        np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
    )
    quotients = np.full(above.shape, np.nan)
    np.divide(above, below, out=quotients, where=below != 0)
    return quotients


def mean_of_defined(values: npt.ArrayLike, axis: int = -1) -> Floats:
    """Compute the mean of the values that are not NaN, which is NaN if all are.

    Examples
    --------
    >>> mean_of_defined([[1.0, float("nan")], [float("nan"), float("nan")]]).tolist()
    [1.0, nan]
    """
    array = np.asarray(values, dtype=np.float64)
    is_defined = ~np.isnan(array)
    return divide(np.where(is_defined, array, 0.0).sum(axis=axis), is_defined.sum(axis=axis))
