from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy
from tested_windows import SHARES, draw_windows

from bids_dl.training.metrics.shares import (
    cross_entropy,
    divergence,
    largest_share_accuracy,
    share_sums,
)
from bids_dl.training.metrics.tested import read_tested

TRUE = list(SHARES.columns)
PREDICTED = [f"p_{name}" for name in SHARES.outputs]


def test_the_divergence_is_that_of_scipy_and_cross_entropy_is_larger_by_the_entropy():
    table = draw_windows(SHARES)
    sums = share_sums(read_tested(table, SHARES)).pooled()
    true, predicted = table[TRUE].to_numpy(), table[PREDICTED].to_numpy()
    expected = entropy(true, predicted, axis=1).mean()
    assert divergence(sums) == pytest.approx(expected)
    assert cross_entropy(sums) == pytest.approx(expected + entropy(true, axis=1).mean())


def test_predicting_the_true_shares_has_no_divergence():
    table = draw_windows(SHARES)
    table[PREDICTED] = table[TRUE]
    sums = share_sums(read_tested(table, SHARES)).pooled()
    assert divergence(sums) == pytest.approx(0)
    assert largest_share_accuracy(sums) == 1


def test_shares_of_0_are_finite():
    table = draw_windows(SHARES)
    table[TRUE] = [0.0, 0.5, 0.5]
    table[PREDICTED] = [1.0, 0.0, 0.0]
    sums = share_sums(read_tested(table, SHARES)).pooled()
    assert divergence(sums) == pytest.approx(np.log(0.5 / 1e-12))
    assert largest_share_accuracy(sums) == 0


def test_either_of_two_largest_true_shares_is_correct():
    table = draw_windows(SHARES)
    table[TRUE] = [0.0, 0.5, 0.5]
    table[PREDICTED] = [0.2, 0.3, 0.5]
    table.loc[: len(table) // 2, PREDICTED] = [0.2, 0.5, 0.3]
    assert largest_share_accuracy(share_sums(read_tested(table, SHARES)).pooled()) == 1
