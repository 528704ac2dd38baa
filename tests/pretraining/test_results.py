from __future__ import annotations

import numpy as np

from bids_dl.pretraining.results import measure_pairs


def test_the_accuracy_has_an_interval_over_persons():
    persons = [("d", f"{number % 10}") for number in range(400)]
    rng = np.random.default_rng(0)
    pairs = measure_pairs(rng.random(400) < 0.7, persons, seed=0)
    accuracy = pairs["accuracy"]
    assert 0.5 < accuracy["low"] < accuracy["value"] < accuracy["high"] < 0.9
    assert (pairs["n"], pairs["chance"], len(pairs["persons"])) == (400, 0.5, 10)


def test_persons_that_differ_make_the_interval_wide():
    persons = [("d", f"{number % 4}") for number in range(400)]
    is_correct = np.arange(400) % 4 < 2
    accuracy = measure_pairs(is_correct, persons, seed=0)["accuracy"]
    assert accuracy["value"] == 0.5
    assert accuracy["high"] - accuracy["low"] > 0.7


def test_the_accuracy_of_each_person_is_listed():
    pairs = measure_pairs(
        np.array([True, True, False]), [("d", "b"), ("d", "a"), ("d", "a")], seed=0
    )
    assert [(row["subject"], row["n"], row["accuracy"]) for row in pairs["persons"]] == [
        ("a", 2, 0.5),
        ("b", 1, 1.0),
    ]
