"""Training, resume and prediction on a GPU, without MNE, hedtools and pybids.

Each test has the same body on a CPU, where BIDS_DL_TEST_DEVICE=cpu runs it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from people_store import target_table, write_store
from stopped_training import Stop, assert_same_run, stop_at
from torch.nn import functional

from bids_dl.config.training_stage import TrainConfig
from bids_dl.models import MODELS, build
from bids_dl.models.compute import autocast, pick_device, pick_precision
from bids_dl.prediction import predict
from bids_dl.stream import StreamingDataset, to_device
from bids_dl.training import reports, train

pytestmark = pytest.mark.cuda

SETTINGS = {"epochs": 6, "batch_size": 32}
ALWAYS = 1e-9  # minutes between checkpoints, so that each step has one
CHANCE = 0.5  # of two classes with as many windows
BATCH = 8  # windows of one step
HEAD_RADIUS = 0.09  # m
TF32_ERROR = 5e-3
"""Largest difference of a probability. Convolutions on CUDA round factors to 10 bits (TF32)."""


def configure(device: str, **settings) -> TrainConfig:
    """Return settings with the precision of CUDA, which is bfloat16, on any device."""
    precision = "auto" if device.startswith("cuda") else "bfloat16"
    return TrainConfig(**{"precision": precision, **SETTINGS, **settings, "device": device})


@pytest.fixture(scope="module")
def run(device, planted, tmp_path_factory):
    """Result of a short training."""
    return train(planted, configure(device), run_dir=tmp_path_factory.mktemp("run") / "run")


def test_the_default_precision_of_cuda_is_bfloat16(device):
    torch_device = pick_device(device)
    expected = torch.bfloat16 if torch_device.type == "cuda" else torch.float32
    assert pick_precision("auto", torch_device) is expected


def test_a_network_trained_in_bfloat16_finds_the_planted_effect(device, run):
    losses = run.history["train_loss"].tolist()
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    accuracy = run.metrics["windows"]["accuracy"]["value"]
    band_power = run.metrics["baselines"]["band_power"]["windows"]["accuracy"]["value"]
    assert min(accuracy, band_power) > CHANCE + 0.3
    cost = json.loads((run.run_dir / "cost.json").read_text())
    assert cost["device"].startswith(torch.device(device).type)
    assert cost["windows_per_second"] > 0


def test_a_repeated_training_ends_with_the_same_bytes(device, planted, run, tmp_path):
    again = train(planted, configure(device), run_dir=tmp_path / "run")
    assert_same_run(run.run_dir, again.run_dir)


@pytest.mark.parametrize(
    "settings",
    [{"ema": 0.9, "clip": 1.0}, {"precision": "float16"}, {"workers": 2}],
    ids=["ema", "float16", "workers"],
)
def test_a_stopped_training_ends_with_the_same_bytes(
    device, planted, tmp_path, monkeypatch, settings
):
    if device == "cpu" and settings.get("precision") == "float16":
        pytest.skip("float16 with scaled gradients is for GPUs")
    monkeypatch.setattr(reports, "PROGRESS_SECONDS", 0.0)
    config = configure(device, folds=2, **{**settings, "epochs": 2, "checkpoint_minutes": ALWAYS})
    train(planted, config, run_dir=tmp_path / "whole")
    with pytest.raises(Stop):
        train(planted, config, run_dir=tmp_path / "stopped", on_event=stop_at(3))
    train(planted, config, run_dir=tmp_path / "stopped")
    assert_same_run(tmp_path / "whole", tmp_path / "stopped")


@pytest.mark.parametrize("n_workers", [0, 2])
def test_batches_on_the_device_are_equal_and_in_order(device, planted, n_workers):
    stream = StreamingDataset(planted, batch_size=10, shuffle=True, seed=1)
    batches = torch.utils.data.DataLoader(stream, batch_size=None, num_workers=n_workers)
    for expected, batch in zip(stream, to_device(batches, device), strict=True):
        for tensor, copied in zip(expected, batch, strict=True):
            assert copied.device.type == torch.device(device).type
            assert torch.equal(tensor, copied.cpu())


@pytest.mark.parametrize("normalize", [None, "recording", "window"])
def test_a_stream_is_finished_on_the_device(device, planted, normalize):
    stream = StreamingDataset(planted, batch_size=10, normalize=normalize, seed=1)
    expected = [batch.signals.clone() for batch in stream]
    copies = [batch.signals.cpu() for batch in to_device(stream, device)]
    for copy, signals in zip(copies, expected, strict=True):
        if normalize == "window":  # a device adds samples in another order
            torch.testing.assert_close(copy, signals, rtol=1e-5, atol=1e-5)
        else:
            assert torch.equal(copy, signals)


@pytest.mark.parametrize("name", list(MODELS))
def test_one_step_of_each_model_is_finite(device, name):
    spec = MODELS[name]
    n_chans, n_times, sfreq = spec.example
    torch_device = pick_device(device)
    torch.manual_seed(0)
    montage = {}
    if spec.needs_positions:
        montage["positions"] = functional.normalize(torch.randn(n_chans, 3)).numpy() * HEAD_RADIUS
    if spec.needs_names:
        montage["ch_names"] = [f"E{number + 1}" for number in range(n_chans)]
    model = build(name, n_chans=n_chans, n_times=n_times, n_outputs=2, sfreq=sfreq, **montage)
    model = model.to(torch_device).train()
    signals = torch.randn(BATCH, n_chans, n_times, device=torch_device)
    target = torch.arange(BATCH, device=torch_device) % 2
    optimizer = torch.optim.AdamW(model.parameters())
    with autocast(torch_device, torch.bfloat16):
        outputs = model(signals)
    functional.cross_entropy(outputs.float(), target).backward()
    for parameter in model.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
    optimizer.step()
    after = model.eval()(signals)
    assert after.shape == (BATCH, 2)
    assert after.isfinite().all()


def test_predictions_on_the_device_are_those_on_the_cpu(device, planted, run):
    here, on_cpu = (
        predict(planted, run.run_dir, split="test", device=name) for name in (device, "cpu")
    )
    assert here["window"].tolist() == on_cpu["window"].tolist()
    for column in ("p_open", "p_closed"):
        np.testing.assert_allclose(here[column], on_cpu[column], rtol=0, atol=TF32_ERROR)


def test_the_checkpoint_gives_the_predictions_of_the_run(device, planted, run):
    read = predict(planted, run.run_dir, split="test", device=device).set_index("window")
    written = run.predictions.set_index("window")
    np.testing.assert_allclose(read["p_open"][written.index], written["p_open"], atol=TF32_ERROR)


def test_two_processes_give_the_losses_of_one(device, tmp_path):
    if torch.device(device).type == "cuda" and torch.cuda.device_count() < 2:
        pytest.skip("needs two CUDA devices")
    store = write_store(tmp_path / "s.zarr", target_table(4, n_windows=6), n_chans=24, n_times=256)
    settings = {"model": "r-scnn", "model_options": {"dropout": 0.0}, "folds": 2}
    settings |= {"epochs": 1, "batch_size": 10, "precision": "float32"}
    alone = train(store, configure(device, **settings), run_dir=tmp_path / "one")
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0"]
    command += ["-m", "bids_dl", "train", store, "--run-dir", "two", "--device", device]
    command += ["--model", "r-scnn", "--model-option", "dropout=0.0", "--folds", "2"]
    command += ["--epochs", "1", "--batch-size", "10", "--precision", "float32"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    history = pd.read_csv(tmp_path / "two" / "history.csv")
    losses = alone.history["train_loss"].tolist()
    assert history["train_loss"].tolist() == pytest.approx(losses, abs=TF32_ERROR)
    assert json.loads((tmp_path / "two" / "cost.json").read_text())["processes"] == 2
