"""Windows to ask before a model knows all classes: outliers and k-centres of the features."""

from __future__ import annotations

import numpy as np

from bids_dl.annotate.strategies.pool import Floats, Pool, Rows
from bids_dl.annotate.strategies.spacing import SpacedBatch
from bids_dl.annotate.strategies.spread import add_centres

MIN_ANSWERS = 5  # of each class, before the opinion of a model guides the questions


def needs_cold_start(pool: Pool) -> bool:
    """Return whether there is no model, or a class has fewer than `MIN_ANSWERS` answers.

    Examples
    --------
    >>> pool = Pool(np.zeros((1, 1)), np.array([0]), 2, np.zeros(1, int), np.zeros(1), 1.0)
    >>> needs_cold_start(pool)
    True
    """
    return pool.probabilities is None or int(pool.class_counts.min()) < MIN_ANSWERS


def pick_cold_start(pool: Pool, n: int, rng: np.random.Generator) -> Rows:
    """Return outliers, k-centres and, of four windows, one at random.

    Rare events are outliers (arXiv:2107.07724), k-centres are different from each other, and random
    windows show the classes as often as they are.

    Parameters
    ----------
    pool
        The pool, with or without a model.
    n
        Number of windows.
    rng
        Order of windows, and the random ones.

    Examples
    --------
    >>> features = np.array([[0.0], [0.1], [0.2], [9.0]])
    >>> pool = Pool(features, np.full(4, -1), 2, np.arange(4), np.zeros(4), 1.0)
    >>> 3 in pick_cold_start(pool, 2, np.random.default_rng(0))
    True
    """
    batch = SpacedBatch(pool, rng)
    n_outliers, n_centres = divide_cold_start(n)
    batch.add_best(score_outliers(pool.features), n_outliers)
    add_centres(batch, n_outliers + n_centres - len(batch.rows))
    batch.add_random(n - len(batch.rows))
    return batch.as_array()


def divide_cold_start(n: int) -> tuple[int, int]:
    """Return the number of outliers and of k-centres among ``n`` windows. The others are random.

    Examples
    --------
    >>> divide_cold_start(20)
    (8, 7)
    """
    n_chosen = n - n // 4
    n_outliers = (n_chosen + 1) // 2
    return n_outliers, n_chosen - n_outliers


def score_outliers(features: Floats) -> Floats:
    """Return the square distance of each window to the median of all, in interquartile ranges.

    Parameters
    ----------
    features
        (n_windows, n_features).

    Returns
    -------
    numpy.ndarray
        (n_windows,): sum over features. Constant features count as zero.

    Examples
    --------
    >>> score_outliers(np.array([[0.0], [1.0], [2.0], [9.0]])).argmax()
    np.int64(3)
    """
    low, median, high = np.quantile(features, (0.25, 0.5, 0.75), axis=0)
    width = np.where(high > low, high - low, np.inf)
    return np.asarray(np.square((features - median) / width).sum(axis=1))
