"""Loading of recipes: shipped, from a file, extended and changed."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pytest
from recipe_yaml import load_file, load_steps, write_recipe

from bids_dl.config.stages import PreprocessConfig
from bids_dl.datamodel import SignalSpec
from bids_dl.errors import ConfigError
from bids_dl.preprocess import list_recipes, load_recipe

WITHOUT_MNE = """
import sys
from fractions import Fraction
from bids_dl.config.stages import PreprocessConfig
from bids_dl.datamodel import SignalSpec
from bids_dl.preprocess import list_recipes, load_recipe

list_recipes()
recipe = load_recipe(PreprocessConfig())
recipe.to_dict()
recipe.output_spec(SignalSpec(("Cz", "Oz"), ("eeg", "eeg"), Fraction(160)))
print({"mne", "scipy", "torch"} & set(sys.modules))
"""


def step_names(recipe):
    return [step.name for step in recipe.steps]


def test_the_default_recipe_picks_filters_references_and_resamples():
    recipe = load_recipe(PreprocessConfig())
    assert step_names(recipe) == ["pick", "filter", "reference", "resample"]
    source = SignalSpec(("Fp1", "Cz", "O1", "EOG1"), ("eeg", "eeg", "eeg", "eog"), Fraction(160))
    assert recipe.output_spec(source) == SignalSpec(
        ("Fp1", "Cz", "O1"), ("eeg", "eeg", "eeg"), Fraction(128)
    )


def test_every_shipped_recipe_loads_and_has_a_description_of_one_line():
    assert "default" in dict(list_recipes())
    for name, description in list_recipes():
        assert load_recipe(PreprocessConfig(name)).name == name
        assert len(description) > 20
        assert "\n" not in description


def test_a_recipe_loads_and_plans_without_importing_mne_or_scipy():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_MNE], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_a_change_reaches_its_step_and_no_other(tmp_path):
    changes = {"filter.high": 40, "resample.sfreq": "100", "pick.types": "eeg"}
    changed = load_file("default", **changes)
    _, band, _, resample = changed.steps
    assert (band.high, band.low, resample.sfreq) == (40.0, 0.5, 100.0)
    assert load_recipe(PreprocessConfig()).steps[1].high == 45.0
    twice = "  - filter: {low: 1}\n  - filter: {high: 30}\n"
    assert load_steps(tmp_path, twice, **{"filter[2].high": 20}).steps[1].high == 20.0


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        (
            "defualt",
            {},
            r"no recipe 'defualt', did you mean 'default'\?; use one of as-is, chambon2018, ",
        ),
        ("nowhere.yaml", {}, "recipe nowhere.yaml: cannot be read"),
        ("default", {"filter.hgih": 40}, r"no parameter 'hgih', did you mean 'high'\?"),
        ("default", {"filter.high": 0.1}, "low must be below high, got 0.5 and 0.1 Hz"),
    ],
)
def test_an_invalid_request_is_refused_in_one_line_with_a_suggestion(name, changes, message):
    with pytest.raises(ConfigError, match=message) as refused:
        load_file(name, **changes)
    assert "\n" not in str(refused.value)


def test_a_step_on_windows_before_a_step_on_the_recording_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="baseline works on windows, so it must come after"):
        load_steps(tmp_path, "  - baseline\n  - filter: {low: 1}\n")


def test_own_steps_come_after_those_of_the_extended_recipe(tmp_path):
    path = write_recipe(tmp_path / "own.yaml", "extends: default\nsteps: [baseline]\n")
    assert step_names(load_file(path)) == ["pick", "filter", "reference", "resample", "baseline"]


def test_changes_alone_make_another_recipe(tmp_path):
    text = "extends: default\nchanges: {filter.high: 30, resample.sfreq: 64}\n"
    changed = load_file(write_recipe(tmp_path / "slow.yaml", text))
    base = load_file("default")
    assert changed.name == "slow"
    assert (changed.steps[1].high, changed.steps[3].sfreq) == (30.0, 64.0)
    assert (changed.steps[0], changed.steps[2]) == (base.steps[0], base.steps[2])


def test_changes_of_a_file_reach_the_extended_recipe_but_not_its_own_steps(tmp_path):
    def high_edges(**changes):
        return [step.high for step in load_file(path, **changes).steps if step.name == "filter"]

    text = "extends: default\nchanges: {filter.high: 30}\nsteps: [{filter: {high: 20}}]\n"
    path = write_recipe(tmp_path / "own.yaml", text)
    assert high_edges() == [30.0, 20.0]
    with pytest.raises(ConfigError, match=r"has 2 steps filter; use filter\[1\].high"):
        high_edges(**{"filter.high": 10})
    assert high_edges(**{"filter[2].high": 10}) == [30.0, 10.0]


def test_a_relative_file_is_looked_up_beside_the_recipe_that_extends_it(tmp_path):
    write_recipe(tmp_path / "a/base.yaml", "steps: [{resample: {sfreq: 64}}]\n")
    middle = "extends: base.yaml\nsteps: [{reference: {channels: Cz}}]\n"
    write_recipe(tmp_path / "a/middle.yaml", middle)
    text = "extends: ../a/middle.yaml\nsteps: [baseline]\n"
    path = write_recipe(tmp_path / "b/base.yaml", text)
    assert step_names(load_file(path)) == ["resample", "reference", "baseline"]


def test_extending_a_recipe_does_not_change_it(tmp_path):
    before = load_file("default")
    text = "extends: default\nchanges: {filter.high: 30}\n"
    load_file(write_recipe(tmp_path / "own.yaml", text))
    assert load_file("default") == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("extends: defualt\n", "no recipe 'defualt', did you mean 'default'"),
        ("extends: missing.yaml\n", "missing.yaml: cannot be read"),
        (
            "extends: default\nchanges: {filter.hihg: 30}\n",
            "filter has no parameter 'hihg', did you mean 'high'",
        ),
        (
            "extends: default\nchanges: {notch.freqs: 50}\n",
            "own.yaml, which extends default, has no step 'notch'",
        ),
        (
            "extends: default\nchanges: {filter.high: wide}\n",
            r"recipe default, step 2 \(filter\): high = 'wide'",
        ),
        (
            "extends: default\nsteps: [{asr: {cutof: 1}}]\n",
            "asr has no parameter 'cutof', did you mean 'cutoff'",
        ),
        ("extends: own.yaml\n", "own.yaml extends itself, through recipe own.yaml"),
    ],
)
def test_an_error_in_an_extending_recipe_names_the_file_at_fault(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        load_file(write_recipe(tmp_path / "own.yaml", text))


def test_recipes_that_extend_each_other_are_refused(tmp_path):
    path = write_recipe(tmp_path / "a.yaml", "extends: b.yaml\n")
    write_recipe(tmp_path / "b.yaml", "extends: a.yaml\n")
    message = r"a.yaml extends itself, through recipe a.yaml and recipe b.yaml"
    with pytest.raises(ConfigError, match=message):
        load_file(path)
