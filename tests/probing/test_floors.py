from __future__ import annotations

import doctest

import pytest

from bids_dl.probing import floors
from bids_dl.probing.floors import compare_with_floors, describe_verdict, list_not_beaten


def result(values, main: str = "accuracy", kind: str = "classes") -> dict:
    rows = [{"dataset": "d", "subject": f"{i}", main: value} for i, value in enumerate(values)]
    return {"kind": kind, "main": main, "persons": rows}


def test_an_interval_that_contains_zero_is_not_shown():
    tests = compare_with_floors(
        result([0.9, 0.8, 0.7, 0.9] * 2),
        {
            "random_weights": [result([0.6, 0.5, 0.5, 0.6] * 2)],
            "band_power": [result([0.95, 0.7, 0.75, 0.8] * 2)],
        },
        seed=0,
    )
    assert tests["random_weights"]["is_beaten"]
    assert tests["band_power"]["difference"] == pytest.approx(0.025)
    assert not tests["band_power"]["is_beaten"]
    assert list_not_beaten(tests) == ["log band power"]
    assert "adds nothing" in describe_verdict(tests)


def test_a_smaller_error_is_better():
    tests = compare_with_floors(
        result([5.0, 6.0, 5.5] * 2, "mae", "number"),
        {
            "random_weights": [result([9.0, 9.0, 8.0] * 2, "mae", "number")],
            "band_power": [result([4.0, 4.5, 4.0] * 2, "mae", "number")],
        },
        seed=0,
    )
    assert [test["is_beaten"] for test in tests.values()] == [True, False]
    assert tests["random_weights"]["difference"] < 0


def test_several_random_networks_are_compared_by_their_mean():
    networks = [result([0.5, 0.6]), result([0.7, 0.8])]
    tests = compare_with_floors(result([0.8, 0.9]), {"random_weights": networks}, seed=0)
    assert tests["random_weights"]["difference"] == pytest.approx(0.2)


@pytest.mark.parametrize(("n_persons", "is_beaten"), [(2, False), (5, False), (6, True)])
def test_few_persons_who_are_all_better_may_be_luck(n_persons, is_beaten):
    better, floor = result([0.9] * n_persons), result([0.5, 0.6, 0.7, 0.5, 0.6, 0.7][:n_persons])
    tests = compare_with_floors(better, {"band_power": [floor]}, seed=0)
    assert tests["band_power"]["low"] > 0
    assert tests["band_power"]["is_beaten"] == is_beaten


def test_one_person_and_undefined_values_beat_nothing():
    tests = compare_with_floors(result([0.9, None]), {"band_power": [result([0.5, 0.5])]}, seed=0)
    assert tests["band_power"]["n_persons"] == 1
    assert not tests["band_power"]["is_beaten"]
    assert compare_with_floors(result([None]), {"band_power": [result([0.5])]}, seed=0) == {}


def test_the_examples_run():
    assert doctest.testmod(floors).failed == 0
