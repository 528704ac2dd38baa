"""Confidence intervals: bootstrap of persons, and Wilson's score interval."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from bids_dl.training.metrics.person_statistics import Counts, Floats

CONFIDENCE_LEVEL = 0.95
N_RESAMPLES = 2000  # bootstrap samples of persons
MIN_DEFINED = 0.5  # share of bootstrap samples with a defined value that an interval needs

Limits = tuple[float, float] | None
"""Lower and upper confidence limit, or None if there is no interval."""


def draw_persons(n_persons: int, seed: int) -> Counts | None:
    """Draw bootstrap samples of persons, with replacement.

    Parameters
    ----------
    n_persons
        Number of persons.
    seed
        Random seed.

    Returns
    -------
    weights
        Number of times that each person is in each sample (`N_RESAMPLES`, n_persons). None if there
        are under two persons.

    Examples
    --------
    >>> draw_persons(3, seed=0).sum(axis=1)[:2].tolist()
    [3, 3]
    """
    if n_persons < 2:
        return None
    rng = np.random.default_rng(seed)
    return rng.multinomial(n_persons, np.full(n_persons, 1 / n_persons), size=N_RESAMPLES)


def percentile_interval(values: Floats) -> Limits:
    """Return the percentile interval of the values of bootstrap samples (n_resamples,).

    Samples with an undefined value are left out. There is no interval if most are undefined.

    Examples
    --------
    >>> percentile_interval(np.array([0.5, 0.5, float("nan")]))
    (0.5, 0.5)
    """
    defined = values[~np.isnan(values)]
    if len(defined) < MIN_DEFINED * len(values):
        return None
    quantiles = [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2]
    low, high = np.quantile(defined, quantiles)
    return float(low), float(high)


def wilson_interval(n_correct: float, n: float) -> tuple[float, float]:
    """Return the score interval of a proportion (Wilson 1927, doi:10.2307/2276774).

    Parameters
    ----------
    n_correct, n
        Number of successes and of trials. Fractions are accepted, for effective sample sizes.

    Examples
    --------
    >>> low, high = wilson_interval(8, 10)
    >>> round(low, 4), round(high, 4)
    (0.4902, 0.9433)
    """
    z = NormalDist().inv_cdf((1 + CONFIDENCE_LEVEL) / 2)
    proportion = n_correct / n
    centre = proportion + z * z / (2 * n)
    half_width = z * np.sqrt(proportion * (1 - proportion) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = float((centre - half_width) / scale)
    high = float((centre + half_width) / scale)
    return min(max(0.0, low), proportion), max(min(1.0, high), proportion)  # despite rounding
