"""A training that was stopped anywhere, and goes on as if it had not been."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from people_store import target_table, write_store
from stopped_training import Stop, assert_same_run, stop_at

from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import BidsDlError, ConfigError
from bids_dl.training import reports, train

ALWAYS = 1e-9  # minutes between checkpoints, so that each step has one
RANDOM = {"model": "shallow-fbcsp", "model_options": {"n_filters": 4, "dropout": 0.5}}
SETTINGS = {**RANDOM, "folds": 2, "epochs": 3, "batch_size": 16, "patience": 3, "clip": 1.0}
STEPS = 2 * 3 * 2  # folds, epochs, batches
SCRIPT = """
import os, signal, sys
from bids_dl.config.training_stage import TrainConfig
from bids_dl.training import reports, train
reports.PROGRESS_SECONDS = 0.0
store, run, step, number = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
settings = TrainConfig(**eval(sys.argv[5]))
done = 0
def on_event(event):
    global done
    done += event.kind == "progress"
    if event.kind == "progress" and done == step:
        signal.raise_signal(number)
train(store, settings, run_dir=run, on_event=on_event)
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return write_store(tmp_path_factory.mktemp("resume") / "s.zarr", target_table(6))


@pytest.fixture(scope="module")
def undisturbed(store, tmp_path_factory):
    """Run folder of a training that was not stopped."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(store, TrainConfig(**SETTINGS), run_dir=folder)
    return folder


@pytest.fixture(autouse=True)
def every_step_is_reported(monkeypatch):
    monkeypatch.setattr(reports, "PROGRESS_SECONDS", 0.0)


@pytest.mark.parametrize(
    ("step", "minutes"),
    [
        *((step, ALWAYS) for step in (1, 2, 3, 6, 7, STEPS)),
        *((step, 5.0) for step in (1, 3, 8)),
    ],
)
def test_a_run_stopped_after_any_step_ends_with_the_same_bytes(
    store, undisturbed, tmp_path, step, minutes
):
    config = TrainConfig(**SETTINGS, checkpoint_minutes=minutes)
    with pytest.raises(Stop):
        train(store, config, run_dir=tmp_path / "run", on_event=stop_at(step))
    train(store, config, run_dir=tmp_path / "run")
    assert_same_run(undisturbed, tmp_path / "run")


def test_a_run_may_be_stopped_many_times(store, undisturbed, tmp_path):
    config = TrainConfig(**SETTINGS, checkpoint_minutes=ALWAYS)
    for _ in range(STEPS):
        with pytest.raises(Stop):
            train(store, config, run_dir=tmp_path / "run", on_event=stop_at(1))
    train(store, config, run_dir=tmp_path / "run")
    assert_same_run(undisturbed, tmp_path / "run")


@pytest.mark.parametrize(
    "settings",
    [
        {"ema": 0.9, "schedule": "cosine", "warmup": 1.0},
        {"optimizer": "sgd", "optimizer_options": {"momentum": 0.9}, "lr": 0.01},
        {"precision": "bfloat16", "normalize": "training", "class_weights": "inverse"},
        {"target": ("age",), "target_kind": "number", "loss": "mse"},
        {"workers": 1},
        {"augment": {"time_mask": 0.5, "mixup": 0.5}},
    ],
)
def test_a_resumed_run_ends_with_the_same_bytes_with_any_settings(store, tmp_path, settings):
    config = TrainConfig(**{**SETTINGS, "patience": None, **settings}, checkpoint_minutes=ALWAYS)
    train(store, config, run_dir=tmp_path / "whole")
    with pytest.raises(Stop):
        train(store, config, run_dir=tmp_path / "run", on_event=stop_at(5))
    train(store, config, run_dir=tmp_path / "run")
    assert_same_run(tmp_path / "whole", tmp_path / "run")


def test_processes_that_read_windows_change_no_byte(store, undisturbed, tmp_path):
    train(store, TrainConfig(**SETTINGS, workers=2), run_dir=tmp_path / "run")
    assert_same_run(undisturbed, tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "step"), [(signal.SIGKILL, 5), (signal.SIGINT, 8), (signal.SIGTERM, 11)]
)
def test_a_killed_process_is_resumed_by_the_same_command(
    store, undisturbed, tmp_path, number, step
):
    settings = {**SETTINGS, "checkpoint_minutes": ALWAYS if number == signal.SIGKILL else 5.0}
    arguments = [store, str(tmp_path / "run"), str(step), str(int(number)), repr(settings)]
    command = [sys.executable, "-c", SCRIPT, *arguments]
    killed = subprocess.run(command, capture_output=True, text=True)
    assert killed.returncode != 0
    assert not (tmp_path / "run" / "metrics.json").exists()
    train(store, TrainConfig(**settings), run_dir=tmp_path / "run")
    assert_same_run(undisturbed, tmp_path / "run")


def test_an_interrupted_training_resumes_at_the_next_step(store, tmp_path):
    config = TrainConfig(**SETTINGS)

    def interrupt(event):
        if event.kind == "progress" and event.values["step"] == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(store, config, run_dir=tmp_path / "run", on_event=interrupt)
    steps = []
    train(
        store,
        config,
        run_dir=tmp_path / "run",
        on_event=lambda event: steps.append(event.values.get("step")),
    )
    assert next(step for step in steps if step is not None) == 2


def test_a_finished_fold_is_not_trained_again(store, tmp_path):
    config = TrainConfig(**SETTINGS)
    with pytest.raises(Stop):
        train(store, config, run_dir=tmp_path / "run", on_event=stop_at(11))
    epochs = []
    train(
        store,
        config,
        run_dir=tmp_path / "run",
        on_event=lambda event: epochs.append((event.kind, event.fold)),
    )
    assert ("epoch", 0) not in epochs
    assert ("tested", 0) in epochs
    assert ("epoch", 1) in epochs


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lr": 0.5}, r"another training \(--lr: 0.001 before, now 0.5\)"),
        ({"epochs": 4, "seed": 1}, r"--epochs: 3 before, now 4; --seed: 0 before, now 1"),
        ({"optimizer": "adam"}, "--optimizer: adamw before, now adam"),
        ({"threads": 3}, "--threads: none before, now 3"),
    ],
)
def test_an_unfinished_run_of_another_request_is_refused_with_the_difference(
    store, tmp_path, settings, message
):
    with pytest.raises(Stop):
        train(store, TrainConfig(**SETTINGS), run_dir=tmp_path / "run", on_event=stop_at(1))
    before = sorted(path.name for path in (tmp_path / "run").rglob("*"))
    with pytest.raises(ConfigError, match=message):
        train(store, TrainConfig(**{**SETTINGS, **settings}), run_dir=tmp_path / "run")
    assert sorted(path.name for path in (tmp_path / "run").rglob("*")) == before


def test_a_run_is_not_resumed_on_another_store_or_with_another_version(store, tmp_path):
    config = TrainConfig(**SETTINGS)
    run = tmp_path / "run"
    with pytest.raises(Stop):
        train(store, config, run_dir=run, on_event=stop_at(1))
    other = write_store(tmp_path / "s.zarr", target_table(6, n_windows=9))
    with pytest.raises(ConfigError, match=r"another training \(store manifest_sha256: \w+"):
        train(other, config, run_dir=run)
    path = run / "environment.json"
    environment = json.loads(path.read_text())
    environment["packages"]["torch"] = "1.0"
    path.write_text(json.dumps(environment))
    with pytest.raises(ConfigError, match=r"another training \(torch: 1.0 before, now "):
        train(store, config, run_dir=run)


def test_settings_that_change_no_result_may_differ_when_a_run_is_resumed(store, tmp_path):
    with pytest.raises(Stop):
        train(store, TrainConfig(**SETTINGS), run_dir=tmp_path / "run", on_event=stop_at(1))
    config = TrainConfig(**SETTINGS, checkpoint_minutes=1.0, workers=1)
    assert train(store, config, run_dir=tmp_path / "run").metrics


def test_a_finished_run_is_refused(store, undisturbed):
    with pytest.raises(ConfigError, match="holds a finished run, which is never overwritten"):
        train(store, TrainConfig(**SETTINGS), run_dir=undisturbed)


def flip_a_bit(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize(
    "damage", [lambda content: content[:1000], flip_a_bit, lambda _: b"", lambda _: b"weights" * 99]
)
def test_a_damaged_checkpoint_is_named_with_what_to_do(store, tmp_path, damage):
    config = TrainConfig(**SETTINGS, checkpoint_minutes=ALWAYS)
    with pytest.raises(Stop):
        train(store, config, run_dir=tmp_path / "run", on_event=stop_at(2))
    checkpoint = tmp_path / "run" / "unfinished" / "checkpoint.pt"
    checkpoint.write_bytes(damage(checkpoint.read_bytes()))
    with pytest.raises(BidsDlError, match=r"checkpoint.pt: is damaged .* delete \S+run and train"):
        train(store, config, run_dir=tmp_path / "run")


def test_without_a_run_folder_the_same_command_resumes_and_then_begins_anew(
    store, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    config = TrainConfig(**SETTINGS)
    with pytest.raises(Stop):
        train(store, config, on_event=stop_at(2))
    assert train(store, config).run_dir == Path("runs/s-shallow-fbcsp-0")
    assert train(store, config).run_dir == Path("runs/s-shallow-fbcsp-0-2")


def test_history_has_one_row_for_each_epoch_of_each_fold(undisturbed):
    history = pd.read_csv(undisturbed / "history.csv")
    assert history.groupby("fold").size().tolist() == [3, 3]
    assert history["epoch"].tolist() == [1, 2, 3] * 2
