from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bids_dl.explanation.estimates import (
    correct_interval,
    estimate_difference,
    estimate_mean,
    limit_of_random,
)


@pytest.mark.parametrize("n_persons", [3, 4, 20])
def test_the_interval_of_a_mean_is_that_of_students_t(n_persons):
    values = np.random.default_rng(0).normal(5, 2, n_persons)
    interval = stats.t.interval(0.95, n_persons - 1, values.mean(), stats.sem(values))
    found = estimate_mean(values[:, None], seed=0)
    half = (interval[1] - interval[0]) / 2
    assert found.value[0] == pytest.approx(values.mean())
    assert found.high[0] - found.value[0] == pytest.approx(half, rel=0.06)
    assert found.value[0] - found.low[0] == pytest.approx(half, rel=0.06)


def test_one_person_has_a_value_and_no_interval():
    found = estimate_mean(np.array([[3.0, 4.0]]), seed=0)
    assert found.value.tolist() == [3, 4]
    assert np.isnan(found.low).all()
    assert np.isnan(found.high).all()


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(0).normal(size=(6, 2, 3))
    first, second = (estimate_mean(values, seed=1) for _ in range(2))
    np.testing.assert_array_equal(first.low, second.low)
    assert first.low.shape == (2, 3)


def test_a_difference_of_the_same_persons_is_paired():
    level = np.array([[0.0], [100.0], [50.0], [10.0]])
    found = estimate_difference(level + 1, level, seed=0)
    assert (found.low[0], found.high[0]) == pytest.approx((1, 1))


def test_persons_without_a_value_are_left_out_of_a_difference():
    values = np.array([[1.0], [3.0], [np.nan], [np.nan]])
    others = np.array([[np.nan], [np.nan], [1.0], [1.0]])
    assert estimate_difference(values, others, seed=0).value.tolist() == [1.0]


def test_a_corrected_interval_has_the_quantile_of_bonferroni():
    values = np.random.default_rng(0).normal(size=(5, 1))
    single = estimate_mean(values, seed=0)
    corrected = correct_interval(single, 5, 10)
    at_once = estimate_mean(values, seed=0, n_comparisons=10)
    assert corrected.low == pytest.approx(at_once.low)
    ratio = stats.t.ppf(1 - 0.025 / 10, 4) / stats.t.ppf(0.975, 4)
    assert (corrected.high - single.value) / (single.high - single.value) == pytest.approx(ratio)


def test_the_limit_holds_for_a_further_random_network_in_19_of_20_cases():
    draws = np.random.default_rng(0).normal(size=(6, 20_000))
    low, high = limit_of_random(draws[:5])
    share = ((draws[5] > low) & (draws[5] < high)).mean()
    assert share == pytest.approx(0.95, abs=0.01)


def test_one_random_network_sets_no_limit_that_can_be_beaten():
    low, high = limit_of_random(np.array([[0.2]]))
    assert (low[0], high[0]) == (-np.inf, np.inf)
