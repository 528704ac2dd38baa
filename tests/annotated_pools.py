"""Pools of windows with random features, answers and opinions."""

from __future__ import annotations

import numpy as np

from bids_dl.annotate.strategies import UNLABELLED, Pool


def make_pool(
    n_windows: int = 60,
    *,
    n_labelled: int = 12,
    n_classes: int = 2,
    n_recordings: int = 3,
    seed: int = 0,
    with_model: bool = True,
) -> Pool:
    """Make windows of 1 s that follow each other, as many answers, and a committee of three.

    With as many recordings as windows, no windows are neighbours in time.
    """
    rng = np.random.default_rng(seed)
    labels = np.full(n_windows, UNLABELLED, np.int64)
    labelled = rng.choice(n_windows, n_labelled, replace=False)
    labels[labelled] = rng.integers(n_classes, size=n_labelled)
    committee = rng.dirichlet(np.ones(n_classes), (3, n_windows))
    recording = np.arange(n_windows) * n_recordings // n_windows
    return Pool(
        rng.standard_normal((n_windows, 4)),
        labels,
        n_classes,
        recording,
        (np.arange(n_windows) - np.searchsorted(recording, recording)).astype(float),
        1.0,
        committee.mean(axis=0) if with_model else None,
        committee if with_model else None,
    )
