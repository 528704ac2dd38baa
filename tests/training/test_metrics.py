from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from bids_dl.training.metrics import by_person, evaluate, rates, vote

CLASSES = ("open", "closed")


def predictions(rows: list[tuple[str, str, float]]) -> pd.DataFrame:
    """Subject, true class and probability of "closed" of each window."""
    table = pd.DataFrame(rows, columns=["subject", "label", "p_closed"]).assign(dataset="ds1")
    return table.assign(
        p_open=1 - table["p_closed"], predicted=np.where(table["p_closed"] > 0.5, "closed", "open")
    )


def drawn(n_persons: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return predictions(
        [
            (f"{i:02}", label, float(rng.beta(a, b)))
            for i in range(n_persons)
            for label, a, b in (("open", 2, 4), ("closed", 4, 2))
            for _ in range(9)
        ]
    )


@given(
    arrays.arrays(
        np.int64, st.tuples(st.integers(1, 4)).map(lambda n: n * 2), elements=st.integers(0, 30)
    )
)
def test_rates_agree_with_scikit_learn(confusion):
    if not confusion.sum():
        return
    truth = np.repeat(np.indices(confusion.shape)[0].ravel(), confusion.ravel())
    predicted = np.repeat(np.indices(confusion.shape)[1].ravel(), confusion.ravel())
    accuracy, balanced = rates(confusion)
    assert accuracy == pytest.approx(accuracy_score(truth, predicted))
    there = confusion.sum(axis=1) > 0
    assert balanced == pytest.approx(
        np.mean(confusion.diagonal()[there] / confusion.sum(axis=1)[there])
    )
    if there.all() and len(there) > 1:
        assert balanced == pytest.approx(balanced_accuracy_score(truth, predicted))


def test_a_person_with_two_true_classes_casts_two_votes():
    table = predictions(
        [
            ("a", "open", 0.1),
            ("a", "open", 0.2),
            ("a", "open", 0.9),
            ("a", "closed", 0.4),
            ("b", "closed", 0.8),
        ]
    )
    votes = vote(table, "label", CLASSES)
    assert votes[["subject", "label", "predicted", "n_windows", "tie"]].to_numpy().tolist() == [
        ["a", "closed", "open", 1, False],
        ["a", "open", "open", 3, False],
        ["b", "closed", "closed", 1, False],
    ]


def test_a_tie_goes_to_the_class_with_the_larger_mean_probability_and_is_counted():
    table = predictions(
        [("a", "open", 0.6), ("a", "open", 0.1), ("b", "open", 0.95), ("b", "open", 0.4)]
    )
    votes = vote(table, "label", CLASSES)
    assert votes["predicted"].tolist() == ["open", "closed"]
    assert evaluate(table, "label", CLASSES, seed=0)["votes"]["ties"] == 2


@given(st.integers(1, 12), st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_intervals_hold_their_value_and_stay_between_0_and_1(n_persons, seed):
    numbers = evaluate(drawn(n_persons, seed), "label", CLASSES, seed=seed)
    for unit in ("windows", "votes"):
        for name in ("accuracy", "balanced_accuracy"):
            value, low, high = (numbers[unit][name][key] for key in ("value", "low", "high"))
            if n_persons == 1 and unit == "windows":
                assert low is high is None
            else:
                assert -1e-9 <= low <= value + 1e-9
                assert value - 1e-9 <= high <= 1 + 1e-9


def test_the_interval_of_a_vote_is_wilsons():
    table = predictions([(f"{i}", "open", 0.9 if i < 2 else 0.1) for i in range(10)])
    accuracy = evaluate(table, "label", CLASSES, seed=0)["votes"]["accuracy"]
    assert (accuracy["value"], accuracy["low"], accuracy["high"]) == pytest.approx(
        (0.8, 0.4901625, 0.9433178)
    )


def test_a_perfect_vote_of_few_people_keeps_a_wide_interval():
    table = predictions(
        [(f"{i}", label, p) for i in range(4) for label, p in (("open", 0.1), ("closed", 0.9))]
    )
    votes = evaluate(table, "label", CLASSES, seed=0)["votes"]
    assert votes["balanced_accuracy"]["value"] == votes["accuracy"]["value"] == 1
    assert 0.5 < votes["balanced_accuracy"]["low"] < 0.7


def test_the_interval_of_windows_is_as_wide_as_people_differ():
    mixed = predictions(
        [(f"{i}", "open", 0.9 if i == 5 else 0.1) for i in range(6) for _ in range(50)]
    )
    even = predictions(
        [(f"{i}", "open", 0.9 if j < 8 else 0.1) for i in range(6) for j in range(50)]
    )
    widths = []
    for table in (mixed, even):
        accuracy = evaluate(table, "label", CLASSES, seed=0)["windows"]["accuracy"]
        widths.append(accuracy["high"] - accuracy["low"])
    assert widths[0] > 0.3
    assert widths[1] == pytest.approx(0, abs=1e-9)


def test_the_same_seed_gives_the_same_interval():
    first, again = (evaluate(drawn(8), "label", CLASSES, seed=1) for _ in range(2))
    assert first == again


def test_every_window_and_vote_is_in_a_confusion_matrix():
    numbers = evaluate(drawn(5), "label", CLASSES, seed=0)
    assert np.sum(numbers["windows"]["confusion"]) == 90
    assert np.sum(numbers["votes"]["confusion"]) == numbers["votes"]["n"] == 10
    assert np.sum(numbers["windows"]["confusion"], axis=1).tolist() == [45, 45]
    assert numbers["largest_class"] == 0.5


def test_the_accuracy_of_each_person_is_told_apart():
    table = predictions([("b", "open", 0.1), ("a", "open", 0.9), ("a", "open", 0.1)])
    assert by_person(table, "label") == [
        {"dataset": "ds1", "subject": "a", "n_windows": 2, "accuracy": 0.5},
        {"dataset": "ds1", "subject": "b", "n_windows": 1, "accuracy": 1.0},
    ]
