"""The command line in this process: what is printed where, and the exit status."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import COMMANDS, EYES, assert_refused, without_styles

import bids_dl


def test_the_help_of_the_program_names_every_command(command):
    result = command("--help")
    assert result.status == 0
    assert all(re.search(rf"\b{name}\b", without_styles(result.out)) for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_shows_an_example(command, name):
    result = command(name, "--help")
    assert result.status == 0
    assert re.search(rf"Example: bids-dl {name}\b", without_styles(result.words))


def test_the_examples_of_the_help_run(command, eegbci, eyes_store):
    shutil.copytree(eegbci, "ds004362")
    assert command("events", "ds004362", "--hed", "Eyes-closed", "--window", "2").status == 0
    assert command("info", eyes_store).status == 0
    assert command("report", eyes_store).status == 0
    assert command("recipes", "default").status == 0
    assert command("models").status == 0


def test_the_version_is_printed(command):
    result = command("--version")
    assert (result.status, result.out) == (0, f"bids-dl {bids_dl.__version__}\n")


@pytest.mark.parametrize("module", ["bids_dl", "bids_dl.cli"])
def test_the_package_is_the_program(module):
    result = subprocess.run(
        [sys.executable, "-m", module, "--version"], capture_output=True, text=True, check=True
    )
    assert result.stdout == f"bids-dl {bids_dl.__version__}\n"


def test_nothing_that_mne_logs_is_in_the_output_of_a_command():
    code = (
        "from bids_dl.cli import main\n"
        "try: main()\n"
        "except SystemExit: import mne; mne.utils.logger.info('reading')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, "--version"], capture_output=True, text=True, check=True
    )
    assert result.stdout == f"bids-dl {bids_dl.__version__}\n"


def test_shell_completion_is_offered(command):
    help_text = without_styles(command("--help").out)
    assert "--install-completion" in help_text
    assert "--show-completion" in help_text


WRONG = {
    "a missing source": (
        ("events", "nowhere", "--hed", "Eyes-open"),
        ("nowhere", "no such folder"),
    ),
    "a misspelt tag": (
        ("events", "SAMPLE", "--hed", "Eyes-clozed"),
        ("Eyes-clozed", "Eyes-closed"),
    ),
    "a query that cannot be parsed": (
        ("events", "SAMPLE", "--hed", "(Eyes-open"),
        ("(Eyes-open",),
    ),
    "no query": (("events", "SAMPLE"), ("--hed",)),
    "a missing subject": (
        ("events", "SAMPLE", "--hed", "Eyes-open", "--subject", "999"),
        ("999", "001"),
    ),
    "windows longer than any block": (
        ("convert", "SAMPLE", "a.zarr", *EYES, "--window", "100"),
        ("100 s", "61.000 s"),
    ),
    "a stride without a window": (
        ("events", "SAMPLE", *EYES, "--stride", "2"),
        ("--stride needs --window",),
    ),
    "two kinds of windows": (
        ("events", "SAMPLE", *EYES, "--window", "2", "--tmin", "0", "--tmax", "1"),
        ("not both",),
    ),
    "two queries of one label": (
        ("events", "SAMPLE", "--hed", "a=Eyes-open", "--hed", "a=Eyes-closed"),
        ("'a'", "LABEL=QUERY"),
    ),
    "an unknown recipe": (
        ("convert", "SAMPLE", "a.zarr", *EYES, "--recipe", "defualt"),
        ("defualt", "default"),
    ),
    "an explanation of an unknown recipe": (("recipes", "defualt"), ("defualt", "default")),
    "an unknown parameter of a step": (
        ("convert", "SAMPLE", "a.zarr", *EYES, "--set", "filter.hi=40"),
        ("filter.hi", "'high'"),
    ),
    "a change without a value": (
        ("convert", "SAMPLE", "a.zarr", *EYES, "--set", "filter.high"),
        ("--set filter.high", "KEY=VALUE"),
    ),
    "fractions that do not add up to one": (
        ("convert", "SAMPLE", "a.zarr", *EYES, "--split", "0.5,0.1"),
        ("got 0.5,0.1",),
    ),
    "a missing split column": (
        ("convert", "SAMPLE", "a.zarr", *EYES, "--split", "group"),
        ("--split group", "Age"),
    ),
    "a split column without splits": (
        ("convert", "SAMPLE", "a.zarr", *EYES, "--split", "Gender"),
        ("sub-001", "train"),
    ),
    "no DEST": (("convert", "SAMPLE", *EYES), ("SOURCE... DEST", "ds004362")),
    "a DEST that is not a store": (
        ("convert", "SAMPLE", "SAMPLE", *EYES),
        ("is a BIDS dataset", "DEST follows all SOURCEs"),
    ),
    "an unknown kind of URL": (("convert", "SAMPLE", "gopher://a.zarr", *EYES), ("gopher",)),
    "no jobs": (("convert", "SAMPLE", "a.zarr", *EYES, "--jobs", "0"), ("jobs 0",)),
    "no jobs of a verification": (("verify", "STORE", "--jobs", "0"), ("jobs 0",)),
    "an unknown dtype": (
        ("convert", "SAMPLE", "a.zarr", *EYES, "--dtype", "int7"),
        ("int7", "float32"),
    ),
    "a missing file of options": (
        ("events", "SAMPLE", "--config", "nope.yaml"),
        ("nope.yaml",),
    ),
    "a missing store": (("info", "nowhere.zarr"), ("nowhere.zarr: no store there",)),
    "a folder that is not a store": (("info", "SAMPLE"), ("bids-dl store",)),
    "a report of no store": (("report", "nowhere.zarr"), ("nowhere.zarr: no store there",)),
    "a report into a missing folder": (
        ("report", "STORE", "-o", "nowhere/a.html"),
        ("nowhere/a.html", "folder nowhere does not exist"),
    ),
    "a report onto a folder": (("report", "STORE", "-o", "."), ("is a folder",)),
    "an unknown model": (("train", "STORE", "--model", "eegnot"), ("eegnot", "shallow-fbcsp")),
    "an unknown target": (("train", "STORE", "--target", "wisdom"), ("wisdom", "label")),
    "an empty batch": (("train", "STORE", "--batch-size", "0"), ("batch-size 0",)),
    "an unknown optimizer": (("train", "STORE", "--optimizer", "adamq"), ("adamq", "adamw")),
    "a missing run": (("predict", "STORE", "--run-dir", "nope"), ("nope",)),
    "no run": (("predict", "STORE"), ("--run-dir FOLDER",)),
    "predictions into a missing folder": (
        ("predict", "STORE", "--run-dir", "nope", "-o", "nowhere/a.csv"),
        ("--output nowhere/a.csv", "folder nowhere does not exist"),
    ),
    "an unknown option": (("info", "STORE", "--jsno"), ("--jsno", "--json")),
    "a misspelt command": (("evnts", "SAMPLE"), ("evnts", "events")),
    "a missing argument": (("info",), ("STORE",)),
    "an argument too many": (("info", "STORE", "another"), ("another",)),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_request_ends_with_2_and_a_short_message_with_the_value(
    command, eegbci, eyes_store, case
):
    arguments, fragments = WRONG[case]
    paths = {"SAMPLE": eegbci, "STORE": eyes_store}
    result = command(*(paths.get(argument, argument) for argument in arguments))
    assert_refused(result, *fragments)


def test_a_text_instead_of_a_number_is_shown_with_the_help_of_its_command(command, eegbci):
    result = command("events", eegbci, *EYES, "--window", "two")
    assert_refused(result, "--window 'two': expected a number (see: bids-dl events --help)")


def test_a_negative_seed_is_refused(command, eegbci):
    assert_refused(command("convert", eegbci, "a.zarr", *EYES, "--seed", "-1"), "-1")


def test_no_arguments_show_the_help_without_an_empty_error(command):
    result = command()
    assert result.status == 2
    assert "Usage:" in result.out
    assert "Traceback" not in result.err
    assert "error:  " not in result.err


def test_options_of_a_file_of_the_command_line_and_of_python_make_the_same_plan(
    command, eegbci, eyes_store
):
    Path("eyes.yaml").write_text(
        "hed: {eyes_open: Eyes-open, eyes_closed: Eyes-closed}\nwindow: 2\nstride: 2\n"
    )
    for options in (("--config", "eyes.yaml"), (*EYES, "--window", "2", "--stride", "2")):
        result = command("convert", eegbci, eyes_store, *options, "--json")
        assert result.status == 0, result.err
        assert result.json["unchanged"]
        assert result.json["n_windows"] == 240


def test_options_of_the_command_line_override_those_of_the_file(command, eegbci):
    Path("eyes.yaml").write_text(
        "hed: {eyes: {any: [Eyes-open, Eyes-closed], until: 10, trim: 1}}\n"
        "window: 2\nsubject: ['001']\n"
    )
    of_file = command("events", eegbci, "--config", "eyes.yaml", "--json")
    overridden = command("events", eegbci, "--config", "eyes.yaml", "--window", "4", "--json")
    assert of_file.json["counts"]["eyes"]["windows"] == 8
    assert overridden.json["counts"]["eyes"]["windows"] == 4


@pytest.mark.parametrize(
    ("content", "fragments"),
    [
        ("hed: Eyes-open\nwindw: 2\n", ("'windw'", "'window'")),
        ("hed: {a: {hed: Eyes-open, untl: 3}}\n", ("'untl'", "'until'")),
        ("hed: [a=Eyes-open\n", ("eyes.yaml", "not YAML")),
        ("- hed\n", ("eyes.yaml", "list")),
    ],
)
def test_a_wrong_file_of_options_is_refused_with_the_closest_name(
    command, eegbci, tmp_path, content, fragments
):
    (tmp_path / "eyes.yaml").write_text(content)
    result = command("convert", eegbci, "a.zarr", "--config", tmp_path / "eyes.yaml")
    assert_refused(result, *fragments)


def test_another_recipe_parameter_is_another_store(command, eegbci, eyes_store):
    windows = ("--window", "2", "--stride", "2")
    result = command("convert", eegbci, eyes_store, *EYES, *windows, "--set", "filter.high=40")
    assert_refused(result, "filter.high", "the store has 45.0; requested 40.0", "--overwrite")


@pytest.mark.slow
def test_event_locked_windows_have_their_event_at_time_zero(command, synthetic):
    result = command(
        *("convert", synthetic, "a.zarr", "--hed", "impulse=Label/Impulse"),
        *("--tmin", "-0.2", "--tmax", "0.6", "--scheduler", "synchronous", "--json"),
    )
    assert result.json["n_windows"] == 16
    store = bids_dl.open_store("a.zarr")
    average = store.read("signals")[:, store.channels.index("Fp1")].mean(0)
    assert np.abs(store.read("time")[average.argmax()]) < 1e-9


@pytest.mark.parametrize(
    ("names", "end"), [("age\tsex\thand", "\t\n"), ("my age\tmy_age\thand", "\n")]
)
def test_any_column_names_of_participants_give_a_store(command, synthetic, tmp_path, names, end):
    people = Path(shutil.copytree(synthetic, tmp_path / "syn")) / "participants.tsv"
    people.write_text(people.read_text().replace("age\tsex\thand", names).replace("\n", end))
    options = ("--hed", "closed=Eyes-closed", "--subject", "001", "--scheduler", "synchronous")
    assert command("convert", tmp_path / "syn", "a.zarr", *options).status == 0


def test_an_unfinished_store_is_refused_with_the_way_out(command, eyes_store):
    store = Path(shutil.copytree(eyes_store, "eyes.zarr"))
    (store / "zarr.json").unlink()
    (store / "unfinished.json").write_text("{}")
    commands = (("info",), ("train", "--epochs", "1"), ("predict", "--run-dir", "nope"))
    for name, *options in commands:
        result = command(name, store, *options)
        assert result.status == 2
        assert "not finished; run the same `bids-dl convert` again" in result.err
