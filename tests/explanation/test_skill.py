from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, r2_score

from bids_dl.explanation.skill import measure_skill
from bids_dl.models.target import TargetSpec

LABEL = TargetSpec("label", "classes", ("label",), ("rest", "move"))
AGE = TargetSpec("age", "number", ("age",), ("age",))
VOTES = TargetSpec("v_*", "shares", ("v_a", "v_b"), ("v_a", "v_b"))
BLINK = TargetSpec("blink, jaw", "labels", ("blink", "jaw"), ("blink", "jaw"))
PERSON = np.repeat(np.arange(6), 10)
RNG = np.random.default_rng(0)


def test_balanced_accuracy_is_that_of_scikit_learn():
    truth = RNG.random(60) < 0.3
    scores = truth + RNG.normal(0, 0.5, 60)
    table = pd.DataFrame({"label": np.where(truth, "move", "rest")})
    skill = measure_skill(table, LABEL, np.stack([1 - scores, scores], axis=1), PERSON, 0)
    assert skill.value == pytest.approx(balanced_accuracy_score(truth, scores > 0.5))
    assert skill.low < skill.value < skill.high
    assert (skill.chance, skill.n_persons) == (0.5, 6)
    assert skill.is_above_chance


def test_guesses_are_not_above_chance():
    table = pd.DataFrame({"label": np.where(RNG.random(60) < 0.5, "move", "rest")})
    assert not measure_skill(table, LABEL, RNG.random((60, 2)), PERSON, 0).is_above_chance


def test_the_explained_variance_of_a_number_is_r2():
    ages = RNG.normal(40, 10, 60)
    predictions = ages + RNG.normal(0, 3, 60)
    skill = measure_skill(pd.DataFrame({"age": ages}), AGE, predictions[:, None], PERSON, 0)
    assert skill.value == pytest.approx(r2_score(ages, predictions))
    assert skill.is_above_chance


def test_votes_are_compared_as_shares():
    table = pd.DataFrame({"v_a": [3.0, 1.0, 0.0, 4.0], "v_b": [1.0, 3.0, 4.0, 0.0]})
    shares = table.to_numpy() / 4
    assert measure_skill(table, VOTES, shares, np.arange(4), 0).value == 1


def test_labels_that_are_missing_do_not_count():
    table = pd.DataFrame({"blink": [0.0, 1.0, np.nan, 1.0], "jaw": [0.0, 1.0, 1.0, np.nan]})
    predictions = np.array([[0.1, 0.1], [0.9, 0.9], [0.1, 0.9], [0.9, 0.1]])
    assert measure_skill(table, BLINK, predictions, np.arange(4), 0).value == 1


def test_a_store_without_the_target_has_no_accuracy():
    assert (
        measure_skill(pd.DataFrame({"x": [1]}), AGE, np.ones((1, 1)), np.zeros(1, int), 0) is None
    )


def test_one_class_has_no_balanced_accuracy():
    table = pd.DataFrame({"label": ["rest", "rest"]})
    assert measure_skill(table, LABEL, np.eye(2), np.arange(2), 0) is None


def test_a_constant_prediction_is_chance_if_a_class_of_the_model_does_not_occur():
    spec = TargetSpec("label", "classes", ("label",), ("rest", "move", "sleep"))
    table = pd.DataFrame({"label": ["rest", "move"] * 30})
    skill = measure_skill(table, spec, np.tile([1.0, 0.0, 0.0], (60, 1)), PERSON, 0)
    assert (skill.value, skill.chance) == (0.5, 0.5)
    assert not skill.is_above_chance


def test_a_label_that_never_occurs_is_no_skill():
    table = pd.DataFrame({"blink": [0.0, 1.0] * 30, "jaw": np.zeros(60)})
    skill = measure_skill(table, BLINK, np.zeros((60, 2)), PERSON, 0)
    assert skill.value == 0.5
    assert not skill.is_above_chance
    assert measure_skill(table.assign(blink=0.0), BLINK, np.zeros((60, 2)), PERSON, 0) is None


@pytest.mark.parametrize(
    ("n_persons", "is_enough"), [(2, False), (3, False), (4, False), (5, False), (6, True)]
)
def test_few_persons_of_one_class_each_can_be_right_by_luck(n_persons, is_enough):
    person = np.repeat(np.arange(n_persons), 10)
    is_move = person % 2 == 1
    table = pd.DataFrame({"label": np.where(is_move, "move", "rest")})
    skill = measure_skill(table, LABEL, np.stack([~is_move, is_move], axis=1), person, 0)
    assert (skill.value, skill.low) == (1, 1)
    assert skill.is_above_chance == is_enough


def test_three_persons_with_both_classes_are_enough():
    person = np.repeat(np.arange(3), 20)
    is_move = np.arange(60) % 2 == 1
    table = pd.DataFrame({"label": np.where(is_move, "move", "rest")})
    perfect = np.stack([~is_move, is_move], axis=1)
    assert measure_skill(table, LABEL, perfect, person, 0).is_above_chance
    of_two = person < 2
    assert not measure_skill(
        table[of_two], LABEL, perfect[of_two], person[of_two], 0
    ).is_above_chance
