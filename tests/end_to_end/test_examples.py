"""Each script of examples/ does what its first line says."""

from __future__ import annotations

import ast
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from bids_dl.models.adapters.packages import import_optional, recorded_repairs

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))
MAX_LINES = 80  # of a script, so that it is read at once
MAX_LAYOUT_LINES = 100  # because real downloads have files that cannot be used


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Function that runs a script in this process and returns what it prints."""

    def run_main(name: str, folder: Path, requires: str | None = None) -> str:
        if requires is not None and find_spec(requires) is None:
            pytest.skip(f"{requires} is not installed")
        if requires is not None:
            with recorded_repairs():  # of a torchvision built for another device than torch
                import_optional(requires, "examples")
        capsys.readouterr()
        runpy.run_path(str(EXAMPLES / name))["main"](folder)
        return capsys.readouterr().out

    return run_main


@pytest.fixture
def folder(eyes_store: Path, tmp_path: Path) -> Path:
    """Folder that already contains the store of the sample, as after a first run of an example."""
    shutil.copytree(eyes_store, tmp_path / "eyes.zarr")
    return tmp_path


@pytest.mark.slow
def test_convert_and_stream_converts_and_streams_the_training_split(eyes_store, tmp_path):
    result = subprocess.run(
        [sys.executable, str(EXAMPLES / "convert_and_stream.py"), str(tmp_path)],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert "240 windows of 8 recordings, 0 failed" in result.stdout
    assert result.stdout.count("batch (") == 4
    assert result.stdout.strip().endswith(
        "one epoch: 4 batches, 120 windows: {'eyes_open': 60, 'eyes_closed': 60}"
    )
    manifest = (tmp_path / "eyes.zarr" / "manifest.json").read_bytes()
    assert manifest == (eyes_store / "manifest.json").read_bytes()


def test_xarray_alpha_finds_more_alpha_with_closed_eyes_in_everybody(run, folder):
    printed = run("xarray_alpha.py", folder)
    ratios = dict(re.findall(r"sub-(\d+): alpha power is ([\d.]+) times higher", printed))
    assert list(ratios) == ["001", "002", "003", "004"]
    assert all(float(ratio) > 3 for ratio in ratios.values())


def test_train_own_model_is_accurate_on_the_held_out_person(run, folder):
    printed = run("train_own_model.py", folder)
    match = re.search(r"sub-(\d+), held out: .* windows correct \((\d+)%\)", printed)
    assert match is not None, printed
    assert match[1] == "004"
    assert int(match[2]) >= 75


@pytest.mark.slow
def test_train_lightning_is_accurate_on_the_held_out_person(run, folder):
    assert accuracy_of(run("train_lightning.py", folder, requires="lightning")) >= 75


@pytest.mark.slow
def test_train_skorch_is_accurate_on_the_held_out_person(run, folder):
    assert accuracy_of(run("train_skorch.py", folder, requires="skorch")) >= 75


def accuracy_of(printed: str) -> int:
    """Return the accuracy in per cent that a script has printed."""
    match = re.search(r"held-out person: (\d+)% of 60 windows correct", printed)
    assert match is not None, printed
    return int(match[1])


def test_resume_loses_and_repeats_nothing(run, folder):
    printed = run("resume.py", folder)
    assert "stopped after 5 of 15 batches" in printed
    assert "80 windows before, 160 after, each once: True" in printed
    assert "the same order as without the stop: True" in printed
    assert (folder / "checkpoint.json").is_file()


@pytest.mark.slow
def test_event_locked_averages_peak_at_the_event(run, tmp_path):
    printed = run("event_locked.py", tmp_path)
    assert "24 windows of 128 samples, -0.250 to 0.742 s from the event" in printed
    match = re.search(r"peaks ([+-][\d.]+) s", printed)
    assert match is not None, printed
    assert float(match[1]) == 0


@pytest.mark.slow
def test_custom_recipe_prints_the_steps_that_made_the_store(run, tmp_path):
    printed = run("custom_recipe.py", tmp_path)
    assert "(29, 6, 400) windows, channels, samples at 100 Hz: O1, O2, P7, P3, P4, P8" in printed
    assert "'low': 4.0, 'high': 20.0" in printed, "`set` overrides the recipe"
    assert "notch changed 100% of the samples notches at 60 Hz" in printed


@pytest.mark.slow
def test_system1_sex_learns_the_planted_topographies(run, tmp_path):
    printed = run("system1_sex.py", tmp_path, requires="eegprep")
    assert percent_of("persons by vote", printed) >= 80
    assert (tmp_path / "run" / "record.html").is_file()


@pytest.mark.slow
def test_system2_sleep_stages_new_nights(run, tmp_path):
    printed = run("system2_sleep.py", tmp_path)
    [kappa] = re.findall(r"new nights: kappa ([\d.]+)", printed)
    assert float(kappa) >= 0.9
    assert (tmp_path / "run" / "record.html").is_file()


@pytest.mark.slow
def test_system3_votes_is_better_than_the_mean_of_the_votes(run, tmp_path):
    printed = run("system3_votes.py", tmp_path)
    match = re.search(r"divergence ([\d.]+), ([\d.]+) of the mean of the training", printed)
    assert match is not None, printed
    assert float(match[1]) < float(match[2])
    assert (tmp_path / "run" / "record.html").is_file()


@pytest.mark.slow
def test_system4_active_learning_proposes_windows_of_both_classes_of_the_new_person(run, folder):
    printed = run("system4_active_learning.py", folder)
    assert percent_of("windows correct", printed) >= 70
    proposed = re.findall(r"^sub-004/eeg/\S+ +[\d.]+ +(eyes_\w+) +[\d.]+$", printed, re.M)
    assert sorted(proposed) == ["eyes_closed"] * 3 + ["eyes_open"] * 3
    assert (folder / "run" / "record.html").is_file()


@pytest.mark.slow
def test_system5_seizure_prediction_learns_power_images(run, tmp_path):
    printed = run("system5_seizure_prediction.py", tmp_path, requires="timm")
    assert percent_of("windows correct", printed) >= 65
    assert (tmp_path / "run" / "record.html").is_file()


@pytest.mark.slow
def test_many_datasets_train_one_network_for_new_persons_of_each(run, tmp_path):
    printed = run("many_datasets.py", tmp_path)
    shares = dict(re.findall(r"^(\w+): (\d+)% of 40 windows of new persons$", printed, re.M))
    assert list(shares) == ["biosemi64", "cap24", "cap129"]
    assert min(map(int, shares.values())) >= 75


def percent_of(what: str, printed: str) -> int:
    """Return the number of per cent that a script has printed of something."""
    match = re.search(rf"(\d+)% of {what}", printed)
    assert match is not None, printed
    return int(match[1])


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_an_example_is_short_documented_and_tested(script):
    text = script.read_text(encoding="utf-8")
    is_layout = script.name.startswith("layout_")
    arguments = "DOWNLOADED_FOLDER BIDS_FOLDER" if is_layout else "[FOLDER]"
    tests = Path(__file__).with_name("test_layouts.py") if is_layout else Path(__file__)
    assert f"Usage: python {script.name} {arguments}" in (ast.get_docstring(ast.parse(text)) or "")
    assert 'if __name__ == "__main__":' in text
    assert text.count("\n") <= (MAX_LAYOUT_LINES if is_layout else MAX_LINES)
    assert f'"{script.name}"' in tests.read_text(encoding="utf-8")
