from __future__ import annotations

import numpy as np

from bids_dl.training.metrics.person_statistics import (
    AdditiveStatistics,
    divide,
    mean_of_defined,
    sum_by_person,
)


def test_a_bootstrap_sample_is_the_sum_of_its_persons():
    sums = np.arange(12.0).reshape(3, 2, 2)
    statistics = AdditiveStatistics(sums)
    resampled = statistics.resampled(np.array([[2, 0, 1], [1, 1, 1]]))
    np.testing.assert_array_equal(resampled[0], sums[0] * 2 + sums[2])
    np.testing.assert_array_equal(resampled[1], statistics.pooled())


def test_a_person_without_rows_has_sums_of_0():
    sums = sum_by_person(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([2, 2]), 3)
    assert sums.tolist() == [[0, 0], [0, 0], [4, 6]]


def test_undefined_values_are_nan_without_a_warning(recwarn):
    assert np.isnan(divide(0.0, 0.0))
    assert np.isnan(mean_of_defined([np.nan]))
    assert mean_of_defined([[1, np.nan], [2, 3]], axis=0).tolist() == [1.5, 3]
    assert not recwarn
