"""Batches without neighbours in time, which are near-copies of each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bids_dl.annotate.strategies.pool import Floats, Pool, Rows

MIN_LENGTHS = 2.0  # of a window, between onsets: a pattern at the edge is also in the neighbour
ROUNDING = 1e-6  # of a window; onsets are sums of lengths


class SpacedBatch:
    """A batch in the making, of windows that are unlabelled and spaced in time.

    Parameters
    ----------
    pool
        The pool.
    rng
        Order of windows whose scores are equal.

    Attributes
    ----------
    is_free
        (n_windows,): windows that can be added.
    rows
        Windows added so far, in their order.

    Examples
    --------
    >>> pool = Pool(
    ...     np.zeros((4, 1)), np.full(4, -1), 2, np.array([0, 0, 0, 1]), np.arange(4.0), 1.0
    ... )
    >>> batch = SpacedBatch(pool, np.random.default_rng(0))
    >>> batch.add_best(np.array([3.0, 2.0, 1.0, 0.0]), 3)
    >>> batch.rows
    [0, 2, 3]
    """

    def __init__(self, pool: Pool, rng: np.random.Generator) -> None:
        self.pool = pool
        self.is_free: npt.NDArray[np.bool_] = ~pool.is_labelled
        self.rows: list[int] = []
        self._order = rng.permutation(len(pool))

    def add(self, row: int) -> None:
        """Add a window, after which its neighbours in time are not free."""
        self.rows.append(row)
        distance = (MIN_LENGTHS - ROUNDING) * self.pool.window_seconds
        is_near = np.abs(self.pool.onset - self.pool.onset[row]) < distance
        self.is_free &= ~(is_near & (self.pool.recording == self.pool.recording[row]))
        self.is_free[row] = False

    def add_best(self, scores: Floats, n: int) -> None:
        """Add up to ``n`` free windows with the highest scores (n_windows,).

        Windows with equal scores come in random order. Those with the score -inf are never added.
        """
        shuffled = scores[self._order]
        for position in np.argsort(-shuffled, kind="stable"):
            row = int(self._order[position])
            if n <= 0 or shuffled[position] == -np.inf:
                return
            if self.is_free[row]:
                self.add(row)
                n -= 1

    def add_random(self, n: int) -> None:
        """Add up to ``n`` free windows at random."""
        self.add_best(np.zeros(len(self.pool)), n)

    def as_array(self) -> Rows:
        """Return the windows of the batch in their order."""
        return np.array(self.rows, np.int64)


def pick_best(pool: Pool, scores: Floats, n: int, rng: np.random.Generator) -> Rows:
    """Return up to ``n`` windows with the highest scores (n_windows,), spaced in time.

    Examples
    --------
    >>> pool = Pool(np.zeros((3, 1)), np.array([-1, 0, -1]), 1, np.arange(3), np.zeros(3), 1.0)
    >>> pick_best(pool, np.array([1.0, 3.0, 2.0]), 2, np.random.default_rng(0))
    array([2, 0])
    """
    batch = SpacedBatch(pool, rng)
    batch.add_best(scores, n)
    return batch.as_array()
