"""Windows that cover the space of the features: k-centres, and typical windows of clusters."""

from __future__ import annotations

import numpy as np

from bids_dl.annotate.strategies.pool import Floats, Integers, Pool, Rows
from bids_dl.annotate.strategies.spacing import SpacedBatch

N_NEIGHBOURS = 20  # of typicality, as in TypiClust
MAX_CLUSTERS = 500  # as in TypiClust: more have too few windows to be typical of
MAX_SEED = 2**31 - 1  # of scikit-learn


def pick_centres(pool: Pool, n: int, rng: np.random.Generator) -> Rows:
    """Return windows that are farthest from all that are labelled or picked, one by one.

    This is the greedy algorithm for k-centres (Sener and Savarese 2018, arXiv:1708.00489). Without
    labels, the first is the window that is nearest to the mean of all.

    Parameters
    ----------
    pool
        The pool.
    n
        Number of windows.
    rng
        Order of windows at equal distances.

    Examples
    --------
    >>> features = np.array([[0.0], [1.0], [5.0], [9.0]])
    >>> pool = Pool(features, np.array([0, -1, -1, -1]), 2, np.arange(4), np.zeros(4), 1.0)
    >>> pick_centres(pool, 2, np.random.default_rng(0))
    array([3, 2])
    """
    batch = SpacedBatch(pool, rng)
    add_centres(batch, n)
    return batch.as_array()


def add_centres(batch: SpacedBatch, n: int, candidates: Rows | None = None) -> None:
    """Add up to ``n`` free windows, each farthest from all that are labelled or in the batch.

    Parameters
    ----------
    batch
        Batch to add to.
    n
        Number of windows.
    candidates
        Windows that may be added. None is all.
    """
    pool = batch.pool
    is_candidate = np.ones(len(pool), bool)
    if candidates is not None:
        is_candidate[:] = False
        is_candidate[candidates] = True
    known = [*np.flatnonzero(pool.is_labelled), *batch.rows]
    distances = np.full(len(pool), np.inf)
    scores = -_distances_to(pool.features, pool.features.mean(axis=0))
    if known:
        scores = distances = _distances_to_nearest(pool.features, pool.features[known])
    for _ in range(n):
        n_before = len(batch.rows)
        batch.add_best(np.where(is_candidate, scores, -np.inf), 1)
        if len(batch.rows) == n_before:
            return
        picked = pool.features[batch.rows[-1]]
        scores = distances = np.minimum(distances, _distances_to(pool.features, picked))


def pick_typical(pool: Pool, n: int, rng: np.random.Generator) -> Rows:
    """Return typical windows of clusters that have no answer yet.

    TypiClust (Hacohen et al. 2022, arXiv:2202.02794): there are as many clusters as windows that
    are labelled or asked. The largest clusters with the fewest answers come first. Of each, the
    window with the smallest mean distance to its neighbours in the cluster is picked.

    Parameters
    ----------
    pool
        The pool.
    n
        Number of windows.
    rng
        Seed of the clusters, and order of equal windows.

    Examples
    --------
    >>> features = np.array([[0.0], [0.1], [0.2], [8.0], [9.0]])
    >>> pool = Pool(features, np.full(5, -1), 2, np.arange(5), np.zeros(5), 1.0)
    >>> sorted(pick_typical(pool, 2, np.random.default_rng(0)).tolist())[0]
    1
    """
    batch = SpacedBatch(pool, rng)
    n_clusters = min(int(pool.is_labelled.sum()) + n, MAX_CLUSTERS, len(pool))
    if not batch.is_free.any() or n <= 0:
        return batch.as_array()
    clusters = _cluster(pool.features, n_clusters, rng)
    typicality = _measure_typicality(pool.features, clusters)
    n_known = np.bincount(clusters[pool.is_labelled], minlength=n_clusters)
    sizes = np.bincount(clusters, minlength=n_clusters)
    while len(batch.rows) < n and batch.is_free.any():
        is_open = np.bincount(clusters[batch.is_free], minlength=n_clusters) > 0
        order = np.lexsort((-sizes, n_known))
        cluster = next(int(each) for each in order if is_open[each])
        batch.add_best(np.where(clusters == cluster, typicality, -np.inf), 1)
        n_known[cluster] += 1
    return batch.as_array()


def _distances_to_nearest(features: Floats, known: Floats) -> Floats:
    """Return the distance (n_windows,) of each window to the nearest of some points."""
    from sklearn.metrics import pairwise_distances_argmin_min

    return np.asarray(pairwise_distances_argmin_min(features, known)[1], dtype=np.float64)


def _distances_to(features: Floats, point: Floats) -> Floats:
    """Return the distance (n_windows,) of each window to a point (n_features,)."""
    return np.asarray(np.linalg.norm(features - point, axis=1), dtype=np.float64)


def _cluster(features: Floats, n_clusters: int, rng: np.random.Generator) -> Integers:
    """Return the number of the cluster of each window, by k-means on mini-batches."""
    from sklearn.cluster import MiniBatchKMeans

    seed = int(rng.integers(MAX_SEED))
    model = MiniBatchKMeans(n_clusters, random_state=seed, n_init=1, max_iter=20)
    return np.asarray(model.fit_predict(features), dtype=np.int64)


def _measure_typicality(features: Floats, clusters: Integers) -> Floats:
    """Return 1 / mean distance (n_windows,) to the nearest windows of the same cluster."""
    from sklearn.neighbors import NearestNeighbors

    typicality = np.zeros(len(features))
    for cluster in np.unique(clusters):
        rows = np.flatnonzero(clusters == cluster)
        n_neighbours = min(N_NEIGHBOURS, len(rows) - 1)
        if n_neighbours:
            model = NearestNeighbors(n_neighbors=n_neighbours).fit(features[rows])
            distances = model.kneighbors()[0].mean(axis=1)
            typicality[rows] = 1 / np.maximum(distances, 1e-12)  # of equal windows
    return typicality
