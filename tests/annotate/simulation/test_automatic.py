from __future__ import annotations

import numpy as np
import pytest

from bids_dl.annotate.learning.learner import Answers
from bids_dl.annotate.simulation.automatic import WEIGHT, add_automatic


def answers_of(n_negative: int, n_positive: int) -> Answers:
    n = n_negative + n_positive
    return Answers(np.arange(n), np.repeat([0, 1], [n_negative, n_positive]), np.ones(n))


def committee_of(probabilities) -> np.ndarray:
    """Four members that agree on the probability of class 1 of each window."""
    positive = np.asarray(probabilities, float)
    return np.stack([np.stack([1 - positive, positive], axis=1)] * 4)


def test_there_are_at_most_as_many_automatic_labels_of_a_class_as_answers():
    committee = committee_of([0.99] * 50 + [0.01] * 50)
    added = add_automatic(answers_of(6, 2), np.arange(8, 108), committee)
    assert np.bincount(added.classes[8:]).tolist() == [6, 2]
    assert (added.weights[8:] == WEIGHT).all()
    assert (added.weights[:8] == 1).all()


def test_a_class_without_answers_gets_no_automatic_label():
    added = add_automatic(answers_of(5, 0), np.arange(5, 9), committee_of([0.99, 0.98, 0.01, 0.5]))
    assert added.classes.tolist() == [0] * 6
    assert added.rows[5:].tolist() == [7]


def test_unsure_windows_are_not_added():
    added = add_automatic(answers_of(5, 5), np.arange(10, 14), committee_of([0.8, 0.2, 0.7, 0.5]))
    assert len(added.rows) == 10


@pytest.mark.parametrize("opposed", [0, 1])
def test_a_window_that_one_half_is_unsure_of_is_not_added(opposed):
    committee = committee_of([0.99, 0.01])
    committee[opposed::2, 0] = [0.6, 0.4]
    added = add_automatic(answers_of(1, 1), np.array([2, 3]), committee)
    assert 2 not in added.rows


def test_the_surest_windows_come_first():
    committee = committee_of([0.91, 0.99, 0.95, 0.05])
    added = add_automatic(answers_of(1, 1), np.arange(2, 6), committee)
    assert added.rows[2:].tolist() == [5, 3]
