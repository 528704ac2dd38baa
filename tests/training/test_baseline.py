from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge

from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import ModelError
from bids_dl.models.target import TargetSpec
from bids_dl.store import open_store
from bids_dl.stream import StreamingDataset
from bids_dl.training import baseline
from bids_dl.training.baseline import fit_baseline, read_features
from bids_dl.training.folds.fold import Fold, make_fold

CPU = torch.device("cpu")
CONFIG = TrainConfig(device="cpu", loss="mse")
INDEX = np.arange(10, 410)  # rows of a store, whose first ten have no target
TRAIN = slice(0, 300)
TEST = slice(300, 400)
THREE = TargetSpec("label", "classes", ("label",), ("rest", "move", "talk"))
LABELS = TargetSpec("a, b", "labels", ("a", "b"), ("a", "b"))


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    rng = np.random.default_rng(0)
    correlated = rng.normal(size=(400, 4)) @ rng.normal(size=(4, 20))
    return (10 * correlated + rng.normal(size=(400, 20)) - 30).astype(np.float32)


@pytest.fixture(scope="module")
def scores(features) -> np.ndarray:
    """Features as z-scores over the training windows."""
    return (features - features[TRAIN].mean(axis=0)) / features[TRAIN].std(axis=0)


@pytest.fixture(scope="module")
def classes(scores) -> np.ndarray:
    noise = np.random.default_rng(1).normal(size=(400, 3))
    return (scores[:, :3] + noise).argmax(axis=1)


def fold() -> Fold:
    return make_fold(3, "sub-b", same_person=False, train=INDEX[TRAIN], test=INDEX[TEST])


def of_store(values: np.ndarray) -> np.ndarray:
    """Put impossible values in the rows that have no target."""
    return np.concatenate((np.full_like(values[:10], -1), values))


def fit(features, values, spec, config=CONFIG) -> np.ndarray:
    [(index, rows, decoded)] = fit_baseline(
        features, INDEX, [fold()], of_store(values), spec, config
    )
    assert index == 3
    assert rows.tolist() == INDEX[TEST].tolist()
    assert decoded.shape == (100, spec.n_outputs)
    return decoded


def test_classes_are_fitted_as_by_logistic_regression(features, scores, classes):
    expected = LogisticRegression(C=0.01, tol=1e-8, max_iter=5000)
    expected.fit(scores[TRAIN], classes[TRAIN])
    predicted = fit(features, classes, THREE)
    np.testing.assert_allclose(predicted, expected.predict_proba(scores[TEST]), atol=2e-3)


def test_class_weights_count_and_label_smoothing_does_not(features, scores, classes):
    is_rare = (classes == 0) & (scores[:, 5] > 0)
    values = is_rare.astype(np.int64)
    spec = TargetSpec("label", "classes", ("label",), ("rest", "move"))
    config = TrainConfig(device="cpu", class_weights="inverse", label_smoothing=0.5)
    # two rows of weights have half the penalty of one
    expected = LogisticRegression(C=0.02, class_weight="balanced", tol=1e-8, max_iter=5000)
    expected.fit(scores[TRAIN], values[TRAIN])
    predicted = fit(features, values, spec, config)
    np.testing.assert_allclose(predicted, expected.predict_proba(scores[TEST]), atol=2e-3)


def test_numbers_are_fitted_as_by_ridge_regression(features, scores):
    noise = np.random.default_rng(2).normal(size=400)
    age = (40 + 5 * scores[:, 0] + noise).astype(np.float32)
    spec = TargetSpec("age", "number", ("age",), ("age",))
    mean, std = age[TRAIN].mean(), age[TRAIN].std()
    expected = Ridge(alpha=50).fit(scores[TRAIN], (age[TRAIN] - mean) / std)  # 1 / (2 C)
    predicted = fit(features, age, spec)[:, 0]
    np.testing.assert_allclose(predicted, expected.predict(scores[TEST]) * std + mean, atol=1e-2)


def test_each_label_is_fitted_by_itself_without_its_missing_values(features, scores, classes):
    labels = np.stack((classes == 0, classes == 1), axis=1).astype(np.float32)
    labels[:50, 1] = np.nan
    alone = fit(features, labels[:, :1], TargetSpec("a", "labels", ("a",), ("a",)))
    both = fit(features, labels, LABELS)
    assert np.corrcoef(alone[:, 0], both[:, 0])[0, 1] > 0.999
    accuracy = ((both > 0.5) == labels[TEST]).mean(axis=0)
    assert accuracy.min() > 0.65


def test_shares_are_fitted_and_sum_to_1(features, classes):
    shares = (np.eye(3)[classes] * 0.8 + 0.2 / 3).astype(np.float32)
    spec = TargetSpec("votes_*", "shares", ("a", "b", "c"), ("a", "b", "c"))
    predicted = fit(features, shares, spec)
    np.testing.assert_allclose(predicted.sum(axis=1), 1)
    assert (predicted.argmax(axis=1) == classes[TEST]).mean() > 0.5


def test_a_constant_feature_changes_nothing(features, classes):
    expected = fit(features, classes, THREE)
    with_constant = np.column_stack((features, np.full(400, -60, np.float32)))
    np.testing.assert_allclose(fit(with_constant, classes, THREE), expected, atol=1e-3)


def test_a_fold_alone_gives_the_predictions_of_the_same_fold_among_others(features, classes):
    other = make_fold(0, "sub-a", same_person=False, train=INDEX[TEST], test=INDEX[TRAIN])
    both = fit_baseline(features, INDEX, [other, fold()], of_store(classes), THREE, CONFIG)
    np.testing.assert_array_equal(both[1][2], fit(features, classes, THREE))


def test_eyes_are_classified_by_their_band_power_if_scaled_by_recording(eyes_store):
    store = open_store(str(eyes_store))
    stream = StreamingDataset(store, target="label", normalize="recording", seed=1)
    rows, features = read_features(stream, 24, 256, 128.0, CPU)
    assert rows.tolist() == list(range(240))
    classes = store.table["label"].factorize()[0]
    subjects = store.table["subject"].to_numpy()
    folds: list[Fold] = []
    for index, subject in enumerate(np.unique(subjects)):
        train, test = (np.flatnonzero(subjects != subject), np.flatnonzero(subjects == subject))
        folds.append(make_fold(index, subject, same_person=False, train=train, test=test))
    spec = TargetSpec("label", "classes", ("label",), ("eyes_open", "eyes_closed"))
    results = fit_baseline(features, rows, folds, classes, spec, CONFIG)
    correct = [shares.argmax(axis=1) == classes[tested] for _, tested, shares in results]
    assert np.concatenate(correct).mean() >= 0.95


def test_features_are_the_same_in_any_order_and_batch(eyes_store):
    streams = [
        StreamingDataset(eyes_store, batch_size=7, seed=3),
        StreamingDataset(eyes_store, batch_size=64, shuffle=False),
    ]
    (rows, features), (other_rows, others) = (
        read_features(stream, 24, 256, 128.0, CPU) for stream in streams
    )
    assert rows.tolist() == other_rows.tolist()
    np.testing.assert_allclose(features, others, atol=1e-4)


def test_windows_without_any_band_are_refused(eyes_store):
    with pytest.raises(ModelError, match="model band-power expects windows of at least"):
        read_features(StreamingDataset(eyes_store), 24, 1, 128.0, CPU)


def test_the_examples_of_the_docstrings_run(eyes_store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("eyes.zarr").symlink_to(eyes_store)
    assert doctest.testmod(baseline, extraglobs={"np": np, "torch": torch}).failed == 0
