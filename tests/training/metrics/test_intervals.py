from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from bids_dl.training.metrics.intervals import draw_persons, percentile_interval, wilson_interval


@given(st.integers(0, 50), st.integers(1, 50))
def test_the_interval_of_a_proportion_is_wilsons(n_correct, n):
    n_correct = min(n_correct, n)
    expected = binomtest(n_correct, n).proportion_ci(0.95, method="wilson")
    low, high = wilson_interval(n_correct, n)
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0 <= low <= n_correct / n <= high <= 1


def test_each_sample_has_as_many_persons_and_depends_on_the_seed_only():
    weights = draw_persons(7, seed=1)
    assert (weights.sum(axis=1) == 7).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(7), abs=0.1)
    np.testing.assert_array_equal(weights, draw_persons(7, seed=1))
    assert (weights != draw_persons(7, seed=2)).any()


def test_one_person_cannot_be_resampled():
    assert draw_persons(1, seed=0) is None


def test_undefined_samples_are_left_out_unless_they_are_most():
    values = np.array([0.0, 1.0, np.nan, np.nan])
    assert percentile_interval(values) == pytest.approx((0.025, 0.975))
    assert percentile_interval(np.append(values, np.nan)) is None
