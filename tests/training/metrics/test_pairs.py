from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from bids_dl.training.metrics import pairs
from bids_dl.training.metrics.classes import auroc
from bids_dl.training.metrics.pairs import PairStatistics


def draw_pairs(seed: int, n: int = 60, n_persons: int = 5, n_scores: int = 7) -> PairStatistics:
    """Draw scores with ties of two labels, one of which has missing values."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, n_scores, (n, 2)) / n_scores
    is_positive = rng.integers(0, 2, (n, 2)).astype(float)
    is_positive[:5, 1] = np.nan
    return PairStatistics(scores, is_positive, rng.integers(0, n_persons, n), n_persons)


def reference(statistics: PairStatistics, label: int, rows: np.ndarray) -> float:
    """Area under the ROC curve by scikit-learn, NaN with one class."""
    true = statistics.is_positive[rows, label]
    rows = rows[~np.isnan(true)]
    true = statistics.is_positive[rows, label]
    if len(np.unique(true)) < 2:
        return float("nan")
    return float(roc_auc_score(true, statistics.scores[rows, label]))


@given(st.integers(0, 10_000), st.sampled_from([1, 3, 10_000]))
def test_the_area_is_that_of_scikit_learn(seed, n_scores):
    statistics = draw_pairs(seed, n_scores=n_scores)
    rows = np.arange(60)
    expected = [reference(statistics, label, rows) for label in (0, 1)]
    assert auroc(statistics.pooled()) == pytest.approx(np.mean(expected), nan_ok=True)
    for person in range(5):
        own = np.flatnonzero(statistics.persons == person)
        areas = [reference(statistics, label, own) for label in (0, 1)]
        values = statistics.of_persons()[person]
        for label in (0, 1):
            assert auroc(values[label : label + 1]) == pytest.approx(areas[label], nan_ok=True)


@pytest.mark.parametrize("block", [1, 4, 512])
@pytest.mark.parametrize("max_persons", [0, 2000])
def test_a_person_that_was_drawn_twice_counts_twice(monkeypatch, block, max_persons):
    monkeypatch.setattr(pairs, "BLOCK", block)
    monkeypatch.setattr(pairs, "MAX_MATRIX_PERSONS", max_persons)
    statistics = draw_pairs(seed=1)
    drawn = np.random.default_rng(0).integers(5, size=(20, 5))
    weights = np.stack([np.bincount(persons, minlength=5) for persons in drawn])
    results = statistics.resampled(weights)
    for persons, result in zip(drawn, results, strict=True):
        rows = [np.flatnonzero(statistics.persons == person) for person in persons]
        for label in (0, 1):
            expected = reference(statistics, label, np.concatenate(rows))
            assert auroc(result[label : label + 1]) == pytest.approx(expected)


def test_very_many_windows_are_resampled_less_often(monkeypatch):
    monkeypatch.setattr(pairs, "MAX_MATRIX_STEPS", 0)
    monkeypatch.setattr(pairs, "MAX_RANK_STEPS", 0)
    weights = np.ones((300, 5), dtype=np.int64)
    assert len(draw_pairs(seed=0).resampled(weights)) == pairs.MIN_RESAMPLES
