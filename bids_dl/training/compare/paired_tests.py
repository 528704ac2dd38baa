"""Paired tests over persons, and the correction for several of them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import wilcoxon

CONFIDENCE_LEVEL = 0.95
N_RESAMPLES = 2000  # bootstrap samples of persons
MAX_EXACT = 14  # persons whose 16,384 changes of sign are all counted
N_SIGN_FLIPS = 20_000  # random changes of sign for more persons
BATCH_VALUES = 4_000_000  # signs in memory at once, which are 32 MB
TOLERANCE = 1e-12  # relative difference of two means that are equal but for rounding

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Difference of a metric between two runs, over the persons that both tested.

    Attributes
    ----------
    n_persons
        Number of persons with a value in both runs.
    difference
        Mean difference over persons.
    low, high
        Limits of its 95 % bootstrap interval over persons. None for one person.
    p_permutation
        Two-sided p of the permutation test, which swaps the two runs of each person.
    p_wilcoxon
        Two-sided p of the Wilcoxon signed-rank test.
    """

    n_persons: int
    difference: float
    low: float | None
    high: float | None
    p_permutation: float
    p_wilcoxon: float


def compare_paired(differences: npt.ArrayLike, *, seed: int = 0) -> PairedTest:
    """Test if the mean of paired differences is zero.

    Parameters
    ----------
    differences
        One difference per person (n_persons,), at least one.
    seed
        Seed of the bootstrap and, for more than `MAX_EXACT` persons, of the permutations.

    Examples
    --------
    >>> result = compare_paired([0.1, 0.2, 0.1, 0.3, 0.2, 0.1])
    >>> round(result.difference, 3), result.p_permutation, result.p_wilcoxon
    (0.167, 0.03125, 0.03125)
    """
    values = np.asarray(differences, dtype=np.float64)
    low: float | None = None
    high: float | None = None
    if len(values) > 1:
        low, high = bootstrap_interval(values, seed=seed)
    return PairedTest(
        n_persons=len(values),
        difference=float(values.mean()),
        low=low,
        high=high,
        p_permutation=permutation_p(values, seed=seed),
        p_wilcoxon=wilcoxon_p(values),
    )


def bootstrap_interval(differences: Floats, *, seed: int) -> tuple[float, float]:
    """Return the 95 % percentile interval of a mean over resampled persons.

    Parameters
    ----------
    differences
        One value per person (n_persons,).
    """
    n_persons = len(differences)
    drawn = np.random.default_rng(seed).integers(n_persons, size=(N_RESAMPLES, n_persons))
    means = differences[drawn].mean(axis=1)
    quantiles = [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2]
    low, high = np.quantile(means, quantiles).tolist()
    return low, high


def permutation_p(differences: Floats, *, seed: int) -> float:
    """Return the two-sided p of the paired permutation test, which changes signs at random.

    Up to `MAX_EXACT` persons, all changes of sign are counted. For more persons, `N_SIGN_FLIPS` are
    drawn, and p is (1 + as extreme) / (1 + drawn), which is never 0 (Phipson and Smyth 2010,
    doi:10.2202/1544-6115.1585).

    Parameters
    ----------
    differences
        One difference per person (n_persons,).
    """
    observed = abs(differences.sum())
    threshold = observed - TOLERANCE * np.abs(differences).sum()
    n_persons = len(differences)
    if n_persons <= MAX_EXACT:
        numbers = np.arange(2**n_persons)[:, None]
        signs = 1.0 - 2.0 * (numbers >> np.arange(n_persons) & 1)
        return float(np.mean(np.abs(signs @ differences) >= threshold))
    rng = np.random.default_rng(seed)
    batch = max(1, BATCH_VALUES // n_persons)
    n_extreme = 0
    for start in range(0, N_SIGN_FLIPS, batch):
        shape = (min(batch, N_SIGN_FLIPS - start), n_persons)
        signs = 1.0 - 2.0 * rng.integers(2, size=shape)
        n_extreme += int(np.sum(np.abs(signs @ differences) >= threshold))
    return (1 + n_extreme) / (1 + N_SIGN_FLIPS)


def wilcoxon_p(differences: Floats) -> float:
    """Return the two-sided p of the Wilcoxon signed-rank test, 1 if no person differs.

    Parameters
    ----------
    differences
        One difference per person (n_persons,).
    """
    if not np.any(differences):
        return 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few persons, which the comparison reports itself
        p_value: float = wilcoxon(differences).pvalue
    return float(p_value)


def smallest_p(n_persons: int) -> float:
    """Return the smallest p that an exact two-sided permutation test can have.

    Examples
    --------
    >>> smallest_p(4), smallest_p(6)
    (0.125, 0.03125)
    """
    return min(1.0, 2.0 ** (1 - n_persons))


def correct_by_holm(p_values: Sequence[float]) -> list[float]:
    """Correct the p of several tests by the step-down method of Holm (1979).

    Returns
    -------
    list of float
        Corrected p in the order of ``p_values``.

    Examples
    --------
    >>> correct_by_holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    corrected = [1.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable").tolist()):
        largest = max(largest, p_values[index] * (len(p_values) - rank))
        corrected[index] = min(1.0, largest)
    return corrected
