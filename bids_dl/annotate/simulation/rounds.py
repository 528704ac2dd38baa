"""Rounds of a repetition: train, test, ask the next windows, and add their classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bids_dl.annotate.learning.features import make_features
from bids_dl.annotate.learning.learner import (
    Answers,
    Learner,
    LogisticLearner,
    Predictor,
    learn_committee,
)
from bids_dl.annotate.learning.network import scale_network
from bids_dl.annotate.simulation.automatic import MIN_ROUNDS, add_automatic
from bids_dl.annotate.simulation.problem import (
    LEARNER_STREAM,
    LOGISTIC,
    ROUND_STREAM,
    START_STREAM,
    Problem,
    hold_out,
)
from bids_dl.annotate.strategies.pool import UNLABELLED, Floats, Integers, Pool, Rows
from bids_dl.annotate.strategies.registry import RANDOM, StrategyEntry, find_strategy

CurveRow = dict[str, Any]
"""Row of the table of curves: see `bids_dl.annotate.simulation.curves.CURVE_COLUMNS`."""


@dataclass(frozen=True, slots=True, eq=False)
class Repetition:
    """One repetition: its people, first questions and learner.

    Parameters
    ----------
    problem
        The simulation.
    seed
        Seed of the repetition.
    pool_rows, test_rows
        Numbers of the windows of the problem that may be asked, and those that are tested.
    features
        (n_windows, n_features): features of all windows of the problem.
    start
        Positions in ``pool_rows`` of the first questions.
    learner
        Learner, for row numbers of the problem.
    """

    problem: Problem
    seed: int
    pool_rows: Rows
    test_rows: Rows
    features: Floats
    start: Rows
    learner: Learner

    def make_pool(
        self, labels: Integers, probabilities: Floats | None, committee: Floats | None
    ) -> Pool:
        """Return what a strategy sees.

        Parameters
        ----------
        labels
            (n_pool,): classes of the answers, `UNLABELLED` of others.
        probabilities, committee
            As in `Pool`.
        """
        problem = self.problem
        return Pool(
            self.features[self.pool_rows],
            labels,
            problem.n_classes,
            problem.recording[self.pool_rows],
            problem.onset[self.pool_rows],
            problem.window_seconds,
            probabilities,
            committee,
        )


@dataclass(frozen=True, slots=True, eq=False)
class StoreLearner:
    """A learner of rows of a store, for rows of a problem.

    Parameters
    ----------
    learner
        Learner of the store.
    rows
        (n_windows,): rows of the store of the windows of the problem.
    """

    learner: Learner
    rows: Rows

    def learn(self, answers: Answers, seed: int) -> Predictor:
        """Train the learner of the store."""
        moved = Answers(self.rows[answers.rows], answers.classes, answers.weights)
        predict = self.learner.learn(moved, seed)
        return lambda rows: predict(self.rows[rows])


def run_repetition(problem: Problem, seed: int) -> list[CurveRow]:
    """Run all learners and strategies with the same people and first questions.

    Parameters
    ----------
    problem
        The simulation.
    seed
        Seed of the repetition.
    """
    rows: list[CurveRow] = []
    strategies = dict.fromkeys((RANDOM, *problem.config.strategy))
    with threadpool_limits(1):  # because matrices are small, and sums must not depend on threads
        for name in problem.learner_names:
            repetition = prepare_repetition(problem, seed, name)
            for strategy in strategies:
                for is_automatic in (False, True)[: 1 + problem.config.automatic]:
                    known = {"model": name, "strategy": strategy, "automatic": is_automatic}
                    entry = find_strategy(strategy)
                    for row in iterate_rounds(repetition, entry, is_automatic=is_automatic):
                        rows.append({**known, "seed": seed, **row})
    return rows


def prepare_repetition(problem: Problem, seed: int, learner_name: str) -> Repetition:
    """Draw people and first questions, and make features and learner.

    The first questions are random for all strategies, so that differences are those of later ones.

    Parameters
    ----------
    problem
        The simulation.
    seed
        Seed of the repetition.
    learner_name
        One of the names of the learners.
    """
    pool_rows, test_rows = hold_out(problem, seed)
    features = make_features(problem.measures, pool_rows)
    learner: Learner = LogisticLearner(features, problem.n_classes)
    if learner_name != LOGISTIC:
        network = scale_network(problem.networks[learner_name], problem.rows[pool_rows])
        learner = StoreLearner(network, problem.rows)
    empty = np.full(len(pool_rows), UNLABELLED, np.int64)
    repetition = Repetition(
        problem, seed, pool_rows, test_rows, features, np.array([], np.int64), learner
    )
    pool = repetition.make_pool(empty, None, None)
    rng = np.random.default_rng([seed, START_STREAM])
    n_first = min(problem.config.batch, problem.config.budget)
    start = find_strategy(RANDOM).pick(pool, n_first, rng)
    return replace(repetition, start=start)


def iterate_rounds(
    repetition: Repetition, strategy: StrategyEntry, *, is_automatic: bool
) -> Iterator[CurveRow]:
    """Yield a row after each batch of answers: number of answers, of each class, and metric.

    Parameters
    ----------
    repetition
        The repetition.
    strategy
        Strategy that chooses all questions but the first ones.
    is_automatic
        True to train with automatic labels too.
    """
    problem = repetition.problem
    pool_classes = problem.classes[repetition.pool_rows]
    labels = np.full(len(pool_classes), UNLABELLED, np.int64)
    asked = repetition.start
    number = 0
    while True:
        labels[asked] = pool_classes[asked]
        number += 1
        opinion = _train(repetition, labels, strategy, number, is_automatic=is_automatic)
        n_answers = int((labels != UNLABELLED).sum())
        counts = np.bincount(labels[labels != UNLABELLED], minlength=problem.n_classes)
        row: CurveRow = {"n_labels": n_answers, "value": opinion.value}
        row["n_automatic"] = opinion.n_automatic
        names = (f"labels_{name}" for name in problem.class_names)
        yield row | dict(zip(names, counts.tolist(), strict=True))
        pool = repetition.make_pool(labels.copy(), opinion.probabilities, opinion.committee)
        n_next = min(problem.config.batch, problem.config.budget - n_answers)
        if n_next <= 0 or pool.is_labelled.all():
            return
        rng = np.random.default_rng([repetition.seed, ROUND_STREAM, number])
        asked = strategy.pick(pool, n_next, rng)


@dataclass(frozen=True, slots=True, eq=False)
class Opinion:
    """Result of the training of a round.

    Parameters
    ----------
    value
        Metric of the tested windows.
    n_automatic
        Number of automatic labels.
    probabilities, committee
        As in `Pool`, of the windows that may be asked.
    """

    value: float
    n_automatic: int
    probabilities: Floats | None = None
    committee: Floats | None = None


def _train(
    repetition: Repetition,
    labels: Integers,
    strategy: StrategyEntry,
    number: int,
    *,
    is_automatic: bool,
) -> Opinion:
    """Train on the answers of a round, and test. With one class, there is no model."""
    problem = repetition.problem
    positions = np.flatnonzero(labels != UNLABELLED)
    answers = Answers(repetition.pool_rows[positions], labels[positions], np.ones(len(positions)))
    tested = problem.classes[repetition.test_rows]
    if answers.n_classes < 2:
        return Opinion(problem.scoring.chance(tested), 0)
    learner = repetition.learner
    seed = _draw_seed(repetition.seed, number)
    committee = None
    trained = answers
    uses_automatic = is_automatic and number >= MIN_ROUNDS
    if strategy.needs_committee or uses_automatic:
        members = learn_committee(learner, answers, seed)
        committee = np.stack([member(repetition.pool_rows) for member in members])
    if uses_automatic and committee is not None:
        others = np.flatnonzero(labels == UNLABELLED)
        trained = add_automatic(answers, repetition.pool_rows[others], committee[:, others])
    predict = learner.learn(trained, seed)
    return Opinion(
        problem.scoring.score(predict(repetition.test_rows), tested),
        len(trained.rows) - len(answers.rows),
        predict(repetition.pool_rows),
        committee if strategy.needs_committee else None,
    )


def _draw_seed(seed: int, number: int) -> int:
    """Return the seed of the learner of a round."""
    return int(np.random.SeedSequence([seed, LEARNER_STREAM, number]).generate_state(1)[0])
