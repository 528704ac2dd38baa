"""Recipes that extend others, and steps whose packages are missing."""

from __future__ import annotations

from fractions import Fraction
from importlib.metadata import PackageNotFoundError

import pytest

from bids_dl.config.stages import PreprocessConfig
from bids_dl.datamodel import SignalSpec
from bids_dl.errors import ConfigError
from bids_dl.preprocess import load_recipe, packages

LAYOUT = SignalSpec(tuple(f"E{i}" for i in range(1, 11)), ("eeg",) * 10, Fraction(250))


def write(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def load(path, **changes):
    return load_recipe(PreprocessConfig(str(path), changes))


def absent(name):
    raise PackageNotFoundError(name)


def names(recipe):
    return [step.name for step in recipe.steps]


def test_own_steps_come_after_those_of_the_recipe_it_extends(tmp_path):
    own = write(tmp_path / "own.yaml", "extends: default\nsteps: [baseline]\n")
    assert names(load(own)) == ["pick", "filter", "reference", "resample", "baseline"]


def test_changes_alone_make_another_recipe(tmp_path):
    own = write(
        tmp_path / "slow.yaml", "extends: default\nchanges: {filter.high: 30, resample.sfreq: 64}\n"
    )
    made, base = load(own), load("default")
    assert made.name == "slow"
    assert (made.steps[1].high, made.steps[3].sfreq) == (30.0, 64.0)
    assert [made.steps[i] for i in (0, 2)] == [base.steps[i] for i in (0, 2)]


def test_changes_reach_what_is_extended_and_not_own_steps(tmp_path):
    own = write(
        tmp_path / "own.yaml",
        "extends: default\nchanges: {filter.high: 30}\nsteps: [{filter: {high: 20}}]\n",
    )
    assert [step.high for step in load(own).steps if step.name == "filter"] == [30.0, 20.0]
    with pytest.raises(ConfigError, match=r"has 2 steps filter; say filter\[1\].high"):
        load(own, **{"filter.high": 10})
    assert [
        step.high for step in load(own, **{"filter[2].high": 10}).steps if step.name == "filter"
    ] == [30.0, 10.0]


def test_a_file_is_found_beside_the_one_that_extends_it(tmp_path):
    write(tmp_path / "a/base.yaml", "steps: [{resample: {sfreq: 64}}]\n")
    write(tmp_path / "a/middle.yaml", "extends: base.yaml\nsteps: [{reference: {channels: Cz}}]\n")
    own = write(tmp_path / "b/base.yaml", "extends: ../a/middle.yaml\nsteps: [baseline]\n")
    assert names(load(own)) == ["resample", "reference", "baseline"]


def test_the_base_is_not_changed_by_who_extends_it(tmp_path):
    before = load("default")
    load(write(tmp_path / "own.yaml", "extends: default\nchanges: {filter.high: 30}\n"))
    assert load("default") == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("extends: defualt\n", "no recipe 'defualt', did you mean 'default'"),
        (
            "extends: [default]\n",
            r"extends must be the name of a recipe or a .yaml file, got \['default'\]",
        ),
        ("extends:\nsteps: []\n", "extends must be the name of a recipe"),
        ("extends: missing.yaml\n", "missing.yaml: cannot be read"),
        ("extend: default\nsteps: []\n", "unknown key 'extend', did you mean 'extends'"),
        (
            "changes: {filter.high: 30}\nsteps: [{filter: {high: 40}}]\n",
            "changes alter the steps of another recipe",
        ),
        ("extends: default\nchanges: [filter.high]\n", "changes must be a mapping"),
        (
            "extends: default\nchanges: {filter.hihg: 30}\n",
            "filter has no parameter 'hihg', did you mean 'high'",
        ),
        (
            "extends: default\nchanges: {notch.freqs: 50}\n",
            "own.yaml, which extends default has no step 'notch'",
        ),
        (
            "extends: default\nchanges: {filter.high: wide}\n",
            r"recipe default, step 2 \(filter\): high = 'wide'",
        ),
        ("extends: default\nsteps: {filter: 1}\n", "a list of steps"),
        (
            "extends: default\nsteps: [{asr: {cutof: 1}}]\n",
            "asr has no parameter 'cutof', did you mean 'cutoff'",
        ),
        ("extends: own.yaml\n", "own.yaml extends itself, through recipe own.yaml"),
        ("name: empty\n", "a list of steps"),
    ],
)
def test_what_is_wrong_with_a_recipe_that_extends_is_said(tmp_path, text, said):
    with pytest.raises(ConfigError, match=said):
        load(write(tmp_path / "own.yaml", text))


def test_recipes_that_extend_each_other_are_refused(tmp_path):
    write(tmp_path / "a.yaml", "extends: b.yaml\n")
    write(tmp_path / "b.yaml", "extends: a.yaml\n")
    with pytest.raises(
        ConfigError, match=r"a.yaml extends itself, through recipe a.yaml and recipe b.yaml"
    ):
        load(tmp_path / "a.yaml")


@pytest.mark.parametrize("step", ["bad_channels", "drifts", "asr", "ica"])
def test_a_missing_package_is_said_with_the_command_before_any_work(tmp_path, monkeypatch, step):
    monkeypatch.setattr(packages, "version", absent)
    recipe = load(write(tmp_path / "own.yaml", f"steps: [{step}]\n"))
    with pytest.raises(
        ConfigError, match=rf"step {step}: .* not installed; run pip install 'bids_dl\[clean\]'"
    ):
        recipe.output_spec(LAYOUT)


def test_only_what_is_missing_is_named():
    with pytest.raises(ConfigError, match="step x: nowhere-at-all not installed"):
        packages.needed("x", "numpy", "nowhere-at-all")
