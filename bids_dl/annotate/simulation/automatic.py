"""Automatic labels: windows whose class both halves of a committee are sure of."""

from __future__ import annotations

import numpy as np

from bids_dl.annotate.learning.learner import Answers
from bids_dl.annotate.strategies.pool import Floats, Integers, Rows

MIN_ROUNDS = 3  # of answers, before a committee is trusted
MIN_PROBABILITY = 0.9  # by each half of the committee
WEIGHT = 0.5  # of an automatic label; that of an answer is 1


def add_automatic(answers: Answers, rows: Rows, committee: Floats) -> Answers:
    """Return answers and automatic labels of half their weight.

    There are at most as many automatic labels of a class as answers, so that they never outweigh
    the expert. The surest windows come first.

    Parameters
    ----------
    answers
        Answers of an expert.
    rows
        (n_rows,): windows without an answer.
    committee
        (n_members, n_rows, n_classes): probabilities by each member.

    Examples
    --------
    >>> answers = Answers(np.array([0, 1]), np.array([0, 1]), np.ones(2))
    >>> sure = np.array([[0.95, 0.05], [0.01, 0.99], [0.5, 0.5]])
    >>> added = add_automatic(answers, np.array([2, 3, 4]), np.stack([sure, sure]))
    >>> added.rows.tolist(), added.classes.tolist(), added.weights.tolist()
    ([0, 1, 2, 3], [0, 1, 0, 1], [1.0, 1.0, 0.5, 0.5])
    """
    classes, probabilities = _find_agreement(committee)
    is_sure = probabilities >= MIN_PROBABILITY
    n_classes = committee.shape[2]
    n_answers = np.bincount(answers.classes, minlength=n_classes)
    parts: list[Rows] = []
    for each in range(n_classes):
        candidates = np.flatnonzero(is_sure & (classes == each))
        order = np.argsort(-probabilities[candidates], kind="stable")
        parts.append(candidates[order][: n_answers[each]])
    chosen = np.concatenate(parts)
    return Answers(
        np.concatenate((answers.rows, rows[chosen])),
        np.concatenate((answers.classes, classes[chosen])),
        np.concatenate((answers.weights, np.full(len(chosen), WEIGHT))),
    )


def _find_agreement(committee: Floats) -> tuple[Integers, Floats]:
    """Return the class of each window (n_rows,), and its smallest probability by both halves.

    The probability is 0 if the halves prefer different classes.
    """
    halves = np.stack([committee[::2].mean(axis=0), committee[1::2].mean(axis=0)])
    classes = halves.argmax(axis=2)
    agrees = classes[0] == classes[1]
    smallest = halves.max(axis=2).min(axis=0)
    return classes[0].astype(np.int64), np.where(agrees, smallest, 0.0)
