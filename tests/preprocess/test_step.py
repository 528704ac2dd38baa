"""Types of parameters of steps."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from bids_dl.preprocess.step import Hertz, Names, Seconds, StepTraits
from bids_dl.preprocess.steps.registry import STEPS


@pytest.mark.parametrize("kind", [Hertz, Seconds])
@pytest.mark.parametrize("value", [True, float("nan"), float("inf"), "fast"])
def test_a_number_is_finite_and_no_bool(kind, value):
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)


def test_a_frequency_is_positive_and_a_time_may_be_negative():
    assert TypeAdapter(Seconds).validate_python(-1) == -1.0
    with pytest.raises(ValidationError):
        TypeAdapter(Hertz).validate_python(0)


def test_one_name_is_a_tuple_of_one_and_no_name_is_empty():
    names = TypeAdapter(Names)
    assert names.validate_python("Cz") == ("Cz",)
    assert names.validate_python(["Cz", "Pz"]) == ("Cz", "Pz")
    with pytest.raises(ValidationError):
        names.validate_python([""])


@pytest.mark.parametrize("name", STEPS)
def test_every_step_declares_its_traits(name):
    traits = STEPS[name].traits
    assert isinstance(traits, StepTraits | property)
