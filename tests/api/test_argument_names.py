"""Errors name options as arguments in Python, and as flags on the command line."""

from __future__ import annotations

import doctest

import pytest

import bids_dl
from bids_dl.api import argument_names
from bids_dl.config.declaration import declared_options
from bids_dl.config.explain_options import ExplainOptions
from bids_dl.config.options import ConvertOptions, EventsOptions, VerifyOptions
from bids_dl.config.training_options import CompareOptions, PredictOptions, TrainOptions
from bids_dl.errors import ConfigError, RecordingError

OPTIONS = declared_options(
    *(EventsOptions, ConvertOptions, VerifyOptions),
    *(TrainOptions, PredictOptions, CompareOptions, ExplainOptions),
)


def test_the_examples_are_right():
    assert doctest.testmod(argument_names).failed == 0


@pytest.mark.parametrize("name", [name for name, option in OPTIONS.items() if option.flags])
def test_every_flag_becomes_the_argument_of_its_option(name):
    option = OPTIONS[name]
    text = argument_names.with_arguments(f"3 windows: {option.flags[0]}, or none")
    assert text == f"3 windows: {name}{'=True' if option.type is bool else ''}, or none"


@pytest.mark.parametrize(
    "message", ["run `bids-dl verify a.zarr --source ds` again", "a--hed.edf", "--json", "5 --- 6"]
)
def test_what_is_no_flag_of_an_argument_stays_as_it_is(message):
    assert argument_names.with_arguments(message) == message


def test_an_error_keeps_its_class_and_its_message_with_flags(eegbci):
    with pytest.raises(ConfigError) as refusal:
        bids_dl.events(eegbci, hed="Eyes-open", min_duration="x")
    assert str(refusal.value) == "min_duration='x': expected a number"
    assert refusal.value.shell_text == "--min-duration 'x': expected a number"


def test_an_error_with_more_arguments_can_be_raised_through_a_function():
    @argument_names.name_arguments
    def fail() -> None:
        raise RecordingError("filter", "give --set")

    with pytest.raises(RecordingError, match=r"^filter: give set$"):
        fail()
