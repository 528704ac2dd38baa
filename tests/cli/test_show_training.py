"""Output of `bids-dl train` and `predict`."""

from __future__ import annotations

import csv
import doctest
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from finished_runs import ACCURACIES, band_power, metrics_of

from bids_dl.cli import show_training

TRAIN = ("--epochs", "1", "--device", "cpu", "--run-dir", "run")
NAIVE = {
    "chance": {"windows": 0.5, "votes": 0.5, "votes_limit": 0.75},
    "largest_class": {"class": "rest", "windows": 0.6, "votes": 0.5},
}


@dataclass
class Result:
    """Result of a training, as far as it is printed."""

    metrics: dict[str, Any]
    run_dir: Path = Path("run")


def printed(capsys, metrics: dict[str, Any]) -> str:
    """Return what is printed of metrics, in one line."""
    show_training.print_training(Result(metrics))
    return " ".join(capsys.readouterr().out.split())


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)


def test_the_examples_are_right():
    assert doctest.testmod(show_training).failed == 0


def test_results_are_printed_beside_their_baselines(capsys):
    metrics = metrics_of(ACCURACIES, baselines=NAIVE | band_power([0.9] * 8))
    text = printed(capsys, metrics)
    assert text.startswith("label: 2 classes (rest, move) accuracy (95 % interval) Cohen's kappa")
    assert "80 windows 0.800 (0.500 to 1.000) -" in text
    assert "16 votes by block 0.800 (0.500 to 1.000) 0.500" in text
    assert "mean over 8 persons 0.800" in text
    assert "band-power, windows 0.900" in text
    assert "largest class, windows 0.600" in text
    assert "chance: at most 5 % of guesses have an accuracy of votes above 0.750" in text
    assert "over windows, the model is not better than: band-power chance:" in text
    assert "normalize: recording (recordings have several classes)" in text
    assert text.endswith("record: run/record.html run folder: run")
    assert "same person" not in text


def test_a_number_is_printed_with_its_errors_and_the_training_mean(capsys):
    metrics = metrics_of([0.5, 0.5])
    mae = {"value": 6.25, "low": 5.0, "high": 8.0}
    metrics |= {"target": "age", "kind": "number", "outputs": ["age"], "main": "mae"}
    metrics |= {"windows": {"n": 20, "mae": mae, "r": {"value": None}}, "person_means": {}}
    metrics["votes"] = {"n": 2, "mae": mae, "r": {"value": 0.4}}
    metrics["baselines"] = {"training_mean": {"windows": {"mae": 11.5, "r": None}}}
    text = printed(capsys, metrics)
    assert text.startswith("age: number mean absolute error (95 % interval) Pearson's r")
    assert "2 votes by block 6.250 (5.000 to 8.000) 0.400" in text
    assert "training mean, windows 11.500 -" in text


def test_a_test_on_the_same_person_is_printed_as_such(capsys):
    assert "same person: each tested person was also trained on" in printed(
        capsys, metrics_of(ACCURACIES, same_person=True)
    )


def test_the_spread_over_seeds_is_printed(capsys):
    spread = {"accuracy": {"mean": 0.8, "sd": 0.02, "min": 0.78, "max": 0.82}}
    metrics = metrics_of(ACCURACIES, seeds=[{}, {}, {}], seed_spread=spread)
    expected = "3 seeds: accuracy 0.780 to 0.820, standard deviation 0.020"
    assert expected in printed(capsys, metrics)


def test_an_undefined_spread_over_seeds_is_left_out(capsys):
    spread = {"accuracy": {"mean": None, "sd": None, "min": None, "max": None}}
    assert "seeds" not in printed(capsys, metrics_of([0.5], seeds=[{}, {}], seed_spread=spread))


def test_the_cost_is_printed_if_the_run_folder_has_it(capsys):
    Path("run").mkdir()
    cost = {"n_parameters": 12345, "train_seconds": 34.2, "device": "cpu"}
    cost |= {"windows_per_second": 812.4, "waiting_share": 0.04}
    Path("run/cost.json").write_text(json.dumps(cost))
    assert (
        "cost: 12,345 parameters, 34 s of training on cpu, 812 windows/s, 4 % waiting for data"
        in printed(capsys, metrics_of(ACCURACIES))
    )


def test_a_missing_baseline_has_a_reason(capsys):
    metrics = metrics_of(ACCURACIES, baselines={"band_power": {"reason": "too short"}})
    assert "no band-power baseline: too short" in printed(capsys, metrics)


def test_many_persons_are_counted(capsys):
    text = printed(capsys, metrics_of([0.5] * 23))
    assert "ds1 020 10 0.500 and 3 more people" in text


def test_warnings_of_the_results_are_printed_on_standard_error(capsys):
    show_training.print_training(Result(metrics_of([0.5], warnings=["few people"])))
    assert "warning few people" in capsys.readouterr().err


def test_train_and_predict_agree(command, eyes_store):
    trained = command("train", eyes_store, *TRAIN, "--json")
    assert trained.status == 0, trained.err
    assert trained.json["run"] == "run"
    assert trained.json["outputs"] == ["eyes_open", "eyes_closed"]
    assert {"weights.safetensors", "predictions.csv", "metrics.json", "record.html"} <= {
        path.name for path in Path("run").iterdir()
    }

    prediction = ("predict", eyes_store, "--run-dir", "run", "--split", "test", "--device", "cpu")
    text = command(*prediction)
    rows = list(csv.DictReader(text.out.splitlines()))
    assert {"window", "dataset", "subject", "label", "predicted", "p_eyes_open", "seen"} <= set(
        rows[0]
    )
    assert ({row["subject"] for row in rows}, {row["seen"] for row in rows}) == ({"004"}, {"False"})
    assert command(*prediction, "--output", "predictions.csv").out == "predictions.csv\n"
    assert Path("predictions.csv").read_text() == text.out
    correct = np.mean([row["predicted"] == row["label"] for row in rows])
    assert correct == pytest.approx(trained.json["windows"]["accuracy"]["value"])


def test_the_former_flag_of_the_run_folder_is_accepted_with_a_warning(command, eyes_store):
    result = command("predict", eyes_store, "--run", "nope")
    assert result.status == 2
    assert "warning --run is deprecated; use --run-dir" in result.err
    assert "nope" in result.err.splitlines()[-1]


def test_a_quiet_training_prints_its_result_only(command, eyes_store):
    result = command("train", eyes_store, *TRAIN, "--quiet")
    assert (result.status, result.err) == (0, "")
    assert "ds004362 004 60" in result.words
    assert result.words.endswith("run folder: run")


def test_options_of_a_file_are_those_of_the_command_line(command, eyes_store):
    Path("train.yaml").write_text("epochs: 1\ndevice: cpu\nrun_dir: run\nbatch_size: 30\n")
    result = command("train", eyes_store, "--config", "train.yaml", "--batch-size", "60", "-q")
    assert result.status == 0, result.err
    settings = json.loads(Path("run/config.json").read_text())["settings"]
    assert (settings["epochs"], settings["batch_size"]) == (1, 60)


def test_a_run_folder_is_never_overwritten(command, eyes_store):
    Path("run").mkdir()
    Path("run/notes.txt").write_text("mine")
    result = command("train", eyes_store, "--epochs", "1", "--run-dir", "run")
    assert (result.status, [path.name for path in Path("run").iterdir()]) == (2, ["notes.txt"])
    assert "run: " in result.err
