"""Choose the windows to ask next, and name the part of the strategy that chose each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bids_dl.annotate.asking.exchange import N_BATCHES, PickedWindow
from bids_dl.annotate.asking.pool import PoolWindows
from bids_dl.annotate.asking.reasons import RANDOM
from bids_dl.annotate.strategies.cold_start import (
    divide_cold_start,
    needs_cold_start,
    pick_cold_start,
)
from bids_dl.annotate.strategies.mixture import divide_mixture
from bids_dl.annotate.strategies.pool import UNLABELLED, Floats, Integers, Pool, Rows
from bids_dl.annotate.strategies.registry import find_strategy
from bids_dl.annotate.strategies.spacing import MIN_LENGTHS, ROUNDING, SpacedBatch

PICK_STREAM = 3  # last value of the seed, beside those of the questions


@dataclass(frozen=True, slots=True, eq=False)
class PickProblem:
    """Windows of a pool as a round knows them.

    Attributes
    ----------
    windows
        The pool.
    features
        (n_windows, n_features): standardized features.
    labels
        (n_windows,): index of the class of each window for training, `UNLABELLED` of others.
    is_open
        (n_windows,): windows that may be asked.
    n_classes
        Number of classes.
    probabilities, committee
        Opinion of the model or of a committee on all windows, None without one.
    trusts_opinion
        True if the model has learnt from other data, so that it helps before there are answers.
    """

    windows: PoolWindows
    features: Floats
    labels: Integers
    is_open: npt.NDArray[np.bool_]
    n_classes: int
    probabilities: Floats | None = None
    committee: Floats | None = None
    trusts_opinion: bool = False

    def make_pool(self, rows: Rows) -> Pool:
        """Return what a strategy sees of some windows."""
        probabilities, committee = self.probabilities, self.committee
        return Pool(
            self.features[rows],
            self.labels[rows],
            self.n_classes,
            self.windows.recording[rows],
            self.windows.onset[rows],
            self.windows.window_seconds,
            None if probabilities is None else probabilities[rows],
            None if committee is None else committee[:, rows],
        )


def choose_picks(
    problem: PickProblem, strategy: str, batch: int, held: Rows, *, seed: int, number: int
) -> tuple[PickedWindow, ...]:
    """Choose `N_BATCHES` batches of windows.

    Parameters
    ----------
    problem
        The windows.
    strategy
        Name of the strategy.
    batch
        Number of windows of a batch.
    held
        Windows that experts are looking at. Neither they nor near-copies of them are chosen.
    seed, number
        Seed of the questions, and number of the round.

    Returns
    -------
    tuple of PickedWindow
        In the order in which they should be asked: none is labelled, none comes twice, and no two
        of a recording are near-copies. Fewer than requested if no others are left.
    """
    is_open = problem.is_open & (problem.labels == UNLABELLED)
    for row in held.tolist():
        is_open &= ~_is_near(problem.windows, row)
    picks: list[PickedWindow] = []
    for part in range(N_BATCHES):
        rng = np.random.default_rng([seed, PICK_STREAM, number, part])
        rows = np.flatnonzero(is_open | (problem.labels != UNLABELLED)).astype(np.int64)
        pool = problem.make_pool(rows)
        if pool.is_labelled.all():
            break
        for position, name in _pick(problem, pool, strategy, batch, rng):
            row = int(rows[position])
            picks.append(PickedWindow(row, name))
            is_open &= ~_is_near(problem.windows, row)
    return tuple(picks)


def _pick(
    problem: PickProblem, pool: Pool, strategy: str, n: int, rng: np.random.Generator
) -> list[tuple[int, str]]:
    """Return positions in the pool and the parts of the strategy that chose them."""
    if problem.trusts_opinion and strategy != RANDOM and needs_cold_start(pool):
        return _pick_with_opinion(pool, n, rng)
    entry = find_strategy(strategy)
    picked = entry.pick(pool, n, rng).tolist()
    return list(zip(picked, _name_parts(pool, strategy, n), strict=False))


def _pick_with_opinion(pool: Pool, n: int, rng: np.random.Generator) -> list[tuple[int, str]]:
    """Pick half of a cold start among the likeliest events by a model of other data."""
    batch = SpacedBatch(pool, rng)
    parts: list[str] = []
    if pool.probabilities is not None and pool.n_classes > 1:
        event = 1 + int(pool.class_counts[1:].argmin())
        batch.add_best(pool.probabilities[:, event], n // 2)
        parts = ["likeliest"] * len(batch.rows)
    cold = pick_cold_start(pool, n, rng).tolist()
    for row, part in zip(cold, _name_cold_start(n), strict=False):
        if len(batch.rows) < n and batch.is_free[row]:
            batch.add(row)
            parts.append(part)
    return list(zip(batch.rows, parts, strict=True))


def _name_parts(pool: Pool, strategy: str, n: int) -> Iterator[str]:
    """Yield the part of a strategy that chose each of ``n`` windows."""
    entry = find_strategy(strategy)
    opinion = pool.committee if entry.needs_committee else pool.probabilities
    uses_opinion = strategy in ("mixture", "entropy", "margin", "committee", "likeliest")
    if uses_opinion and (opinion is None or (strategy == "mixture" and needs_cold_start(pool))):
        yield from _name_cold_start(n)
    elif strategy == "mixture":
        n_likeliest, n_uncertain = divide_mixture(pool, n)
        yield from ["likeliest"] * n_likeliest + ["margin"] * n_uncertain
        yield from [RANDOM] * n
    else:
        yield from [strategy] * n


def _name_cold_start(n: int) -> list[str]:
    """Return the part of a cold start that chose each of ``n`` windows."""
    n_outliers, n_centres = divide_cold_start(n)
    n_random = n - n_outliers - n_centres
    return ["outlier"] * n_outliers + ["k-centre"] * n_centres + [RANDOM] * n_random


def _is_near(windows: PoolWindows, row: int) -> npt.NDArray[np.bool_]:
    """Return the windows (n_windows,) that are near-copies of one, and itself."""
    distance = (MIN_LENGTHS - ROUNDING) * windows.window_seconds
    is_near = np.abs(windows.onset - windows.onset[row]) < distance
    return np.asarray(is_near & (windows.recording == windows.recording[row]))
