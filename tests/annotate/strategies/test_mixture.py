from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from annotated_pools import make_pool

from bids_dl.annotate.strategies import find_strategy
from bids_dl.annotate.strategies.cold_start import pick_cold_start
from bids_dl.annotate.strategies.mixture import pick_mixture


def known_pool(n_windows: int = 400):
    """A pool with 30 answers of class 0 and five of class 1, without neighbours in time."""
    pool = make_pool(n_windows, n_labelled=0, n_recordings=n_windows)
    labels = pool.labels.copy()
    labels[:35] = [0] * 30 + [1] * 5
    likelihood = np.linspace(0, 1, n_windows)
    probabilities = np.stack([1 - likelihood, likelihood], axis=1)
    return replace(pool, labels=labels, probabilities=probabilities)


def test_half_of_a_batch_is_the_likeliest_of_the_class_with_the_fewest_answers():
    rows = pick_mixture(known_pool(), 20, np.random.default_rng(0))
    assert rows[:10].tolist() == list(range(399, 389, -1))


@pytest.mark.parametrize(("n_rare", "n_likely"), [(30, 0), (29, 1), (26, 2), (5, 10)])
def test_no_more_likely_windows_are_asked_than_the_class_lacks_to_an_even_share(n_rare, n_likely):
    pool = known_pool()
    labels = np.full(400, -1)
    labels[: 30 + n_rare] = [0] * 30 + [1] * n_rare
    rows = pick_mixture(replace(pool, labels=labels), 20, np.random.default_rng(0))
    assert rows[:n_likely].tolist() == list(range(399, 399 - n_likely, -1))
    assert rows[n_likely] < 300
    assert len(rows) == 20


def test_a_quarter_of_a_batch_is_uncertain_and_a_quarter_is_random():
    pool = known_pool()
    rows = pick_mixture(pool, 20, np.random.default_rng(0))
    assert (np.abs(pool.probabilities[rows[10:15], 1] - 0.5) < 0.05).all()
    other = pick_mixture(pool, 20, np.random.default_rng(1))
    assert set(rows[:15].tolist()) == set(other[:15].tolist())
    assert set(rows[15:].tolist()) != set(other[15:].tolist())


def test_uncertain_windows_are_spread_over_the_features():
    pool = known_pool()
    middle = np.argsort(np.abs(pool.probabilities[:, 1] - 0.5))[:25]
    features = np.zeros_like(pool.features)
    features[middle[-5:]] = 10 * np.eye(5, 4)
    rows = pick_mixture(replace(pool, features=features), 20, np.random.default_rng(0))
    assert {int(row) for row in middle[-5:-1]} <= set(rows[10:15].tolist())


def test_a_class_with_few_answers_begins_with_a_cold_start():
    pool = known_pool()
    pool = replace(pool, labels=np.where(pool.labels == 1, -1, pool.labels))
    rows = find_strategy("mixture").pick(pool, 12, np.random.default_rng(3))
    assert rows.tolist() == pick_cold_start(pool, 12, np.random.default_rng(3)).tolist()
