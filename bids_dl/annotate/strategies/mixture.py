"""The default strategy: likeliest windows of the rare class, uncertain ones, and random ones."""

from __future__ import annotations

import math

import numpy as np

from bids_dl.annotate.strategies.cold_start import needs_cold_start, pick_cold_start
from bids_dl.annotate.strategies.pool import Pool, Rows
from bids_dl.annotate.strategies.scores import score_likeliest, score_margin
from bids_dl.annotate.strategies.spacing import SpacedBatch
from bids_dl.annotate.strategies.spread import add_centres

CANDIDATES = 5  # uncertain windows for each that is spread: fewer are alike, more are sure


def pick_mixture(pool: Pool, n: int, rng: np.random.Generator) -> Rows:
    """Return likeliest windows of the class with the fewest answers, uncertain and random ones.

    Up to half are the likeliest, but no more than that class lacks to an even share of the answers,
    because likely windows teach little once classes are even. A quarter are uncertain, spread over
    k-centres. The others are random. As long as `needs_cold_start` holds, the windows are those of
    `pick_cold_start`.

    Parameters
    ----------
    pool
        The pool.
    n
        Number of windows.
    rng
        Order of windows, and the random ones.

    Examples
    --------
    >>> probabilities = np.array([[0.9, 0.1]] * 12 + [[0.2, 0.8], [0.1, 0.9]])
    >>> labels = np.array([0] * 7 + [1] * 5 + [-1] * 2)
    >>> features = np.arange(14.0)[:, None]
    >>> pool = Pool(features, labels, 2, np.arange(14), np.zeros(14), 1.0, probabilities)
    >>> pick_mixture(pool, 1, np.random.default_rng(0))
    array([13])
    """
    probabilities = pool.probabilities
    if probabilities is None or needs_cold_start(pool):
        return pick_cold_start(pool, n, rng)
    batch = SpacedBatch(pool, rng)
    n_likeliest, n_uncertain = divide_mixture(pool, n)
    batch.add_best(score_likeliest(probabilities, pool.class_counts), n_likeliest)
    scores = np.where(batch.is_free, score_margin(probabilities), -np.inf)
    order = np.argsort(-scores, kind="stable")[: CANDIDATES * n_uncertain]
    add_centres(batch, n_uncertain, order.astype(np.int64))
    batch.add_random(n - len(batch.rows))
    return batch.as_array()


def divide_mixture(pool: Pool, n: int) -> tuple[int, int]:
    """Return the number of likeliest and of uncertain windows among ``n``. The others are random.

    Parameters
    ----------
    pool
        The pool, with a model.
    n
        Number of windows.

    Examples
    --------
    >>> labels = np.array([0] * 15 + [1] * 5 + [-1])
    >>> pool = Pool(np.zeros((21, 1)), labels, 2, np.arange(21), np.zeros(21), 1.0)
    >>> divide_mixture(pool, 20), divide_mixture(pool, 40)
    ((5, 5), (5, 10))
    """
    counts = pool.class_counts
    n_lacking = math.ceil(counts.sum() / pool.n_classes) - int(counts.min())
    return min((n + 1) // 2, n_lacking), n // 4
