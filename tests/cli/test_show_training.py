"""Output of `bids-dl train` and `predict`."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest


def test_train_and_predict_agree(command, eyes_store):
    trained = command(
        *("train", eyes_store, "--epochs", "1", "--device", "cpu", "--run-dir", "run", "--json")
    )
    assert trained.status == 0, trained.err
    assert trained.json["run"] == "run"
    assert trained.json["classes"] == ["eyes_open", "eyes_closed"]
    assert {"weights.safetensors", "predictions.csv", "metrics.json"} <= {
        path.name for path in Path("run").iterdir()
    }

    prediction = ("predict", eyes_store, "--run-dir", "run", "--split", "test", "--device", "cpu")
    printed = command(*prediction)
    rows = list(csv.DictReader(printed.out.splitlines()))
    assert list(rows[0]) == [
        *("window", "dataset", "subject", "label", "predicted", "p_eyes_open", "p_eyes_closed"),
        "seen",
    ]
    assert ({row["subject"] for row in rows}, {row["seen"] for row in rows}) == ({"004"}, {"False"})
    assert command(*prediction, "--output", "predictions.csv").out == ""
    assert Path("predictions.csv").read_text() == printed.out
    correct = np.mean([row["predicted"] == row["label"] for row in rows])
    assert correct == pytest.approx(trained.json["windows"]["accuracy"]["value"])


def test_the_former_flag_of_the_run_folder_is_accepted_with_a_warning(command, eyes_store):
    result = command("predict", eyes_store, "--run", "nope")
    assert result.status == 2
    assert "warning --run is deprecated; use --run-dir" in result.err
    assert "nope" in result.err.splitlines()[-1]


def test_accuracy_is_printed_per_person(command, eyes_store):
    result = command(
        *("train", eyes_store, "--epochs", "1", "--device", "cpu", "--run-dir", "run", "--quiet")
    )
    assert (result.status, result.err) == (0, "")
    assert "majority vote per person" in result.words
    assert "ds004362 004 60" in result.words
    assert result.words.endswith("run folder: run")


def test_a_run_folder_is_never_overwritten(command, eyes_store):
    Path("run").mkdir()
    Path("run/notes.txt").write_text("mine")
    result = command("train", eyes_store, "--epochs", "1", "--run-dir", "run")
    assert (result.status, [path.name for path in Path("run").iterdir()]) == (2, ["notes.txt"])
    assert "run: " in result.err
