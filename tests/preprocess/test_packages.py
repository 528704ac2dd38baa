"""Packages that only some steps need."""

from __future__ import annotations

from fractions import Fraction
from importlib.metadata import PackageNotFoundError

import pytest
from recipe_yaml import load_file, write_recipe

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import ConfigError
from bids_dl.preprocess import packages

SPEC = SignalSpec(tuple(f"E{i}" for i in range(1, 11)), ("eeg",) * 10, Fraction(250))


@pytest.mark.parametrize("step", ["bad_channels", "drifts", "asr", "ica", "autoreject"])
def test_a_missing_package_is_reported_with_its_command_before_any_work(
    tmp_path, monkeypatch, step
):
    def raise_not_found(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(packages, "version", raise_not_found)
    recipe = load_file(write_recipe(tmp_path / "own.yaml", f"steps: [{step}]\n"))
    message = rf"step {step}: .* not installed; run pip install '?[a-z]"
    with pytest.raises(ConfigError, match=message):
        recipe.output_spec(SPEC)


def test_only_packages_that_are_missing_are_named():
    with pytest.raises(ConfigError, match="step x: nowhere-at-all not installed"):
        packages.require_packages("x", "numpy", "nowhere-at-all")
