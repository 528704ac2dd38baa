"""Channels of recordings that differ: settled by the plan, the same whatever the order of what fails."""

from __future__ import annotations

import json
from fractions import Fraction

import mne
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.config.stages import PreprocessConfig
from bids_dl.datamodel import SignalSpec
from bids_dl.errors import ConfigError, RecordingError
from bids_dl.preprocess import load_recipe
from bids_dl.preprocess.recipe import Recipe
from bids_dl.preprocess.resolve import resolve
from bids_dl.preprocess.steps.drop import Drop
from bids_dl.preprocess.steps.harmonise import Harmonise
from bids_dl.preprocess.steps.pick import Pick
from bids_dl.preprocess.steps.rename import Rename
from bids_dl.preprocess.steps.resample import Resample


def spec(names, types=None, sfreq=160):
    names = names.split() if isinstance(names, str) else names
    return SignalSpec(
        tuple(names), tuple(types.split()) if types else ("eeg",) * len(names), Fraction(sfreq)
    )


def recipe(*steps):
    return Recipe("test", "", steps)


LAYOUTS = {
    "a": spec("Fp1 Cz O1 O2 EOG", "eeg eeg eeg eeg eog"),
    "b": spec("O2 O1 CZ Pz", sfreq=250),
    "c": spec("Cz O1 O2 Fp1"),
}


def test_common_channels_come_in_the_order_of_the_first_and_the_spelling_of_most():
    made = resolve(recipe(Harmonise()), LAYOUTS)
    assert made.recipe.signal_steps == (Harmonise(channels=("Cz", "O1", "O2")),)
    for one in LAYOUTS.values():
        assert made.recipe.output_spec(one).ch_names == ("Cz", "O1", "O2")


def test_what_is_left_out_is_said_with_how_many_have_it():
    [note] = resolve(recipe(Harmonise()), LAYOUTS).notes
    assert note == (
        "harmonise: 3 channels are common to all 3 recordings; left out are EOG (in 1), Pz (in 1), Fp1 (in 2); "
        "b lacks most of them (2 of 3)"
    )


def test_equal_recordings_are_harmonised_without_a_word():
    made = resolve(recipe(Harmonise()), {"a": LAYOUTS["c"], "b": LAYOUTS["c"]})
    assert made.notes == ()
    assert made.recipe.output_spec(LAYOUTS["c"]) == LAYOUTS["c"]


def test_steps_before_count_and_rates_do_not():
    made = resolve(recipe(Rename(names={"Cz": "Vertex"}), Harmonise(), Resample(100.0)), LAYOUTS)
    assert {made.recipe.output_spec(one) for one in LAYOUTS.values()} == {
        spec("Vertex O1 O2", sfreq=100)
    }


def test_a_recording_that_cannot_be_converted_takes_no_part():
    specs = LAYOUTS | {"broken": spec("X1 X2")}
    made = resolve(recipe(Drop(names=("Cz",)), Harmonise()), specs)
    assert made.recipe.signal_steps[1].channels == ("O1", "O2")


def test_a_channel_of_another_type_is_another_channel():
    specs = {"a": spec("Cz VEOG", "eeg eeg"), "b": spec("Cz VEOG", "eeg eog")}
    made = resolve(recipe(Harmonise()), specs)
    assert made.recipe.signal_steps[0].channels == ("Cz",)
    assert "VEOG (eeg) (in 1), VEOG (eog) (in 1)" in made.notes[0]


def test_nothing_in_common_is_refused_with_the_recording_that_has_least():
    with pytest.raises(ConfigError, match=r"no channel is common to all 2 recordings; b has E1;"):
        resolve(recipe(Harmonise()), {"a": spec("Cz Pz"), "b": spec("E1")})


def test_refuse_refuses_all_where_one_differs_and_says_how():
    with pytest.raises(
        ConfigError,
        match=r"2 of 3 recordings have other channels than a, first b: lacks Fp1, EOG and has also Pz;",
    ):
        resolve(recipe(Harmonise(channels="refuse")), LAYOUTS)


def test_refuse_takes_another_order_and_spelling_for_the_same():
    made = resolve(
        recipe(Harmonise(channels="refuse")),
        {"a": spec("Cz O1"), "b": spec("O1 CZ"), "c": spec("Cz O1")},
    )
    assert made.recipe.output_spec(spec("O1 CZ")) == spec("Cz O1")


def test_named_channels_need_no_plan_and_fail_the_recording_without_one():
    step = Harmonise(channels=("O1", "cz"))
    assert resolve(recipe(step), LAYOUTS).recipe == recipe(step)
    assert step.output_spec(LAYOUTS["b"]).ch_names == ("O1", "cz")
    with pytest.raises(RecordingError, match="no channel Fp1; the recording has O2") as failed:
        Harmonise(channels=("O1", "Fp1")).output_spec(LAYOUTS["b"])
    assert failed.value.stage == "channels"


def test_samples_follow_their_channels():
    raw = mne.io.RawArray(
        np.arange(8.0).reshape(4, 2),
        mne.create_info(["O2", "O1", "CZ", "Pz"], 250.0, "eeg"),
        verbose="error",
    )
    raw.info["bads"] = ["CZ"]
    made, reports = recipe(Harmonise(channels=("Cz", "O1"))).run(raw)
    assert made.ch_names == ["Cz", "O1"]
    np.testing.assert_array_equal(made.get_data(), [[4, 5], [2, 3]])
    assert made.info["bads"] == ["Cz"]
    assert reports[0].channels == ("O2", "Pz")


def test_a_recipe_that_is_settled_loads_back_equal(tmp_path):
    own = resolve(load_recipe(PreprocessConfig("common")), LAYOUTS).recipe
    assert next(step for step in own.to_dict()["steps"] if "harmonise" in step) == {
        "harmonise": {"channels": ["Cz", "O1", "O2"]}
    }
    (tmp_path / "own.yaml").write_text(json.dumps(own.to_dict()), encoding="utf-8")
    assert load_recipe(PreprocessConfig(str(tmp_path / "own.yaml"))).steps == own.steps


NAMES = st.lists(
    st.sampled_from(["Fp1", "Fp2", "C3", "Cz", "C4", "Pz", "O1", "O2"]), unique=True, min_size=1
)


@given(st.lists(NAMES, min_size=1, max_size=5))
def test_every_recording_gets_exactly_the_intersection(sets):
    specs = {str(i): spec(names) for i, names in enumerate(sets)}
    common = set.intersection(*map(set, sets))
    if not common:
        with pytest.raises(ConfigError, match="no channel is common"):
            resolve(recipe(Pick(types=("eeg",)), Harmonise()), specs)
        return
    made = resolve(recipe(Pick(types=("eeg",)), Harmonise()), specs)
    results = {made.recipe.output_spec(one).ch_names for one in specs.values()}
    assert results == {tuple(name for name in sets[0] if name in common)}
    assert (made.notes == ()) == all(set(names) == common for names in sets)
