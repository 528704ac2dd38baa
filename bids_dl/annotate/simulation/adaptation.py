"""Learners that know other people, and adapt to a new patient by a few answers."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from torch import Tensor, nn

from bids_dl.annotate.learning.learner import Answers, LogisticLearner, Predictor
from bids_dl.annotate.learning.network import NetworkLearner
from bids_dl.annotate.strategies.pool import Rows
from bids_dl.explanation.controls import estimate_statistics
from bids_dl.training.loop import reproducible

# Answers about the new patient that weigh as much as all windows of other people. With planted
# patients 5 to 15 were best and 150 worst; with spikes alike in all people 25 to 200 were even.
EQUAL_ANSWERS = 20
RATE_SHARE = 0.1  # of the learning rate, when a network is fine-tuned
MAX_UNLABELLED = 1000  # windows of the new patient for the statistics of batch norm


class AdaptiveLearner(Protocol):
    """A learner that was trained on other people."""

    def adapt(self, answers: Answers, seed: int) -> Predictor:
        """Return the model after answers about the new patient, which may be none."""


@dataclass(frozen=True, slots=True, eq=False)
class LogisticAdaptation:
    """Logistic regression of the windows of other people and the answers about a new patient.

    Each answer weighs so much that `EQUAL_ANSWERS` of them count as all windows of the others.

    Parameters
    ----------
    learner
        Logistic regression.
    others
        Windows of other people with their classes.

    Examples
    --------
    >>> features = np.array([[0.0], [1.0], [0.6], [0.7]])
    >>> others = Answers(np.array([0, 1]), np.array([0, 1]), np.ones(2))
    >>> model = LogisticAdaptation(LogisticLearner(features, 2), others)
    >>> answers = Answers(np.array([2]), np.array([0]), np.ones(1))
    >>> no_answers = Answers(np.array([], int), np.array([], int), np.array([]))
    >>> window = np.array([3])
    >>> before, after = (model.adapt(each, 0)(window)[0, 0] for each in (no_answers, answers))
    >>> bool(after > before)
    True
    """

    learner: LogisticLearner
    others: Answers

    def adapt(self, answers: Answers, seed: int) -> Predictor:
        """Fit the model to the windows of the others and the weighted answers."""
        weight = max(1.0, len(self.others.rows) / EQUAL_ANSWERS)
        combined = Answers(
            np.concatenate((self.others.rows, answers.rows)),
            np.concatenate((self.others.classes, answers.classes)),
            np.concatenate((self.others.weights, weight * answers.weights)),
        )
        return self.learner.learn(combined, seed)


@dataclass(frozen=True, slots=True, eq=False)
class NetworkAdaptation:
    """A network trained on other people, fine-tuned on the answers about a new patient.

    All layers are trained at a tenth of the learning rate. The running statistics of batch norm
    are then estimated from unlabelled windows of the new patient.

    Parameters
    ----------
    learner
        Network, for rows of the store.
    trained
        The network after the training on other people, with the statistics of the new patient.
    rows
        (n_windows,): row of the store of each window of the problem.
    unlabelled
        (n_rows,): windows of the new patient that may be asked.
    """

    learner: NetworkLearner
    trained: nn.Module
    rows: Rows
    unlabelled: Rows

    def adapt(self, answers: Answers, seed: int) -> Predictor:
        """Fine-tune a copy of the network. Answers of one class only change nothing."""
        model = self.trained
        if answers.n_classes > 1:
            model = copy.deepcopy(self.trained)
            moved = Answers(self.rows[answers.rows], answers.classes, answers.weights)
            rate = RATE_SHARE * self.learner.config.lr
            slow = replace(self.learner, config=replace(self.learner.config, lr=rate))
            with reproducible(seed, self.learner.compute.device):
                model = slow.fit(model, moved, seed)
            adapt_statistics(self.learner, model, self.rows[self.unlabelled])
        predict = self.learner.make_predictor(model)
        return lambda rows: predict(self.rows[rows])


def adapt_network(
    learner: NetworkLearner, others: Answers, rows: Rows, unlabelled: Rows, seed: int
) -> NetworkAdaptation:
    """Train a network on other people, and adapt its batch norm to a new patient.

    Parameters
    ----------
    learner
        Network, for rows of the store.
    others
        Windows of other people, as numbers of the problem.
    rows
        (n_windows,): row of the store of each window of the problem.
    unlabelled
        (n_rows,): windows of the new patient that may be asked, as numbers of the problem.
    seed
        Seed of weights and order.
    """
    with reproducible(seed, learner.compute.device):
        model = learner.card.build().to(learner.compute.device)
        model = learner.fit(model, replace(others, rows=rows[others.rows]), seed)
    rng = np.random.default_rng(seed)
    n_used = min(MAX_UNLABELLED, len(unlabelled))
    used = np.sort(rng.choice(unlabelled, n_used, replace=False))
    adapt_statistics(learner, model, rows[used])
    return NetworkAdaptation(learner, model, rows, used)


def adapt_statistics(learner: NetworkLearner, model: nn.Module, rows: Rows) -> None:
    """Estimate the running statistics of batch norm from rows of the store, in place.

    It is the adaptive batch normalization of Li et al. 2018 (doi:10.1016/j.patcog.2018.03.005).
    """

    def iterate_signals() -> Iterator[Tensor]:
        for batch in learner.stream_rows(rows):
            yield batch.signals.to(learner.compute.device)

    estimate_statistics(model.eval(), iterate_signals())
