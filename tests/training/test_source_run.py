from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from people_store import window_table, write_permuted, write_store
from safetensors.torch import load_file
from stopped_training import Stop, assert_same_run, stop_at

import bids_dl
from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import ConfigError, ModelError
from bids_dl.models.checkpoint import load_checkpoint
from bids_dl.prediction import predict, read_folds
from bids_dl.training import reports, train

QUICK = {"epochs": 1, "batch_size": 16, "device": "cpu"}
SPLITS = ("train", "train", "validation", "test")
OPTIONS = {"n_filters": 4}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("transfer")


@pytest.fixture(scope="module")
def small(folder):
    """Store of ds1: sub-00 and sub-01 train, sub-02 validates, sub-03 is tested."""
    return write_store(folder / "small.zarr", window_table(4, splits=SPLITS))


@pytest.fixture(scope="module")
def other(folder):
    """Store of other people, with the column kind in place of the label."""
    table = window_table(4, splits=SPLITS).assign(dataset="ds2")
    kind = (table["label"] == "move").map({False: "low", True: "high"})
    return write_store(folder / "other.zarr", table.assign(kind=kind))


@pytest.fixture(scope="module")
def source(small, folder):
    """Run folder of shallow-fbcsp with four filters."""
    config = TrainConfig(model_options=OPTIONS, normalize="window", **QUICK)
    train(small, config, run_dir=folder / "source")
    return folder / "source"


def begin(source, **settings):
    return TrainConfig(init_from=str(source), **(QUICK | settings))


def shared_tensors(source, run):
    """Names of the tensors of the trunk, and those that are bit-equal in both runs."""
    before = load_file(source / "weights.safetensors")
    after = load_file(run / "weights.safetensors")
    names = {name for name in before if not name.startswith("dense")}
    return names, {name for name in names if torch.equal(before[name], after[name])}


def test_a_frozen_trunk_stays_bit_equal_and_the_run_is_described(other, source, tmp_path):
    config = begin(source, target=("kind",), freeze="trunk", epochs=2)
    result = train(other, config, run_dir=tmp_path / "run")
    names, equal = shared_tensors(source, tmp_path / "run")
    assert names == equal
    _, card = load_checkpoint(tmp_path / "run" / "weights.safetensors")
    sha256 = hashlib.sha256((source / "weights.safetensors").read_bytes()).hexdigest()
    assert (card.options, card.weights_sha256, card.normalize) == (OPTIONS, sha256, "window")
    written = json.loads((tmp_path / "run" / "config.json").read_text())
    assert written["initial_weights"] == {"name": "source/weights.safetensors", "sha256": sha256}
    assert written["settings"]["model_options"] == OPTIONS
    warnings = result.metrics["warnings"]
    assert any("8 tensors loaded, 2 left, 2 new (dense.weight, dense.bias)" in w for w in warnings)
    assert not any("LEAK" in line for line in warnings)
    assert result.metrics["normalize"]["reason"].startswith("--init-from source/weights")


def test_weights_that_are_not_frozen_are_trained_with_the_head_of_the_same_target(
    other, source, tmp_path
):
    result = train(other, begin(source), run_dir=tmp_path / "run")
    names, equal = shared_tensors(source, tmp_path / "run")
    assert "filters.spatial" in names - equal
    assert any("with the last layer dense" in line for line in result.metrics["warnings"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "eegnet"}, "--model eegnet: --init-from source/weights.* is shallow-fbcsp"),
        ({"model_options": {"n_filters": 8}}, "n_filters=8: --init-from source/.* has 4, whose"),
        ({"model_options": {"dropout": 0.1}}, r"dropout=0\.1: --init-from .* has its default"),
        ({"weights": "w.pth"}, r"--init-from .* and --weights w\.pth both name the weights"),
        ({"init_from": "missing"}, "--init-from missing: no such run; give a run folder"),
        ({"init_from": "n" * 5000}, "--init-from n+: no such run; give a run folder"),
        ({"init_from": None, "channels": "interpolate"}, "--channels interpolate has no effect"),
    ],
)
def test_contradictions_are_refused_before_anything_is_written(
    other, source, tmp_path, settings, message
):
    settings = {"init_from": str(source)} | settings
    with pytest.raises(ConfigError, match=message):
        train(other, TrainConfig(**QUICK, **settings), run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_model_that_is_requested_by_name_must_be_that_of_the_run(other, source, tmp_path):
    train(other, TrainConfig(model="eegnet", **QUICK), run_dir=tmp_path / "eegnet")
    options = {"init_from": tmp_path / "eegnet", "run_dir": tmp_path / "run", **QUICK}
    with pytest.raises(ConfigError, match="model shallow-fbcsp: init_from eegnet/weights"):
        bids_dl.train(other, model="shallow-fbcsp", **options)
    result = bids_dl.train(other, **options)
    assert load_checkpoint(result.run_dir / "weights.safetensors")[1].model == "eegnet"


def test_a_run_of_several_models_must_name_one(small, other, tmp_path):
    settings = {"folds": 2, "model_options": OPTIONS, **QUICK}
    train(small, TrainConfig(**settings), run_dir=tmp_path / "two")
    message = "the run has 2 models, weights-fold-0.safetensors, weights-fold-1.safetensors; name"
    with pytest.raises(ConfigError, match=message):
        train(other, begin(tmp_path / "two"), run_dir=tmp_path / "run")
    file = tmp_path / "two" / "weights-fold-1.safetensors"
    train(other, begin(file), run_dir=tmp_path / "run")
    [fold] = json.loads((tmp_path / "run" / "folds.json").read_text())
    folds = json.loads((tmp_path / "two" / "folds.json").read_text())
    assert fold["initial"] == folds[1]["train"]


def test_tested_people_whom_the_source_has_seen_are_a_leak(small, other, source, tmp_path):
    result = train(small, begin(source, folds=2), run_dir=tmp_path / "run")
    leaks = [line for line in result.metrics["warnings"] if "LEAK" in line]
    assert len(leaks) == 1
    assert "3 of 4 tested persons were in the training of --init-from source/weights" in leaks[0]
    page = (tmp_path / "run" / "record.html").read_text()
    assert "LEAK" in page
    assert "people seen before" in page
    assert "other people</span>" not in page
    assert result.metrics["n_seen_persons"] == 3
    seen = predict(small, tmp_path / "run").groupby("subject")["seen"].all()
    assert seen.to_dict() == {"00": True, "01": True, "02": True, "03": False}


def test_people_of_all_earlier_runs_count_as_seen(other, source, tmp_path):
    train(other, begin(source), run_dir=tmp_path / "second")
    [fold] = read_folds(tmp_path / "second")
    assert {dataset for dataset, _ in fold.seen} == {"ds1", "ds2"}
    assert len(fold.seen) == 6


def test_another_rate_is_refused_with_both(source, tmp_path):
    fast = write_store(tmp_path / "fast.zarr", window_table(4, splits=SPLITS), sfreq=128.0)
    with pytest.raises(ModelError, match=r"was trained at 64 Hz, fast\.zarr has 128 Hz; convert"):
        train(fast, begin(source), run_dir=tmp_path / "run")


def test_permuted_channels_and_others_give_the_same_training(other, source, tmp_path):
    train(other, begin(source), run_dir=tmp_path / "run")
    permuted = write_permuted(other, tmp_path / "permuted.zarr", ("C2", "EOG", "C0", "C1"))
    result = train(permuted, begin(source), run_dir=tmp_path / "mapped")
    expected = pd.read_csv(tmp_path / "run" / "predictions.csv")
    actual = pd.read_csv(tmp_path / "mapped" / "predictions.csv")
    pd.testing.assert_frame_equal(actual, expected, atol=1e-6)
    line = "3 of 4 channels are used, without EOG, in the order of the run"
    assert any(warning.endswith(line) for warning in result.metrics["warnings"])
    _, card = load_checkpoint(tmp_path / "mapped" / "weights.safetensors")
    assert (card.channels, card.network_channels) == (
        ("C2", "EOG", "C0", "C1"),
        ("C0", "C1", "C2"),
    )
    tested = predict(permuted, tmp_path / "mapped", split="test")["p_rest"]
    assert tested.to_numpy() == pytest.approx(expected["p_rest"].to_numpy(), abs=1e-6)


def test_a_training_from_a_run_resumes_to_the_same_bytes(other, source, tmp_path, monkeypatch):
    monkeypatch.setattr(reports, "PROGRESS_SECONDS", 0.0)
    permuted = write_permuted(other, tmp_path / "permuted.zarr", ("C2", "C0", "C1"))
    config = begin(source, epochs=2, checkpoint_minutes=1e-9)
    train(permuted, config, run_dir=tmp_path / "whole")
    with pytest.raises(Stop):
        train(permuted, config, run_dir=tmp_path / "run", on_event=stop_at(3))
    train(permuted, config, run_dir=tmp_path / "run")
    assert_same_run(tmp_path / "whole", tmp_path / "run")


def test_an_interpolated_channel_is_named_and_predicts_the_same_again(tmp_path):
    names = ("Fp1", "Fp2", "C3", "C4", "O1", "O2")
    table = window_table(4, splits=SPLITS)
    run = tmp_path / "first"
    with_cz = write_store(tmp_path / "a.zarr", table, channels=(*names, "Cz"), n_chans=7)
    train(with_cz, TrainConfig(model_options=OPTIONS, **QUICK), run_dir=run)
    without = write_store(
        tmp_path / "b.zarr", table.assign(dataset="ds2"), channels=names, n_chans=6
    )
    with pytest.raises(ModelError, match="the store has no Cz; --channels interpolate"):
        train(without, begin(run), run_dir=tmp_path / "run")
    result = train(without, begin(run, channels="interpolate"), run_dir=tmp_path / "run")
    line = "--channels interpolate: Cz from 6 others; far from any electrode: Cz ("
    assert any(warning.startswith(line) for warning in result.metrics["warnings"])
    tested = result.predictions["p_rest"].to_numpy()
    again = predict(without, tmp_path / "run", split="test")["p_rest"].to_numpy()
    assert again == pytest.approx(tested, abs=1e-6)


def test_a_network_for_any_montage_takes_other_channels_as_they_are(tmp_path):
    table = window_table(4, splits=SPLITS)
    places = 0.09 * np.eye(3)
    first = write_store(tmp_path / "a.zarr", table, positions=places)
    others = {"channels": ("A", "B"), "n_chans": 2, "positions": -places[:2]}
    second = write_store(tmp_path / "b.zarr", table.assign(dataset="ds2"), **others)
    options = {"n_virtual": 4, "n_harmonics": 2, "n_filters": 4}
    config = TrainConfig(model="spatial-attention", model_options=options, **QUICK)
    train(first, config, run_dir=tmp_path / "first")
    train(second, begin(tmp_path / "first", freeze="trunk"), run_dir=tmp_path / "second")
    _, card = load_checkpoint(tmp_path / "second" / "weights.safetensors")
    assert (card.channels, card.network_channels) == (("A", "B"), ())
    before, after = (
        load_file(tmp_path / run / "weights.safetensors")["attention.coefficients"]
        for run in ("first", "second")
    )
    assert torch.equal(before, after)


def test_the_command_line_begins_with_a_run(other, source, command):
    result = command(
        *("train", other, "--init-from", source, "--freeze", "trunk", "--epochs", "1"),
        *("--run-dir", "run", "--json"),
    )
    assert result.status == 0
    assert any("tensors loaded" in line for line in result.json["warnings"])
    config = json.loads(Path("run/config.json").read_text())
    assert f"--init-from {source}" in config["command"]
