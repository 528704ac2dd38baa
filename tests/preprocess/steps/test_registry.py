"""Registry of steps."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from bids_dl.preprocess import steps
from bids_dl.preprocess.steps.registry import SIGNAL_STEPS, STEPS, WINDOW_STEPS


def test_each_file_of_the_folder_is_a_step_of_the_registry():
    files = {path.stem for path in Path(steps.__file__).parent.glob("*.py")}
    assert set(STEPS) == files - {"__init__", "registry"}


def test_signal_steps_and_window_steps_have_their_methods():
    assert all(hasattr(step, "apply") for step in SIGNAL_STEPS.values())
    assert all(hasattr(step, "apply_windows") for step in WINDOW_STEPS.values())


@pytest.mark.parametrize("name", STEPS)
def test_each_step_documents_its_parameters_with_an_example(name):
    step = STEPS[name]
    assert step.name == name
    docstring = step.__doc__
    assert "In a recipe" in docstring
    assert f"- {name}" in docstring
    for field in fields(step):
        assert field.name in docstring
