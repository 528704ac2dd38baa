from __future__ import annotations

import numpy as np

from bids_dl.annotate.learning.learner import (
    N_MEMBERS,
    Answers,
    LogisticLearner,
    learn_committee,
)


def make_answers(classes) -> Answers:
    return Answers(np.arange(len(classes)), np.array(classes), np.ones(len(classes)))


def test_a_class_without_answers_has_no_probability():
    learner = LogisticLearner(np.arange(6.0)[:, None], 3)
    probabilities = learner.learn(make_answers([0, 0, 2, 2]), 0)(np.arange(6))
    assert (probabilities[:, 1] == 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_rare_classes_weigh_as_much_as_common_ones():
    learner = LogisticLearner(np.array([[-1.0]] * 9 + [[1.0]]), 2)
    probabilities = learner.learn(make_answers([0] * 9 + [1]), 0)(np.array([0, 9]))
    np.testing.assert_allclose(probabilities[0, 0], probabilities[1, 1], atol=1e-3)


def test_a_resample_has_as_many_answers_of_each_class():
    answers = make_answers([0] * 20 + [1] * 3)
    drawn = answers.resample(np.random.default_rng(0))
    assert np.bincount(drawn.classes).tolist() == [20, 3]
    assert len(np.unique(drawn.rows)) < 23
    assert (answers.classes[drawn.rows] == drawn.classes).all()


def test_members_of_a_committee_differ_and_depend_on_the_seed_only():
    learner = LogisticLearner(np.random.default_rng(0).standard_normal((30, 3)), 2)
    answers = make_answers([0, 1] * 10)
    rows = np.arange(30)
    first, again = (
        np.stack([member(rows) for member in learn_committee(learner, answers, 7)])
        for _ in range(2)
    )
    assert len(first) == N_MEMBERS
    assert (first == again).all()
    assert np.ptp(first, axis=0).max() > 0.05
