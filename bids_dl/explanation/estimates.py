"""Estimates over persons with intervals, and limits that networks with random weights set."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from bids_dl.explanation.contents import Estimates, Floats

N_RESAMPLES = 2000  # bootstrap samples of persons
ERROR_RATE = 0.05  # of an interval, and of all claims of a family together
VALUES_AT_ONCE = 20_000_000  # float64 values of bootstrap samples in memory, 160 MB

Weights = npt.NDArray[np.float64]


def draw_samples(n_persons: int, seed: int) -> Weights:
    """Draw bootstrap samples of persons: weights (n_samples, n_persons).

    Examples
    --------
    >>> draw_samples(3, seed=0).sum(axis=1)[:2].tolist()
    [3.0, 3.0]
    """
    rng = np.random.default_rng(seed)
    equal = np.full(n_persons, 1 / n_persons)
    return rng.multinomial(n_persons, equal, size=N_RESAMPLES).astype(np.float64)


def average(values: Floats, weights: Weights) -> Floats:
    """Return the weighted mean over persons, leaving out those whose value is NaN.

    Parameters
    ----------
    values
        (n_persons, ...).
    weights
        (n_samples, n_persons).

    Returns
    -------
    numpy.ndarray
        (n_samples, ...). NaN for samples without a value.
    """
    flat = values.reshape(len(values), -1)
    is_known = ~np.isnan(flat)
    sums = weights @ np.where(is_known, flat, 0)
    counts = weights @ is_known.astype(np.float64)
    means = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    shaped: Floats = means.reshape(len(weights), *values.shape[1:])
    return shaped


def estimate_mean(values: Floats, seed: int, *, n_comparisons: int = 1) -> Estimates:
    """Estimate the mean over persons.

    Parameters
    ----------
    values
        (n_persons, ...), NaN if a person has no value.
    seed
        Seed of the bootstrap.
    n_comparisons
        Comparisons of which all intervals together are to hold, for Bonferroni's correction.

    Examples
    --------
    >>> mean = estimate_mean(np.array([[1.0], [2.0], [3.0]]), seed=0)
    >>> float(mean.value[0]), bool(mean.low[0] < 0 < mean.high[0])
    (2.0, True)
    """
    return estimate(lambda parts, weights: average(parts[0], weights), (values,), seed,
                    n_comparisons=n_comparisons)  # fmt: skip


def estimate_difference(
    values: Floats, others: Floats, seed: int, *, n_comparisons: int = 1
) -> Estimates:
    """Estimate the mean over persons of ``values`` minus that of ``others``.

    Both are (n_persons, ...) of the same persons, NaN if a person has no value.
    """
    return estimate(
        lambda parts, weights: average(parts[0], weights) - average(parts[1], weights),
        (values, others),
        seed,
        n_comparisons=n_comparisons,
    )


def estimate(
    statistic: Callable[[tuple[Floats, ...], Weights], Floats],
    parts: tuple[Floats, ...],
    seed: int,
    *,
    n_comparisons: int = 1,
) -> Estimates:
    """Estimate a statistic of persons with its interval.

    The interval is the value plus and minus the bootstrap standard error (Efron 1979,
    doi:10.1214/aos/1176344552) times a quantile of Student's t distribution. The bootstrap of n
    persons underestimates the error by the factor sqrt((n - 1) / n), which is undone.

    Parameters
    ----------
    statistic
        Called with parts of the values and with weights (n_samples, n_persons). Returns
        (n_samples, ...).
    parts
        Values (n_persons, ...) of the same shape, NaN if a person has none.
    seed
        Seed of the bootstrap.
    n_comparisons
        Comparisons of which all intervals together are to hold.
    """
    n_persons = len(parts[0])
    flat = tuple(part.reshape(n_persons, -1) for part in parts)
    samples = draw_samples(n_persons, seed)
    step = max(1, VALUES_AT_ONCE // N_RESAMPLES)
    n_columns = flat[0].shape[1]
    errors: list[Floats] = []
    values: list[Floats] = []
    for start in range(0, n_columns, step):
        columns = tuple(part[:, start : start + step] for part in flat)
        values.append(statistic(columns, np.ones((1, n_persons)))[0])
        errors.append(_spread(statistic(columns, samples)))
    value = np.concatenate(values)
    n_known = np.min([(~np.isnan(part)).sum(axis=0) for part in flat], axis=0)
    half = np.concatenate(errors) * _widen(n_known, n_comparisons)
    shape = parts[0].shape[1:]
    return Estimates(*(array.reshape(shape) for array in (value, value - half, value + half)))


def estimate_ratio(
    statistic: Callable[[tuple[Floats, ...], Weights], Floats],
    parts: tuple[Floats, ...],
    seed: int,
) -> tuple[float, float, float]:
    """Estimate one number that is computed from sums over persons: its value and interval.

    Parameters
    ----------
    statistic
        Called with ``parts`` and with weights (n_samples, n_persons). Returns (n_samples,).
    parts
        (n_persons, n) each.
    seed
        Seed of the bootstrap.
    """
    n_persons = len(parts[0])
    value = statistic(parts, np.ones((1, n_persons)))
    error = _spread(statistic(parts, draw_samples(n_persons, seed))[:, None])
    half = error * _widen(np.array([n_persons]), 1)
    return float(value[0]), float(value[0] - half[0]), float(value[0] + half[0])


def _spread(samples: Floats) -> Floats:
    """Return the standard deviation over samples, NaN if half of them have no value."""
    is_known = ~np.isnan(samples)
    counts = is_known.sum(axis=0)
    means = np.where(is_known, samples, 0).sum(axis=0) / np.maximum(counts, 1)
    squares = np.where(is_known, np.square(samples - means), 0).sum(axis=0)
    spread = np.sqrt(squares / np.maximum(counts, 1))
    return np.where(2 * counts >= len(samples), spread, np.nan)


def _widen(n_persons: npt.NDArray[np.int64], n_comparisons: int) -> Floats:
    """Return the factor of the standard error in an interval, NaN under two persons."""
    counts = np.where(n_persons > 1, n_persons, 2)
    level = 1 - ERROR_RATE / 2 / n_comparisons
    factors = student.ppf(level, counts - 1) * np.sqrt(counts / (counts - 1))
    return np.where(n_persons > 1, factors, np.nan)


def correct_interval(estimates: Estimates, n_persons: int, n_comparisons: int) -> Estimates:
    """Widen 95 % intervals so that all of them hold together (Bonferroni).

    Parameters
    ----------
    estimates
        Estimates with intervals of single comparisons.
    n_persons
        Persons of each estimate.
    n_comparisons
        Comparisons that are to hold together.
    """
    counts = np.array([n_persons])
    ratio = _widen(counts, max(1, n_comparisons)) / _widen(counts, 1)
    half = (estimates.high - estimates.value) * ratio[0]
    return Estimates(estimates.value, estimates.value - half, estimates.value + half)


def limit_of_random(values: Floats, *, n_comparisons: int = 1) -> tuple[Floats, Floats]:
    """Return the limits within which a further network with random weights would lie.

    They are the Student prediction interval of one further value, of 95 % for all comparisons
    together, extended to the smallest and largest value. Of one network, the limits are infinite.

    Parameters
    ----------
    values
        (n_random, ...).
    n_comparisons
        Comparisons of which all limits together are to hold.

    Returns
    -------
    low, high
        (...) each.

    Examples
    --------
    >>> low, high = limit_of_random(np.array([0.20, 0.21, 0.22, 0.23, 0.24]))
    >>> round(float(low), 2), round(float(high), 2)
    (0.17, 0.27)
    """
    n_random = len(values)
    if n_random < 2:
        return np.full(values.shape[1:], -np.inf), np.full(values.shape[1:], np.inf)
    quantile = float(student.ppf(1 - ERROR_RATE / 2 / n_comparisons, n_random - 1))
    half = quantile * values.std(axis=0, ddof=1) * math.sqrt(1 + 1 / n_random)
    mean = values.mean(axis=0)
    low = np.minimum(mean - half, values.min(axis=0))
    high = np.maximum(mean + half, values.max(axis=0))
    return low, high
