from __future__ import annotations

import doctest

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from bids_dl.config.training_stage import TrainConfig
from bids_dl.models.target import TargetSpec
from bids_dl.probing import linear_model
from bids_dl.probing.linear_model import (
    INVERSE_PENALTIES,
    LinearProblem,
    choose_inverse_penalty,
    fit_and_predict,
)
from bids_dl.training.baseline import INVERSE_PENALTY, fit_baseline
from bids_dl.training.folds import make_fold
from bids_dl.training.folds.people import People

CLASSES = TargetSpec("label", "classes", ("label",), ("a", "b", "c"))
AGE = TargetSpec("age", "number", ("age",), ("age",))
CONFIG = TrainConfig(device="cpu", loss="mse")
TRAIN = np.arange(200)
TEST = np.arange(200, 300)


def problem(values: np.ndarray, spec: TargetSpec, n_persons: int = 10) -> LinearProblem:
    codes = np.arange(len(values)) % n_persons
    people = People(tuple(("ds", f"{i:02}") for i in range(n_persons)), codes)
    return LinearProblem(values, spec, people, CONFIG)


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.standard_normal((300, 8)) * 3 + 20).astype(np.float32)


@pytest.fixture(scope="module")
def classes(features) -> np.ndarray:
    noise = np.random.default_rng(1).standard_normal((300, 3))
    return (features[:, :3] / 3 + noise).argmax(axis=1)


@pytest.mark.parametrize("inverse_penalty", [0.01, 1.0])
def test_classes_are_fitted_as_by_scikit_learn(features, classes, inverse_penalty):
    scores = (features - features[TRAIN].mean(axis=0)) / features[TRAIN].std(axis=0)
    expected = LogisticRegression(C=inverse_penalty, tol=1e-8, max_iter=5000)
    expected.fit(scores[TRAIN], classes[TRAIN])
    found = fit_and_predict(problem(classes, CLASSES), features, TRAIN, TEST, inverse_penalty)
    np.testing.assert_allclose(found, expected.predict_proba(scores[TEST]), atol=3e-3)


def test_numbers_are_fitted_by_ridge_regression(features):
    ages = (features @ np.arange(8) + 40).astype(np.float32)
    scores = (features - features[TRAIN].mean(axis=0)) / features[TRAIN].std(axis=0)
    mean, std = ages[TRAIN].mean(), ages[TRAIN].std()
    # a squared error without the factor 1/2 halves the penalty
    expected = Ridge(alpha=1 / (2 * 0.01)).fit(scores[TRAIN], (ages[TRAIN] - mean) / std)
    found = fit_and_predict(problem(ages, AGE), features, TRAIN, TEST, 0.01)
    np.testing.assert_allclose(found[:, 0], expected.predict(scores[TEST]) * std + mean, rtol=1e-3)


def test_the_penalty_of_the_baseline_gives_the_baseline(features, classes):
    fold = make_fold(0, "x", same_person=False, train=TRAIN, test=TEST)
    [(_, _, expected)] = fit_baseline(features, np.arange(300), [fold], classes, CLASSES, CONFIG)
    found = fit_and_predict(problem(classes, CLASSES), features, TRAIN, TEST, INVERSE_PENALTY)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_scale_of_features_changes_nothing(features, classes):
    first = fit_and_predict(problem(classes, CLASSES), features, TRAIN, TEST, 0.1)
    small = (features * 1e-5).astype(np.float32)
    second = fit_and_predict(problem(classes, CLASSES), small, TRAIN, TEST, 0.1)
    np.testing.assert_allclose(first, second, atol=1e-3)


def test_constant_features_change_nothing(features, classes):
    constant = np.full((300, 2), 7.3, np.float32)
    first = fit_and_predict(problem(classes, CLASSES), features, TRAIN, TEST, 0.1)
    more = np.concatenate((features, constant), axis=1)
    second = fit_and_predict(problem(classes, CLASSES), more, TRAIN, TEST, 0.1)
    np.testing.assert_allclose(first, second, atol=1e-3)


def test_noise_gets_a_strong_penalty_and_a_clear_effect_a_weak_one(features, classes):
    noise = np.random.default_rng(5).standard_normal((300, 60)).astype(np.float32)
    assert choose_inverse_penalty(problem(classes, CLASSES), noise, TRAIN) == INVERSE_PENALTIES[0]
    clear = np.eye(3, dtype=np.float32)[classes] + 0.01 * noise[:, :3]
    assert choose_inverse_penalty(problem(classes, CLASSES), clear, TRAIN) == INVERSE_PENALTIES[-1]


def test_the_choice_reads_no_tested_window(features, classes):
    expected = choose_inverse_penalty(problem(classes, CLASSES), features, TRAIN)
    changed = features.copy()
    changed[TEST] = np.nan
    other = classes.copy()
    other[TEST] = 0
    assert choose_inverse_penalty(problem(other, CLASSES), changed, TRAIN) == expected


def test_windows_of_a_person_are_never_on_both_sides_of_the_choice(classes):
    data = problem(classes, CLASSES)
    folds = linear_model._divide_persons(data, TRAIN)
    assert len(folds) == linear_model.INNER_FOLDS
    assert np.array_equal(np.sort(np.concatenate([test for _, test in folds])), TRAIN)
    for train, test in folds:
        assert not set(data.people.codes[train]) & set(data.people.codes[test])


def test_the_folds_of_the_choice_have_all_classes_if_each_person_has_one():
    classes = (np.arange(300) % 10 >= 8).astype(np.int64)  # of two persons of ten
    folds = linear_model._divide_persons(problem(classes, CLASSES), TRAIN)
    assert all(len(np.unique(classes[train])) == 2 for train, _ in folds)


def test_people_who_cannot_be_divided_get_the_penalty_of_the_baseline(features, classes):
    single = problem(classes, CLASSES, n_persons=1)
    assert choose_inverse_penalty(single, features, TRAIN) == INVERSE_PENALTY
    two_ages = (np.arange(300) % 2).astype(np.float32)
    two = problem(two_ages, AGE, n_persons=2)
    assert choose_inverse_penalty(two, features, TRAIN) == INVERSE_PENALTY


def test_the_examples_run():
    globs = {"np": np, "torch": linear_model.torch}
    assert doctest.testmod(linear_model, extraglobs=globs).failed == 0
