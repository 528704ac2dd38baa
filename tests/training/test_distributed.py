"""Several processes that train one model, on loopback with gloo."""

from __future__ import annotations

import doctest
import json
import subprocess
import sys

import pandas as pd
import pytest
import torch
from people_store import target_table, write_store
from torch import nn

from bids_dl.config.training_stage import TrainConfig
from bids_dl.training import distributed, train
from bids_dl.training.distributed import Ranks, joined_ranks

WITHOUT_BATCH_NORM = {"model": "r-scnn", "model_options": {"dropout": 0.0}}
SETTINGS = {
    **WITHOUT_BATCH_NORM,
    "folds": 2,
    "epochs": 2,
    "batch_size": 10,
    "patience": 2,
    "normalize": "recording",
    "optimizer": "sgd",
    "lr": 0.01,
}


def test_the_shares_of_all_processes_are_the_batch():
    batch = torch.arange(7)
    shares = [Ranks(rank, 3).share(batch) for rank in range(3)]
    assert sorted(torch.cat(shares).tolist()) == batch.tolist()
    assert Ranks(2, 3).share(torch.arange(2)).tolist() == []


def test_one_process_sends_nothing():
    model = nn.Linear(2, 1)
    Ranks().add_up_gradients(model)
    assert model.weight.grad is None
    assert Ranks().gather("a") == ["a"]
    assert Ranks().send_first("b") == "b"


def test_without_torchrun_there_is_one_process(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined_ranks("cpu") as (ranks, device):
        assert (ranks, device) == (Ranks(0, 1), "cpu")


SUMS = """
import os
import torch
from torch import nn
from bids_dl.training.distributed import joined_ranks
with joined_ranks("cpu") as (ranks, _):
    model = nn.Linear(1, 1)
    if ranks.rank == 0:  # the other one has no window in its share
        model(torch.full((1, 1), 3.0)).backward()
    ranks.add_up_gradients(model)
    total = ranks.add_up(torch.tensor([1.0 + ranks.rank]))
    numbers = [model.weight.grad.item(), model.bias.grad.item(), total.item()]
    line = f"{numbers} {ranks.gather(ranks.rank)}" + os.linesep
    os.write(1, line.encode())  # at once, because both processes write to one pipe
"""


def torchrun(*arguments: str, cwd) -> subprocess.CompletedProcess[str]:
    """Run a program in two processes."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


@pytest.mark.slow
def test_gradients_are_summed_and_a_missing_gradient_counts_nothing(tmp_path):
    script = tmp_path / "sums.py"
    script.write_text(SUMS)
    done = torchrun(str(script), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[3.0, 1.0, 3.0] [0, 1]"] * 2


@pytest.mark.slow
def test_two_processes_give_the_losses_and_predictions_of_one(tmp_path):
    store = write_store(tmp_path / "s.zarr", target_table(4, n_windows=6), n_chans=24, n_times=256)
    alone = train(store, TrainConfig(**SETTINGS), run_dir=tmp_path / "one")
    options = ["--model", "r-scnn", "--model-option", "dropout=0.0", "--folds", "2"]
    options += ["--epochs", "2", "--batch-size", "10", "--patience", "2"]
    options += ["--normalize", "recording", "--optimizer", "sgd", "--lr", "0.01"]
    done = torchrun("-m", "bids_dl", "train", store, *options, "--run-dir", "two", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("run folder") == 1  # the second process prints nothing
    history = pd.read_csv(tmp_path / "two" / "history.csv")
    for column in ("train_loss", "validation_loss"):
        assert history[column].tolist() == pytest.approx(alone.history[column].tolist(), abs=1e-5)
    predictions = pd.read_csv(tmp_path / "two" / "predictions.csv")
    assert predictions["window"].tolist() == alone.predictions["window"].tolist()
    expected = alone.predictions["p_move"].to_numpy()
    assert predictions["p_move"].to_numpy() == pytest.approx(expected, abs=1e-5)
    cost = json.loads((tmp_path / "two" / "cost.json").read_text())
    assert cost["processes"] == 2


@pytest.mark.slow
def test_a_process_may_have_no_window_of_a_batch(tmp_path):
    store = write_store(tmp_path / "s.zarr", target_table(2, n_windows=1))
    options = ["--model", "shallow-fbcsp", "--folds", "loso", "--epochs", "2", "--batch-size", "1"]
    done = torchrun("-m", "bids_dl", "train", store, *options, "--run-dir", "two", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    config = TrainConfig(model="shallow-fbcsp", folds="loso", epochs=2, batch_size=1)
    alone = train(store, config, run_dir=tmp_path / "one")
    history = pd.read_csv(tmp_path / "two" / "history.csv")
    expected = alone.history["train_loss"].to_numpy()
    assert history["train_loss"].to_numpy()[[0, 2]] == pytest.approx(expected[[0, 2]], rel=1e-3)


@pytest.mark.slow
def test_a_wrong_request_of_two_processes_is_told_once(tmp_path):
    store = write_store(tmp_path / "s.zarr", target_table(4))
    done = torchrun("-m", "bids_dl", "train", store, "--target", "none", cwd=tmp_path)
    assert done.returncode != 0
    assert done.stderr.count("no column 'none'") == 1
    assert not (tmp_path / "runs").exists()


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(distributed).failed == 0
