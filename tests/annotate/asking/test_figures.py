from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import average_precision_score, balanced_accuracy_score

from bids_dl.annotate.asking.figures import (
    TestedWindows,
    compute_figures,
    weigh_average_precision,
    weigh_balanced_accuracy,
)

CLASSES = ("background", "spike")


def make_tested(n: int = 200, *, share: float = 0.2, n_people: int = 8, skill: float = 1.0):
    rng = np.random.default_rng(0)
    classes = (rng.random(n) < share).astype(np.int64)
    spike = 1 / (1 + np.exp(-(skill * (2 * classes - 1) + rng.standard_normal(n))))
    people = np.arange(n) % n_people
    return TestedWindows(np.stack([1 - spike, spike], axis=1), classes, people)


@given(
    arrays(np.float64, 12, elements=st.sampled_from([0.1, 0.2, 0.5, 0.9])),
    arrays(np.bool_, 12),
    arrays(np.float64, 12, elements=st.sampled_from([0.0, 1.0, 2.0])),
)
def test_weighted_average_precision_is_that_of_scikit_learn(scores, is_positive, weights):
    [found] = weigh_average_precision(scores, is_positive, weights[None])
    if not weights[is_positive].any():
        assert np.isnan(found)
        return
    expected = average_precision_score(is_positive, scores, sample_weight=weights)
    np.testing.assert_allclose(found, expected)


def test_balanced_accuracy_is_that_of_scikit_learn():
    tested = make_tested()
    ones = np.ones((1, 200))
    [found] = weigh_balanced_accuracy(tested.probabilities, tested.classes, ones)
    predicted = tested.probabilities.argmax(axis=1)
    np.testing.assert_allclose(found, balanced_accuracy_score(tested.classes, predicted))


def test_the_figure_is_of_the_rarest_class_that_is_not_the_background():
    probabilities = np.eye(3)[[0, 1, 1, 2]]
    tested = TestedWindows(probabilities, np.array([0, 1, 1, 2]), np.arange(4))
    figures = compute_figures(tested, ("background", "a", "b"), np.array([7]), number=3)
    assert (figures.title, figures.n_positive, figures.value) == ("average precision of b", 1, 1.0)
    assert figures.by_class == {"background": 1.0, "a": 1.0, "b": 1.0}
    assert (figures.round, figures.n_test, figures.same_people) == (3, 4, False)


@pytest.mark.parametrize(("n_people", "kind"), [(8, "people"), (3, "windows")])
def test_the_bootstrap_draws_people_if_there_are_five(n_people, kind):
    tested = make_tested(n_people=n_people)
    figures = compute_figures(tested, CLASSES, tested.people, number=1)
    assert figures.interval == kind
    assert 0 < figures.low < figures.value < figures.high < 1
    assert figures.same_people


def test_the_interval_of_windows_has_the_true_value_in_nineteen_of_twenty_draws():
    everything = make_tested(20_000, n_people=1)
    truth = compute_figures(everything, CLASSES, np.array([0]), number=1).value
    rng = np.random.default_rng(1)
    n_inside = 0
    for _ in range(60):
        rows = rng.integers(0, 20_000, 150)
        drawn = TestedWindows(
            everything.probabilities[rows], everything.classes[rows], everything.people[rows]
        )
        figures = compute_figures(drawn, CLASSES, np.array([0]), number=1)
        n_inside += figures.low <= truth <= figures.high
    assert n_inside >= 52  # of 57 expected; 52 or less has a probability of 3 %


@pytest.mark.parametrize("n", [0, 1, 12])
def test_few_windows_have_no_interval_and_no_nan(n):
    tested = make_tested(n, share=0.0)
    figures = compute_figures(tested, CLASSES, np.array([], np.int64), number=1)
    assert (figures.value, figures.low, figures.high, figures.interval) == (None,) * 4
    assert figures.n_test == n
    json.dumps(figures.as_dict(), allow_nan=False)
