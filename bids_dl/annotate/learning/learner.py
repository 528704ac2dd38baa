"""Learners that are trained after each batch of answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

from bids_dl.annotate.strategies.pool import Floats, Integers, Rows

INVERSE_PENALTY = 0.1  # C of LogisticRegression; with planted spikes better than 0.01 and 1
MAX_ITERATIONS = 300
N_MEMBERS = 5  # of a committee, as in the trials of strategies

Predictor: TypeAlias = Callable[[Rows], Floats]
"""Function of windows (n_rows,) that returns the probability of each class (n_rows, n_classes)."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Windows and their classes, which a learner is trained on.

    Parameters
    ----------
    rows
        (n_answers,): numbers of the windows; a window may come twice in a resample.
    classes
        (n_answers,): index of the class of each.
    weights
        (n_answers,): 1 for the answer of an expert, less for an automatic label.
    """

    rows: Rows
    classes: Integers
    weights: Floats

    @property
    def n_classes(self) -> int:
        """Number of different classes."""
        return len(np.unique(self.classes))

    def resample(self, rng: np.random.Generator) -> Answers:
        """Draw as many answers of each class with replacement, as for a bootstrap."""
        drawn = [
            rng.choice(rows, len(rows))
            for rows in (np.flatnonzero(self.classes == each) for each in np.unique(self.classes))
        ]
        chosen = np.concatenate(drawn)
        return Answers(self.rows[chosen], self.classes[chosen], self.weights[chosen])


class Learner(Protocol):
    """Something that learns from answers."""

    def learn(self, answers: Answers, seed: int) -> Predictor:
        """Train on answers of two classes or more, and return the trained model."""


@dataclass(frozen=True, slots=True, eq=False)
class LogisticLearner:
    """Logistic regression whose classes have equal weight.

    Parameters
    ----------
    features
        (n_windows, n_features): standardized features of all windows.
    n_classes
        Number of classes.

    Examples
    --------
    >>> learner = LogisticLearner(np.array([[0.0], [1.0], [9.0]]), 2)
    >>> answers = Answers(np.array([0, 2]), np.array([0, 1]), np.ones(2))
    >>> learner.learn(answers, seed=0)(np.array([1])).argmax()
    np.int64(0)
    """

    features: Floats
    n_classes: int

    def learn(self, answers: Answers, seed: int) -> Predictor:  # noqa: ARG002  (no randomness)
        """Fit the model. Classes without an answer have probability 0."""
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(
            C=INVERSE_PENALTY, class_weight="balanced", max_iter=MAX_ITERATIONS
        )
        model.fit(self.features[answers.rows], answers.classes, sample_weight=answers.weights)

        def predict(rows: Rows) -> Floats:
            probabilities = np.zeros((len(rows), self.n_classes))
            probabilities[:, model.classes_] = model.predict_proba(self.features[rows])
            return probabilities

        return predict


def learn_committee(learner: Learner, answers: Answers, seed: int) -> list[Predictor]:
    """Train `N_MEMBERS` models, each on a resample of the answers."""
    members: list[Predictor] = []
    for number in range(N_MEMBERS):
        rng = np.random.default_rng([seed, number])
        members.append(learner.learn(answers.resample(rng), int(rng.integers(2**31))))
    return members
