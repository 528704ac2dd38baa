from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from annotated_pools import make_pool

from bids_dl.annotate.strategies.spread import pick_centres, pick_typical


@pytest.mark.parametrize("seed", range(5))
def test_centres_are_those_of_the_core_set_pick_by_pick(seed):
    pool_module = pytest.importorskip("skactiveml.pool")
    pool = make_pool(80, n_labelled=6, n_recordings=80, seed=seed)
    labels = np.where(pool.is_labelled, pool.labels, np.nan)
    expected = pool_module.CoreSet(random_state=0).query(pool.features, labels, batch_size=15)
    assert pick_centres(pool, 15, np.random.default_rng(seed)).tolist() == expected.tolist()


def test_without_answers_the_first_centre_is_the_middle_and_the_next_the_farthest():
    pool = make_pool(5, n_labelled=0, n_recordings=5)
    pool = replace(pool, features=np.array([[0.0], [4.0], [5.0], [6.0], [11.0]]))
    assert pick_centres(pool, 2, np.random.default_rng(0)).tolist() == [2, 4]


def test_typical_windows_are_in_the_middle_of_clusters_without_answers():
    rng = np.random.default_rng(0)
    middles = np.array([[0.0, 0.0], [20.0, 0.0], [0.0, 20.0]])
    features = np.repeat(middles, 20, axis=0) + rng.normal(0, 1, (60, 2))
    pool = replace(make_pool(60, n_labelled=0, n_recordings=60), features=features)
    labels = pool.labels.copy()
    labels[0] = 0
    rows = pick_typical(replace(pool, labels=labels), 2, rng)
    assert sorted(rows // 20) == [1, 2]
    distances = np.linalg.norm(features - np.repeat(middles, 20, axis=0), axis=1)
    assert (distances[rows] < np.median(distances)).all()
