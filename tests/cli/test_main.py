"""The command line as a user or a script meets it, in this process: what is printed, where, and the exit status."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import bids_dl

COMMANDS = ("events", "convert", "info", "report", "recipes", "models", "train", "predict", "demo")
EYES = ("--hed", "eyes_open=Eyes-open", "--hed", "eyes_closed=Eyes-closed")
LABELS = {"eyes_open", "eyes_closed"}


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", text)


def refused(done, *said):
    """Status 2, one to four lines on standard error that say what and no traceback, nothing printed, nothing written."""
    assert done.status == 2, done
    assert all(text in done.err for text in said), done.err
    assert done.err.startswith("error: ")
    assert 1 <= len(done.err.strip().splitlines()) <= 4
    assert "Traceback" not in done.err
    assert done.out == ""
    assert not list(Path.cwd().iterdir())


def test_the_help_of_the_program_names_every_command(command):
    done = command("--help")
    assert done.status == 0
    assert all(re.search(rf"\b{name}\b", plain(done.out)) for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_shows_an_example(command, name):
    done = command(name, "--help")
    assert done.status == 0
    assert re.search(rf"Example: bids-dl {name}\b", plain(done.words))


def test_the_examples_of_the_help_are_requests_that_are_understood(command, eegbci, eyes_store):
    shutil.copytree(eegbci, "ds004362")
    assert command("events", "ds004362", "--hed", "Eyes-closed", "--window", "2").status == 0
    assert command("info", eyes_store).status == 0
    assert command("report", eyes_store).status == 0
    assert command("recipes", "default").status == 0
    assert command("models").status == 0


WRONG = {
    "a source that is not there": (
        ("events", "nowhere", "--hed", "Eyes-open"),
        ("nowhere", "no such folder"),
    ),
    "a misspelt tag": (
        ("events", "SAMPLE", "--hed", "Eyes-clozed"),
        ("Eyes-clozed", "Eyes-closed"),
    ),
    "a query that cannot be read": (("events", "SAMPLE", "--hed", "(Eyes-open"), ("(Eyes-open",)),
    "no query": (("events", "SAMPLE"), ("--hed",)),
    "a subject that is not there": (
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
        ("'a'",),
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
    "fractions that are not one": (
        ("convert", "SAMPLE", "a.zarr", *EYES, "--split", "0.5,0.1"),
        ("0.5, 0.1",),
    ),
    "a split column that is not there": (
        ("convert", "SAMPLE", "a.zarr", *EYES, "--split", "group"),
        ("--split group", "Age"),
    ),
    "a split column without splits": (
        ("convert", "SAMPLE", "a.zarr", *EYES, "--split", "Gender"),
        ("sub-001", "train"),
    ),
    "no DEST": (("convert", "SAMPLE", *EYES), ("SOURCE... DEST", "ds004362")),
    "a DEST that is no store": (("convert", "SAMPLE", "SAMPLE", *EYES), ("no bids-dl store",)),
    "an unknown kind of URL": (("convert", "SAMPLE", "gopher://a.zarr", *EYES), ("gopher",)),
    "no jobs": (("convert", "SAMPLE", "a.zarr", *EYES, "--jobs", "0"), ("jobs 0",)),
    "an unknown dtype": (
        ("convert", "SAMPLE", "a.zarr", *EYES, "--dtype", "int7"),
        ("int7", "float32"),
    ),
    "a config file that is not there": (
        ("events", "SAMPLE", "--config", "nope.yaml"),
        ("nope.yaml",),
    ),
    "a store that is not there": (("info", "nowhere.zarr"), ("nowhere.zarr: no store there",)),
    "a folder that is no store": (("info", "SAMPLE"), ("no bids-dl store",)),
    "a report of no store": (("report", "nowhere.zarr"), ("nowhere.zarr: no store there",)),
    "a report into no folder": (
        ("report", "STORE", "-o", "nowhere/a.html"),
        ("nowhere/a.html", "no folder nowhere"),
    ),
    "a report onto a folder": (("report", "STORE", "-o", "."), ("is a folder",)),
    "an unknown model": (("train", "STORE", "--model", "eegnot"), ("eegnot", "shallow-fbcsp")),
    "an unknown target": (("train", "STORE", "--target", "wisdom"), ("wisdom", "label")),
    "a batch of nothing": (("train", "STORE", "--batch-size", "0"), ("batch-size 0",)),
    "a run that is not there": (("predict", "STORE", "--run", "nope"), ("nope",)),
    "no run": (("predict", "STORE"), ("--run",)),
    "an unknown option": (("info", "STORE", "--jsno"), ("--jsno", "--json")),
    "a misspelt command": (("evnts", "SAMPLE"), ("evnts", "events")),
    "a missing argument": (("info",), ("STORE",)),
    "an argument too many": (("info", "STORE", "another"), ("another",)),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_request_ends_2_with_a_short_message_that_shows_the_value(
    command, eegbci, eyes_store, what
):
    arguments, said = WRONG[what]
    places = {"SAMPLE": eegbci, "STORE": eyes_store}
    refused(command(*(places.get(argument, argument) for argument in arguments)), *said)


def test_a_number_that_is_none_is_shown(command, eegbci):
    refused(command("events", eegbci, *EYES, "--window", "two"), "--window", "two")


def test_a_negative_seed_is_refused(command, eegbci):
    refused(command("convert", eegbci, "a.zarr", *EYES, "--seed", "-1"), "-1")


def test_no_arguments_show_the_help_and_end_2(command):
    done = command()
    assert done.status == 2
    assert "Usage:" in done.out
    assert "Traceback" not in done.err


def test_no_arguments_are_no_error_without_words(command):
    assert "error:  " not in command().err


@pytest.mark.slow
def test_event_locked_windows_have_their_event_at_time_zero(command, synthetic):
    asked = (
        "--hed",
        "impulse=Label/Impulse",
        "--tmin",
        "-0.2",
        "--tmax",
        "0.6",
        "--jobs",
        "1",
        "--json",
    )
    assert command("convert", synthetic, "a.zarr", *asked).json["n_windows"] == 16
    store = bids_dl.open_store("a.zarr")
    average = store.read("signals")[:, store.channels.index("Fp1")].mean(0)
    assert np.abs(store.read("time")[average.argmax()]) < 1e-9


@pytest.mark.parametrize(
    ("names", "end"), [("age\tsex\thand", "\t\n"), ("my age\tmy_age\thand", "\n")]
)
def test_any_column_names_of_participants_give_a_store(command, synthetic, tmp_path, names, end):
    people = Path(shutil.copytree(synthetic, tmp_path / "syn")) / "participants.tsv"
    people.write_text(people.read_text().replace("age\tsex\thand", names).replace("\n", end))
    asked = ("--hed", "closed=Eyes-closed", "--subject", "001", "--jobs", "1")
    assert command("convert", tmp_path / "syn", "a.zarr", *asked).status == 0


@pytest.mark.slow
def test_convert_says_what_it_wrote_and_what_it_assumed(command, synthetic):
    done = command(
        "convert",
        synthetic,
        "a.zarr",
        "--hed",
        "closed=Eyes-closed",
        "--subject",
        "001",
        "--split",
        "1",
        "--jobs",
        "1",
    )
    assert done.status == 0
    assert "a.zarr: 10 windows of 1 recordings" in done.words
    assert "taking --window 2 --stride 2" in done.err
    assert [path.name for path in Path.cwd().iterdir()] == ["a.zarr"]


def test_options_of_a_file_of_the_command_line_and_of_python_make_the_same_plan(
    command, eegbci, eyes_store
):
    Path("eyes.yaml").write_text(
        "hed: {eyes_open: Eyes-open, eyes_closed: Eyes-closed}\nwindow: 2\nstride: 2\n"
    )
    for options in (("--config", "eyes.yaml"), (*EYES, "--window", "2", "--stride", "2")):
        done = command("convert", eegbci, eyes_store, *options, "--json")
        assert done.status == 0, done.err
        assert done.json["unchanged"]
        assert done.json["n_windows"] == 240


def test_options_of_the_command_line_win_over_the_file(command, eegbci):
    Path("eyes.yaml").write_text(
        "hed: {eyes: {any: [Eyes-open, Eyes-closed], until: 10, trim: 1}}\nwindow: 2\nsubject: ['001']\n"
    )
    assert (
        command("events", eegbci, "--config", "eyes.yaml", "--json").json["counts"]["eyes"][
            "windows"
        ]
        == 8
    )
    assert (
        command("events", eegbci, "--config", "eyes.yaml", "--window", "4", "--json").json[
            "counts"
        ]["eyes"]["windows"]
        == 4
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("hed: Eyes-open\nwindw: 2\n", ("'windw'", "'window'")),
        ("hed: {a: {hed: Eyes-open, untl: 3}}\n", ("'untl'", "'until'")),
        ("hed: [a=Eyes-open\n", ("eyes.yaml", "not YAML")),
        ("- hed\n", ("eyes.yaml", "list")),
    ],
)
def test_a_wrong_config_file_is_refused_with_the_closest_name(
    command, eegbci, tmp_path, content, said
):
    (tmp_path / "eyes.yaml").write_text(content)
    refused(command("convert", eegbci, "a.zarr", "--config", tmp_path / "eyes.yaml"), *said)


def test_another_recipe_parameter_is_another_store(command, eegbci, eyes_store):
    done = command(
        "convert",
        eegbci,
        eyes_store,
        *EYES,
        "--window",
        "2",
        "--stride",
        "2",
        "--set",
        "filter.high=40",
    )
    refused(done, "filter.high (45.0 there, 40.0 now)", "--overwrite")


def test_info_says_what_a_store_holds_and_how_to_stream_it(command, eyes_store):
    done = command("info", eyes_store)
    assert done.status == 0
    assert "240 windows x 24 channels x 256 samples (2 s at 128 Hz)" in done.words
    assert "train 2 people, 120 windows" in done.words
    assert "(CC0)" in done.words
    assert f'bids_dl.StreamingDataset("{eyes_store}", split="train", batch_size=64)' in done.out


def test_info_json_is_the_attributes_and_the_shape(command, eyes_store):
    found = command("info", eyes_store, "--json").json
    assert found["shape"] == [240, 24, 256]
    assert found["bytes"] > 240 * 24 * 256 * 4
    assert found["statistics"]["windows"] == {"eyes_open": 120, "eyes_closed": 120}
    assert found.items() >= bids_dl.open_store(str(eyes_store)).attributes.items()


def test_brackets_in_the_name_of_a_store_are_printed(command, eyes_store):
    name = "[old]/[/old]eyes.zarr"
    shutil.copytree(eyes_store, name)
    assert f'StreamingDataset("{name}"' in command("info", name).out


def test_recipes_lists_and_explains(command):
    [default] = [
        recipe for recipe in command("recipes", "--json").json if recipe["name"] == "default"
    ]
    assert "0.5-45 Hz" in default["description"]
    assert "0.5-45 Hz" in command("recipes").words
    assert [next(iter(step)) for step in command("recipes", "default", "--json").json["steps"]] == [
        "pick",
        "filter",
        "reference",
        "resample",
    ]
    assert re.search(
        r"4\. resample Polyphase .* sfreq: 128\.0", command("recipes", "default").words
    )


def test_models_lists_shapes_options_and_sources(command):
    known = {model["name"]: model for model in command("models", "--json").json}
    assert known["r-scnn"]["shape"] == [24, 256]
    assert all(model["source"] and model["summary"] for model in known.values())
    assert all(name in command("models").words for name in known)


def test_train_and_predict_go_round(command, eyes_store):
    trained = command(
        "train", eyes_store, "--epochs", "1", "--device", "cpu", "--run", "run", "--json"
    )
    assert trained.status == 0, trained.err
    assert trained.json["run"] == "run"
    assert trained.json["classes"] == ["eyes_open", "eyes_closed"]
    assert {"weights.safetensors", "predictions.csv", "metrics.json"} <= {
        path.name for path in Path("run").iterdir()
    }

    printed = command("predict", eyes_store, "--run", "run", "--split", "test", "--device", "cpu")
    rows = list(csv.DictReader(printed.out.splitlines()))
    assert list(rows[0]) == [
        "window",
        "dataset",
        "subject",
        "label",
        "predicted",
        "p_eyes_open",
        "p_eyes_closed",
        "seen",
    ]
    assert ({row["subject"] for row in rows}, {row["seen"] for row in rows}) == ({"004"}, {"False"})
    command(
        "predict",
        eyes_store,
        "--run",
        "run",
        "--split",
        "test",
        "--device",
        "cpu",
        "--output",
        "predictions.csv",
    )
    assert Path("predictions.csv").read_text() == printed.out
    right = np.mean([row["predicted"] == row["label"] for row in rows])
    assert right == pytest.approx(trained.json["windows"]["accuracy"]["value"])


def test_a_run_folder_is_never_overwritten(command, eyes_store):
    Path("run").mkdir()
    Path("run/notes.txt").write_text("mine")
    done = command("train", eyes_store, "--epochs", "1", "--run", "run")
    assert (done.status, [path.name for path in Path("run").iterdir()]) == (2, ["notes.txt"])
    assert "run: there already" in done.err


def test_an_unfinished_store_is_refused_with_the_way_out(command, eyes_store):
    store = Path(shutil.copytree(eyes_store, "eyes.zarr"))
    (store / "zarr.json").unlink()
    (store / "unfinished.json").write_text("{}")
    for arguments in (("info",), ("train", "--epochs", "1"), ("predict", "--run", "nope")):
        done = command(arguments[0], store, *arguments[1:])
        assert done.status == 2
        assert "not finished; run the same `bids-dl convert` again" in done.err
