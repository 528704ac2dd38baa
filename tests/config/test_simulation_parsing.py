from __future__ import annotations

import doctest

import pytest

from bids_dl.config import simulation_parsing
from bids_dl.config.simulation_parsing import parse_simulation
from bids_dl.errors import ConfigError

PATIENTS = {"leave_one_patient_out": True}


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(simulation_parsing).failed == 0


def test_numbers_of_answers_are_sorted_and_distinct():
    for answers in ("50, 0,20,20", [20, 0, 50]):
        assert parse_simulation(PATIENTS | {"answers": answers}).answers == (0, 20, 50)
    assert parse_simulation(PATIENTS).answers == (0, 20, 50, 100, 200)


def test_texts_and_values_of_python_are_the_same_settings():
    typed = {"strategy": "margin, margin,random", "test": "0.25", "model_options": ["f1=4"]}
    values = {"strategy": ["margin", "random"], "test": 0.25, "model_options": {"f1": 4}}
    assert parse_simulation(typed | {"model": "eegnet"}) == parse_simulation(
        values | {"model": "eegnet"}
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test": "1"}, "--test 1: expected a share of the people above 0 and below 1, or split"),
        ({"test": "0"}, "--test 0: expected a share"),
        ({"strategy": "margin,"}, "--strategy 'margin,': expected names"),
        ({"batch": 0}, "--batch 0: expected a number of at least 1"),
        ({"metric": "f1"}, "--metric"),
        ({"epochs": 3}, "--epochs has no effect without a network; add --model NAME"),
        ({"model_options": ["f1=4"]}, "--model-option has no effect without a network"),
        ({"answers": "0,5"}, "--answers has no effect without --leave-one-patient-out"),
        (PATIENTS | {"answers": "0,x"}, "--answers '0,x': expected whole numbers, such as"),
        (PATIENTS | {"answers": [1.5]}, "--answers .*: expected whole numbers"),
        (PATIENTS | {"answers": "-1,5"}, "--answers '-1,5': expected whole numbers"),
        (PATIENTS | {"answers": "0"}, "--answers '0': expected a number above 0"),
        (PATIENTS | {"budget": 50}, "--budget has no effect with --leave-one-patient-out: --ans"),
        (PATIENTS | {"test": "0.5"}, "--test has no effect with --leave-one-patient-out: each"),
        (PATIENTS | {"automatic": True}, "--automatic has no effect with --leave-one-patient-out"),
        ({"model": "eegnet", "automatic": True}, "--automatic needs weights of single windows"),
    ],
)
def test_a_wrong_option_is_named_as_it_is_typed(options, message):
    with pytest.raises(ConfigError, match=message):
        parse_simulation(options)
