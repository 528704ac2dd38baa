"""Choice of the channels of `Harmonise` by the headers of all recordings."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recipe_yaml import load_file, write_recipe

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import ConfigError
from bids_dl.preprocess.recipe import Recipe
from bids_dl.preprocess.resolve import resolve_channels
from bids_dl.preprocess.steps.drop import Drop
from bids_dl.preprocess.steps.harmonise import Harmonise
from bids_dl.preprocess.steps.pick import Pick
from bids_dl.preprocess.steps.rename import Rename
from bids_dl.preprocess.steps.resample import Resample


def spec(names, types=None, sfreq=160):
    names = names.split() if isinstance(names, str) else names
    ch_types = tuple(types.split()) if types else ("eeg",) * len(names)
    return SignalSpec(tuple(names), ch_types, Fraction(sfreq))


def resolve(*steps, specs):
    return resolve_channels(Recipe("test", "", steps), specs)


SPECS = {
    "a": spec("Fp1 Cz O1 O2 EOG", "eeg eeg eeg eeg eog"),
    "b": spec("O2 O1 CZ Pz", sfreq=250),
    "c": spec("Cz O1 O2 Fp1"),
}


def test_common_channels_have_the_order_of_the_first_and_the_most_frequent_spelling():
    resolved = resolve(Harmonise(), specs=SPECS)
    assert resolved.recipe.signal_steps == (Harmonise(channels=("Cz", "O1", "O2")),)
    for source in SPECS.values():
        assert resolved.recipe.output_spec(source).ch_names == ("Cz", "O1", "O2")


def test_left_out_channels_are_noted_with_the_number_of_recordings_that_have_them():
    [note] = resolve(Harmonise(), specs=SPECS).notes
    assert note == (
        "harmonise: 3 channels common to all 3 recordings; "
        "left out are EOG (in 1), Pz (in 1), Fp1 (in 2); b lacks most of them (2 of 3)"
    )


def test_recordings_with_equal_channels_are_harmonised_without_a_note():
    resolved = resolve(Harmonise(), specs={"a": SPECS["c"], "b": SPECS["c"]})
    assert resolved.notes == ()
    assert resolved.recipe.output_spec(SPECS["c"]) == SPECS["c"]


def test_channels_after_the_earlier_steps_are_compared_whatever_the_rate():
    steps = (Rename(names={"Cz": "Vertex"}), Harmonise(), Resample(100.0))
    resolved = resolve(*steps, specs=SPECS)
    outputs = {resolved.recipe.output_spec(source) for source in SPECS.values()}
    assert outputs == {spec("Vertex O1 O2", sfreq=100)}


def test_a_recording_that_cannot_be_converted_is_ignored():
    specs = SPECS | {"broken": spec("X1 X2")}
    resolved = resolve(Drop(names=("Cz",)), Harmonise(), specs=specs)
    assert resolved.recipe.signal_steps[1].channels == ("O1", "O2")


def test_channels_of_one_name_and_two_types_are_different():
    specs = {"a": spec("Cz VEOG", "eeg eeg"), "b": spec("Cz VEOG", "eeg eog")}
    resolved = resolve(Harmonise(), specs=specs)
    assert resolved.recipe.signal_steps[0].channels == ("Cz",)
    assert "VEOG (eeg) (in 1), VEOG (eog) (in 1)" in resolved.notes[0]


def test_recordings_without_a_common_channel_are_refused_with_the_smallest_of_them():
    with pytest.raises(ConfigError, match=r"no channel is common to all 2 recordings; b has E1;"):
        resolve(Harmonise(), specs={"a": spec("Cz Pz"), "b": spec("E1")})


def test_refuse_refuses_different_channels_with_the_difference():
    message = (
        r"2 of 3 recordings have other channels than a, first b: "
        r"lacks Fp1, EOG and also has Pz; the recipe refuses that"
    )
    with pytest.raises(ConfigError, match=message):
        resolve(Harmonise(channels="refuse"), specs=SPECS)


def test_refuse_accepts_another_order_and_spelling():
    specs = {"a": spec("Cz O1"), "b": spec("O1 CZ"), "c": spec("Cz O1")}
    resolved = resolve(Harmonise(channels="refuse"), specs=specs)
    assert resolved.recipe.output_spec(spec("O1 CZ")) == spec("Cz O1")


def test_named_channels_are_not_replaced():
    step = Harmonise(channels=("O1", "cz"))
    resolved = resolve(step, specs=SPECS)
    assert resolved.recipe.signal_steps == (step,)
    assert resolved.notes == ()


def test_a_resolved_recipe_loads_back_equal(tmp_path):
    resolved = resolve_channels(load_file("common"), SPECS).recipe
    steps = resolved.to_dict()["steps"]
    assert {"harmonise": {"channels": ["Cz", "O1", "O2"]}} in steps
    path = write_recipe(tmp_path / "own.yaml", json.dumps(resolved.to_dict()))
    assert load_file(path).steps == resolved.steps


NAMES = st.lists(
    st.sampled_from(["Fp1", "Fp2", "C3", "Cz", "C4", "Pz", "O1", "O2"]), unique=True, min_size=1
)


@given(st.lists(NAMES, min_size=1, max_size=5))
def test_every_recording_gets_exactly_the_intersection(name_lists):
    specs = {str(i): spec(names) for i, names in enumerate(name_lists)}
    common = set.intersection(*map(set, name_lists))
    steps = (Pick(types=("eeg",)), Harmonise())
    if not common:
        with pytest.raises(ConfigError, match="no channel is common"):
            resolve(*steps, specs=specs)
        return
    resolved = resolve(*steps, specs=specs)
    outputs = {resolved.recipe.output_spec(source).ch_names for source in specs.values()}
    assert outputs == {tuple(name for name in name_lists[0] if name in common)}
    assert (resolved.notes == ()) == all(set(names) == common for names in name_lists)
