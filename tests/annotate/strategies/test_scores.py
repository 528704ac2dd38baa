from __future__ import annotations

import numpy as np
import pytest
from annotated_pools import make_pool

from bids_dl.annotate.strategies.scores import (
    score_disagreement,
    score_entropy,
    score_likeliest,
    score_margin,
)


@pytest.mark.parametrize("n_classes", [2, 3, 6])
def test_entropy_and_margin_are_those_of_scikit_activeml(n_classes):
    pool_module = pytest.importorskip("skactiveml.pool")
    probabilities = make_pool(200, n_classes=n_classes).probabilities
    entropy = pool_module.uncertainty_scores(probabilities, method="entropy")
    margin = pool_module.uncertainty_scores(probabilities, method="margin_sampling")
    np.testing.assert_allclose(score_entropy(probabilities), entropy, atol=1e-12)
    np.testing.assert_allclose(score_margin(probabilities), margin, atol=1e-12)


def test_entropy_and_margin_order_two_classes_alike():
    probabilities = make_pool(200).probabilities
    orders = [score(probabilities).argsort() for score in (score_entropy, score_margin)]
    assert (orders[0] == orders[1]).all()


def test_a_probability_of_zero_has_no_entropy():
    assert score_entropy(np.array([[1.0, 0.0, 0.0]])).tolist() == [0.0]


def test_a_single_class_has_no_margin():
    assert score_margin(np.ones((3, 1))).tolist() == [0.0, 0.0, 0.0]


def test_members_that_are_unsure_alike_do_not_disagree():
    unsure = np.full((4, 1, 2), 0.5)
    opposed = np.array([[[0.9, 0.1]], [[0.1, 0.9]]])
    assert score_disagreement(unsure)[0] == 0
    assert score_disagreement(opposed)[0] > 0.3


def test_the_likeliest_are_of_the_class_with_the_fewest_answers():
    probabilities = make_pool(20, n_classes=3).probabilities
    scores = score_likeliest(probabilities, np.array([4, 2, 9]))
    assert (scores == probabilities[:, 1]).all()
