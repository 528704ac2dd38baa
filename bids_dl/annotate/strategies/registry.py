"""Strategies by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bids_dl.annotate.strategies.cold_start import pick_cold_start
from bids_dl.annotate.strategies.mixture import pick_mixture
from bids_dl.annotate.strategies.pool import Pool, Rows, Strategy
from bids_dl.annotate.strategies.scores import (
    score_disagreement,
    score_entropy,
    score_likeliest,
    score_margin,
)
from bids_dl.annotate.strategies.spacing import SpacedBatch, pick_best
from bids_dl.annotate.strategies.spread import pick_centres, pick_typical
from bids_dl.errors import ConfigError
from bids_dl.wording import suggest

RANDOM = "random"
"""Name of the strategy that all others are compared with."""


@dataclass(frozen=True, slots=True)
class StrategyEntry:
    """A strategy, its purpose, and what it needs.

    Parameters
    ----------
    pick
        The strategy.
    summary
        One line for people.
    needs_committee
        True if the strategy compares the models of a committee.
    """

    pick: Strategy
    summary: str
    needs_committee: bool = False


def pick_random(pool: Pool, n: int, rng: np.random.Generator) -> Rows:
    """Return unlabelled windows at random, spaced in time."""
    batch = SpacedBatch(pool, rng)
    batch.add_random(n)
    return batch.as_array()


def pick_entropy(pool: Pool, n: int, rng: np.random.Generator) -> Rows:
    """Return the windows whose class has the highest entropy, or `pick_cold_start` if no model."""
    if pool.probabilities is None:
        return pick_cold_start(pool, n, rng)
    return pick_best(pool, score_entropy(pool.probabilities), n, rng)


def pick_margin(pool: Pool, n: int, rng: np.random.Generator) -> Rows:
    """Return the windows whose two likeliest classes are closest, or those of a cold start."""
    if pool.probabilities is None:
        return pick_cold_start(pool, n, rng)
    return pick_best(pool, score_margin(pool.probabilities), n, rng)


def pick_committee(pool: Pool, n: int, rng: np.random.Generator) -> Rows:
    """Return the windows that a committee disagrees on most, or those of a cold start."""
    if pool.committee is None:
        return pick_cold_start(pool, n, rng)
    return pick_best(pool, score_disagreement(pool.committee), n, rng)


def pick_likeliest(pool: Pool, n: int, rng: np.random.Generator) -> Rows:
    """Return the likeliest windows of the class with the fewest answers, or a cold start."""
    if pool.probabilities is None:
        return pick_cold_start(pool, n, rng)
    return pick_best(pool, score_likeliest(pool.probabilities, pool.class_counts), n, rng)


STRATEGIES: Mapping[str, StrategyEntry] = {
    "mixture": StrategyEntry(
        pick_mixture, "likeliest of the class with fewest answers, uncertain, and random"
    ),
    RANDOM: StrategyEntry(pick_random, "at random"),
    "entropy": StrategyEntry(pick_entropy, "highest entropy of the class"),
    "margin": StrategyEntry(pick_margin, "closest two classes"),
    "committee": StrategyEntry(
        pick_committee, "most disagreement of five models", needs_committee=True
    ),
    "k-centre": StrategyEntry(pick_centres, "farthest from all answers, in the features"),
    "typical": StrategyEntry(pick_typical, "typical of clusters without answers"),
    "likeliest": StrategyEntry(pick_likeliest, "likeliest of the class with fewest answers"),
}
"""Strategies by name, the default first."""


def find_strategy(name: str) -> StrategyEntry:
    """Return a strategy by its name.

    Raises
    ------
    ConfigError
        There is no such strategy.

    Examples
    --------
    >>> find_strategy("committee").needs_committee
    True
    """
    if name not in STRATEGIES:
        raise ConfigError(f"unknown strategy {name!r}; {suggest(name, STRATEGIES)}")
    return STRATEGIES[name]
