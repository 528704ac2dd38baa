from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr
from sklearn.metrics import mean_absolute_error as reference_mae
from sklearn.metrics import r2_score, root_mean_squared_error
from tested_windows import AGE, draw_windows

from bids_dl.training.metrics.number import (
    determination,
    error_sums,
    mean_absolute_error,
    pearson,
)
from bids_dl.training.metrics.number import root_mean_squared_error as rmse
from bids_dl.training.metrics.tested import read_tested


def references(true, predicted):
    return [
        reference_mae(true, predicted),
        root_mean_squared_error(true, predicted),
        pearsonr(true, predicted).statistic,
        r2_score(true, predicted),
    ]


def compute(sums):
    return [float(measure(sums)) for measure in (mean_absolute_error, rmse, pearson, determination)]


@given(st.integers(0, 1000), st.sampled_from([0.0, 1e6]))
def test_metrics_agree_with_scikit_learn_and_scipy(seed, offset):
    table = draw_windows(AGE, seed=seed)
    table[["age", "predicted"]] += offset
    statistics = error_sums(read_tested(table, AGE))
    expected = references(table["age"], table["predicted"])
    assert compute(statistics.pooled()) == pytest.approx(expected, rel=1e-6)
    for sums, (_, group) in zip(statistics.of_persons(), table.groupby("subject"), strict=True):
        expected = references(group["age"], group["predicted"])
        assert compute(sums) == pytest.approx(expected, rel=1e-6)


def test_perfect_predictions_have_no_error_and_correlation_1():
    table = draw_windows(AGE)
    table["predicted"] = table["age"]
    assert compute(error_sums(read_tested(table, AGE)).pooled()) == [0, 0, pytest.approx(1), 1]


@pytest.mark.parametrize("age", [0.0, 0.1, 1e8 + 0.1])
def test_correlation_and_r2_of_equal_numbers_are_undefined(age):
    table = draw_windows(AGE).assign(age=age)
    values = compute(error_sums(read_tested(table, AGE)).pooled())
    assert np.isfinite(values[:2]).all()
    assert np.isnan(values[2:]).all()


def test_a_person_of_one_age_has_no_correlation():
    table = draw_windows(AGE, n_blocks=1)
    sums = error_sums(read_tested(table, AGE)).of_persons()
    assert np.isnan(pearson(sums)).all()
    assert np.isnan(determination(sums)).all()
