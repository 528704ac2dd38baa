from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from bids_dl.training import metrics
from bids_dl.training.metrics import (
    METRICS,
    MetricSpec,
    accuracy,
    accuracy_by_person,
    balanced_accuracy,
    evaluate,
    majority_votes,
)

CLASSES = ("open", "closed")


def make_predictions(rows: list[tuple[str, str, float]]) -> pd.DataFrame:
    """Make a table from the subject, true class and probability of "closed" of each window."""
    table = pd.DataFrame(rows, columns=["subject", "label", "p_closed"]).assign(dataset="ds1")
    predicted = np.where(table["p_closed"] > 0.5, "closed", "open")
    return table.assign(p_open=1 - table["p_closed"], predicted=predicted)


def draw_predictions(n_persons: int, seed: int = 0) -> pd.DataFrame:
    """Draw the probabilities of nine windows of each class for each person."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n_persons):
        for label, a, b in (("open", 2, 4), ("closed", 4, 2)):
            rows += [(f"{i:02}", label, float(rng.beta(a, b))) for _ in range(9)]
    return make_predictions(rows)


confusions = arrays.arrays(
    np.int64, st.integers(1, 4).map(lambda n: (n, n)), elements=st.integers(0, 30)
)


@given(confusions)
def test_metrics_agree_with_scikit_learn(confusion):
    if not confusion.sum():
        return
    truth, predicted = (
        np.repeat(indices.ravel(), confusion.ravel()) for indices in np.indices(confusion.shape)
    )
    assert accuracy(confusion) == pytest.approx(accuracy_score(truth, predicted))
    class_sizes = confusion.sum(axis=1)
    exists = class_sizes > 0
    recall = confusion.diagonal()[exists] / class_sizes[exists]
    assert balanced_accuracy(confusion) == pytest.approx(np.mean(recall))
    if exists.all() and len(exists) > 1:
        expected = balanced_accuracy_score(truth, predicted)
        assert balanced_accuracy(confusion) == pytest.approx(expected)


@given(confusions, confusions)
def test_metrics_of_stacked_matrices_are_those_of_each_matrix(first, second):
    if first.shape != second.shape or not first.sum() or not second.sum():
        return
    stacked = np.stack([first, second])
    for metric in METRICS:
        separate = [float(metric.compute(first)), float(metric.compute(second))]
        np.testing.assert_array_equal(metric.compute(stacked), separate)


def test_a_person_with_two_true_classes_casts_two_votes():
    table = make_predictions(
        [
            ("a", "open", 0.1),
            ("a", "open", 0.2),
            ("a", "open", 0.9),
            ("a", "closed", 0.4),
            ("b", "closed", 0.8),
        ]
    )
    votes = majority_votes(table, "label", CLASSES)
    columns = ["subject", "label", "predicted", "n_windows", "tie"]
    assert votes[columns].to_numpy().tolist() == [
        ["a", "closed", "open", 1, False],
        ["a", "open", "open", 3, False],
        ["b", "closed", "closed", 1, False],
    ]


def test_a_tie_goes_to_the_class_with_the_larger_mean_probability_and_is_counted():
    table = make_predictions(
        [("a", "open", 0.6), ("a", "open", 0.1), ("b", "open", 0.95), ("b", "open", 0.4)]
    )
    votes = majority_votes(table, "label", CLASSES)
    assert votes["predicted"].tolist() == ["open", "closed"]
    assert evaluate(table, "label", CLASSES, seed=0)["votes"]["ties"] == 2


@given(st.integers(1, 12), st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_intervals_contain_their_value_and_stay_between_0_and_1(n_persons, seed):
    results = evaluate(draw_predictions(n_persons, seed), "label", CLASSES, seed=seed)
    for unit in ("windows", "votes"):
        for metric in METRICS:
            value, low, high = (results[unit][metric.name][key] for key in ("value", "low", "high"))
            if n_persons == 1 and unit == "windows":
                assert low is high is None
            else:
                assert -1e-9 <= low <= value + 1e-9
                assert value - 1e-9 <= high <= 1 + 1e-9


def test_the_interval_of_the_accuracy_of_votes_is_wilsons():
    table = make_predictions([(f"{i}", "open", 0.9 if i < 2 else 0.1) for i in range(10)])
    result = evaluate(table, "label", CLASSES, seed=0)["votes"]["accuracy"]
    expected = (0.8, 0.4901625, 0.9433178)
    assert (result["value"], result["low"], result["high"]) == pytest.approx(expected)


def test_a_perfect_vote_of_few_persons_has_a_wide_interval():
    rows = []
    for i in range(4):
        rows += [(f"{i}", "open", 0.1), (f"{i}", "closed", 0.9)]
    votes = evaluate(make_predictions(rows), "label", CLASSES, seed=0)["votes"]
    assert votes["balanced_accuracy"]["value"] == votes["accuracy"]["value"] == 1
    assert 0.5 < votes["balanced_accuracy"]["low"] < 0.7


def test_the_interval_of_windows_is_as_wide_as_persons_differ():
    one_wrong_person = []
    equal_persons = []
    for i in range(6):
        one_wrong_person += [(f"{i}", "open", 0.9 if i == 5 else 0.1)] * 50
        equal_persons += [(f"{i}", "open", 0.9 if j < 8 else 0.1) for j in range(50)]
    widths = []
    for rows in (one_wrong_person, equal_persons):
        results = evaluate(make_predictions(rows), "label", CLASSES, seed=0)
        result = results["windows"]["accuracy"]
        widths.append(result["high"] - result["low"])
    assert widths[0] > 0.3
    assert widths[1] == pytest.approx(0, abs=1e-9)


def test_the_same_seed_gives_the_same_interval():
    first = evaluate(draw_predictions(8), "label", CLASSES, seed=1)
    assert evaluate(draw_predictions(8), "label", CLASSES, seed=1) == first


def test_every_window_and_vote_is_in_a_confusion_matrix():
    results = evaluate(draw_predictions(5), "label", CLASSES, seed=0)
    assert np.sum(results["windows"]["confusion"]) == 90
    assert np.sum(results["votes"]["confusion"]) == results["votes"]["n"] == 10
    assert np.sum(results["windows"]["confusion"], axis=1).tolist() == [45, 45]
    assert results["largest_class"] == 0.5


def test_accuracy_by_person_is_sorted_by_person():
    table = make_predictions([("b", "open", 0.1), ("a", "open", 0.9), ("a", "open", 0.1)])
    assert accuracy_by_person(table, "label") == [
        {"dataset": "ds1", "subject": "a", "n_windows": 2, "accuracy": 0.5},
        {"dataset": "ds1", "subject": "b", "n_windows": 1, "accuracy": 1.0},
    ]


def test_a_new_row_of_metrics_is_computed_with_intervals_and_defined(monkeypatch):
    error_rate = MetricSpec(
        "error_rate",
        "error rate",
        lambda confusion: 1 - accuracy(confusion),
        lambda _: (0.0, 1.0),
        "none",
        definition="fraction of wrong predictions",
    )
    monkeypatch.setattr(metrics, "METRICS", (*METRICS, error_rate))
    results = evaluate(draw_predictions(5), "label", CLASSES, seed=0)
    windows = results["windows"]
    assert windows["error_rate"]["value"] == pytest.approx(1 - windows["accuracy"]["value"])
    assert windows["error_rate"]["low"] == pytest.approx(1 - windows["accuracy"]["high"])
    assert results["votes"]["error_rate"]["high"] == 1
    assert results["definitions"]["error_rate"] == "fraction of wrong predictions"
    assert "error rate: none" in results["definitions"]["votes"]


def test_the_definitions_name_the_unit_and_every_interval():
    definitions = evaluate(draw_predictions(2), "label", CLASSES, seed=0)["definitions"]
    assert set(definitions) == {"windows", "votes", "balanced_accuracy"}
    assert all(metric.interval_method in definitions["votes"] for metric in METRICS)
