from __future__ import annotations

from dataclasses import replace

import numpy as np
from annotated_pools import make_pool

from bids_dl.annotate.strategies.cold_start import (
    MIN_ANSWERS,
    needs_cold_start,
    pick_cold_start,
    score_outliers,
)


def test_a_cold_start_lasts_until_each_class_has_five_answers():
    pool = make_pool(40, n_labelled=0)
    labels = np.repeat([0, 1, -1], [20, MIN_ANSWERS, 40 - 20 - MIN_ANSWERS])
    assert not needs_cold_start(replace(pool, labels=labels))
    labels[20] = -1
    assert needs_cold_start(replace(pool, labels=labels))


def test_without_a_model_there_is_always_a_cold_start():
    pool = make_pool(40, n_labelled=40, with_model=False)
    assert needs_cold_start(pool)


def test_rare_windows_far_from_all_others_are_asked_first():
    pool = make_pool(200, n_labelled=0, n_recordings=200, with_model=False)
    features = pool.features.copy()
    features[[50, 100, 150], :2] += 25
    rows = pick_cold_start(replace(pool, features=features), 8, np.random.default_rng(0))
    assert {50, 100, 150} <= set(rows.tolist())


def test_a_constant_feature_makes_no_outlier():
    features = np.zeros((10, 2))
    features[:, 1] = np.arange(10)
    assert np.isfinite(score_outliers(features)).all()
    assert score_outliers(np.zeros((4, 2))).tolist() == [0.0] * 4
