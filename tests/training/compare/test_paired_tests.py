"""Paired tests over persons, against SciPy and published values."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from scipy import stats

from bids_dl.training.compare import paired_tests
from bids_dl.training.compare.paired_tests import compare_paired, correct_by_holm, smallest_p


def reference_p(values: np.ndarray) -> float:
    """Return the exact p of SciPy's permutation test of paired samples."""
    result = stats.permutation_test(
        (values, np.zeros_like(values)),
        lambda first, second, axis: np.mean(first - second, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=2**14,
    )
    return float(result.pvalue)


def test_the_examples_are_right():
    assert doctest.testmod(paired_tests).failed == 0


@pytest.mark.parametrize("n_persons", [2, 5, 9, 14])
def test_the_permutation_test_of_few_persons_is_exact(n_persons):
    values = np.random.default_rng(n_persons).normal(0.5, 1, n_persons)
    assert compare_paired(values).p_permutation == pytest.approx(reference_p(values))


def test_tied_differences_count_as_extreme_in_spite_of_rounding():
    values = np.array([0.1, 0.2, 0.3, -0.3, 0.1, 0.2])
    assert compare_paired(values).p_permutation == pytest.approx(reference_p(values))


def test_the_permutation_test_of_many_persons_is_near_the_t_test_and_repeatable():
    values = np.random.default_rng(0).normal(0.2, 1, 300)
    result = compare_paired(values, seed=3)
    assert result.p_permutation == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.002)
    assert result == compare_paired(values, seed=3)


def test_no_p_of_many_persons_is_zero():
    assert compare_paired(np.ones(500)).p_permutation == pytest.approx(1 / 20_001)


def test_equal_runs_have_no_difference():
    result = compare_paired(np.zeros(7))
    assert (result.difference, result.low, result.high) == (0, 0, 0)
    assert (result.p_permutation, result.p_wilcoxon) == (1, 1)


def test_the_interval_covers_the_true_difference_in_most_samples():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        low, high = paired_tests.bootstrap_interval(rng.normal(1.0, 2.0, 40), seed=0)
        covered += low <= 1.0 <= high
    assert 180 <= covered <= 198


def test_one_person_has_no_interval():
    result = compare_paired([0.5])
    assert (result.low, result.high, result.p_permutation) == (None, None, 1)


@pytest.mark.parametrize("n_persons", [1, 4, 6])
def test_the_smallest_p_is_that_of_equal_signs(n_persons):
    assert compare_paired(np.ones(n_persons)).p_permutation == smallest_p(n_persons)


def test_holm_is_monotonic_and_at_most_one():
    assert correct_by_holm([0.6, 0.01, 0.02, 0.5]) == pytest.approx([1.0, 0.04, 0.06, 1.0])
    assert correct_by_holm([0.2]) == [0.2]
