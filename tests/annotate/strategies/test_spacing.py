from __future__ import annotations

from dataclasses import replace

import numpy as np
from annotated_pools import make_pool

from bids_dl.annotate.strategies.spacing import SpacedBatch, pick_best


def test_neighbours_in_the_same_recording_only_are_left_out():
    pool = make_pool(6, n_labelled=0, n_recordings=2)
    rows = pick_best(pool, np.array([9.0, 8.0, 7.0, 6.0, 5.0, 4.0]), 6, np.random.default_rng(0))
    assert rows.tolist() == [0, 2, 3, 5]


def test_neighbours_of_earlier_batches_may_be_asked():
    pool = make_pool(3, n_labelled=0, n_recordings=1)
    pool = replace(pool, labels=np.array([-1, 0, -1]))
    assert len(pick_best(pool, np.zeros(3), 3, np.random.default_rng(0))) == 2


def test_onsets_that_are_sums_of_window_lengths_are_two_lengths_apart():
    pool = make_pool(30, n_labelled=0, n_recordings=1)
    pool = replace(pool, onset=np.cumsum(np.full(30, 0.1)), window_seconds=0.1)
    scores = np.where(np.arange(30) % 2, 0.0, 1.0)
    assert len(pick_best(pool, scores, 15, np.random.default_rng(0))) == 15


def test_windows_with_the_score_minus_infinity_are_never_added():
    batch = SpacedBatch(make_pool(4, n_labelled=0, n_recordings=4), np.random.default_rng(0))
    batch.add_best(np.array([-np.inf, 1.0, -np.inf, 2.0]), 4)
    assert batch.rows == [3, 1]
