"""Order of the steps of a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
from recipe_yaml import load_file, write_recipe

from bids_dl.errors import ConfigError
from bids_dl.preprocess import StepTraits
from bids_dl.preprocess.step_order import check_order


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (
            "[{filter: {high: 3}}, dropouts]",
            "dropouts must come before filter, which changes the constant samples of a dropout",
        ),
        (
            "[{pick: {types: eeg}}, {reject: {dropout: 0.5}}]",
            "reject by dropout needs a step that marks dropouts; put the step dropouts first",
        ),
        (
            "[keep_selected, {resample: {sfreq: 100}}]",
            "resample must come before keep_selected, because .* samples of the final rate",
        ),
        ("[keep_selected, keep_selected]", "keep_selected cannot follow keep_selected"),
    ],
)
def test_an_order_that_cannot_work_is_refused(tmp_path, steps, message):
    with pytest.raises(ConfigError, match=f"^recipe own.yaml: {message}"):
        load_file(write_recipe(tmp_path / "own.yaml", f"steps: {steps}"))


@pytest.mark.parametrize(
    "steps",
    [
        "[{pick: {types: eeg}}, keep_selected, dropouts, {notch: {freqs: 50}}]",
        "[{resample: {sfreq: 100}}, keep_selected, {filter: {low: 1}}]",
        "[dropouts, {filter: {high: 3}}, {reject: {dropout: 0.5}}]",
        "[{reject: {flat: 1}}]",
    ],
)
def test_an_order_that_works_is_accepted(tmp_path, steps):
    load_file(write_recipe(tmp_path / "own.yaml", f"steps: {steps}"))


def test_the_rules_follow_the_traits_of_a_step_and_not_its_name():
    @dataclass(frozen=True)
    class Join:
        name: ClassVar[str] = "join"
        traits: ClassVar[StepTraits] = StepTraits(concatenates=True)

    @dataclass(frozen=True)
    class Decimate:
        name: ClassVar[str] = "decimate"
        traits: ClassVar[StepTraits] = StepTraits(changes_rate=True)

    check_order([Decimate(), Join()], "recipe own")
    with pytest.raises(ConfigError, match="decimate must come before join"):
        check_order([Join(), Decimate()], "recipe own")
