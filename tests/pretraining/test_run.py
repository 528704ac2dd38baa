"""A pretraining, its run folder, and its use."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
import torch
from people_store import window_table, write_store
from sleep_store import write_nights
from stopped_training import Stop, assert_same_run, stop_at

import bids_dl
from bids_dl.config.pretraining_stage import PretrainConfig
from bids_dl.errors import ConfigError, ModelError
from bids_dl.models.checkpoint import load_checkpoint
from bids_dl.models.features import FeatureExtractor
from bids_dl.prediction import read_folds
from bids_dl.pretraining import pretrain_store
from bids_dl.training import reports

ALWAYS = 1e-9  # minutes between checkpoints, so that each step has one
SETTINGS = {
    "near": 2.0,
    "far": 5.0,
    "device": "cpu",
    "epochs": 3,
    "batch_size": 16,
    "model_options": {"n_filters": 4, "dropout": 0.5},
}
STEPS = 3 * 4  # epochs, batches of 64 pairs
SCRIPT = """
import signal, sys
from bids_dl.config.pretraining_stage import PretrainConfig
from bids_dl.pretraining import pretrain_store
from bids_dl.training import reports
reports.PROGRESS_SECONDS = 0.0
store, run, step, number = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
done = 0
def on_event(event):
    global done
    done += event.kind == "progress"
    if event.kind == "progress" and done == step:
        signal.raise_signal(number)
pretrain_store(store, PretrainConfig(**eval(sys.argv[5])), run_dir=run, on_event=on_event)
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    table = window_table(6, splits=("train", "train", "test"))
    return write_store(tmp_path_factory.mktemp("pretrain") / "s.zarr", table)


@pytest.fixture(scope="module")
def undisturbed(store, tmp_path_factory):
    """Run folder of a pretraining that was not stopped."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    pretrain_store(store, PretrainConfig(**SETTINGS), run_dir=folder)
    return folder


@pytest.fixture(autouse=True)
def every_step_is_reported(monkeypatch):
    monkeypatch.setattr(reports, "PROGRESS_SECONDS", 0.0)


def test_the_run_folder_is_that_of_a_training(store, undisturbed):
    names = {path.name for path in undisturbed.iterdir()}
    expected = {"config.json", "environment.json", "folds.json", "history.csv", "metrics.json"}
    assert expected | {"weights.safetensors", "cost.json"} <= names
    [fold] = read_folds(undisturbed)
    assert fold.seen == {("ds1", "00"), ("ds1", "01"), ("ds1", "03"), ("ds1", "04")}
    model, card = load_checkpoint(fold.path)
    assert FeatureExtractor(model)(torch.zeros(2, 3, 64)).shape[0] == 2
    assert (card.normalize, card.target.name) == ("recording", "relative position")
    metrics = json.loads((undisturbed / "metrics.json").read_text())
    assert metrics["pairs"]["n"] == 32
    assert [row["subject"] for row in metrics["pairs"]["persons"]] == ["02", "05"]


@pytest.mark.parametrize(("step", "minutes"), [(1, ALWAYS), (4, ALWAYS), (7, 5.0), (STEPS, ALWAYS)])
def test_a_pretraining_stopped_after_any_step_ends_with_the_same_bytes(
    store, undisturbed, tmp_path, step, minutes
):
    config = PretrainConfig(**SETTINGS, checkpoint_minutes=minutes)
    with pytest.raises(Stop):
        pretrain_store(store, config, run_dir=tmp_path / "run", on_event=stop_at(step))
    pretrain_store(store, config, run_dir=tmp_path / "run")
    assert_same_run(undisturbed, tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "step"), [(signal.SIGKILL, 6), (signal.SIGINT, 9)])
def test_a_killed_process_is_resumed_by_the_same_call(store, undisturbed, tmp_path, number, step):
    settings = {**SETTINGS, "checkpoint_minutes": ALWAYS if number == signal.SIGKILL else 5.0}
    arguments = [store, str(tmp_path / "run"), str(step), str(int(number)), repr(settings)]
    killed = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], capture_output=True)
    assert killed.returncode != 0
    assert not (tmp_path / "run" / "metrics.json").exists()
    pretrain_store(store, PretrainConfig(**settings), run_dir=tmp_path / "run")
    assert_same_run(undisturbed, tmp_path / "run")


def test_a_finished_run_and_a_run_of_other_settings_are_refused(store, undisturbed, tmp_path):
    with pytest.raises(ConfigError, match="holds a finished run"):
        pretrain_store(store, PretrainConfig(**SETTINGS), run_dir=undisturbed)
    config = PretrainConfig(**SETTINGS)
    with pytest.raises(Stop):
        pretrain_store(store, config, run_dir=tmp_path / "run", on_event=stop_at(2))
    other = PretrainConfig(**SETTINGS | {"far": 6.0})
    with pytest.raises(ConfigError, match=r"unfinished run of another training \(--far: 5\.0"):
        pretrain_store(store, other, run_dir=tmp_path / "run")


def test_no_label_is_used(store, undisturbed, tmp_path):
    table = window_table(6, splits=("train", "train", "test"))
    labels = table["label"].to_numpy()
    url = write_store(tmp_path / "s.zarr", table)
    assert bids_dl.open_store(url).table["label"].tolist() == labels.tolist()
    columns = pretrain_store(url, PretrainConfig(**SETTINGS), run_dir=tmp_path / "run").history
    assert not [name for name in columns if "label" in name]
    for path in undisturbed.glob("*.json"):
        assert '"rest"' not in path.read_text(), path


def test_predict_refuses_the_run_in_one_line(store, undisturbed):
    with pytest.raises(ModelError, match=r"was pretrained without labels and predicts nothing"):
        bids_dl.predict(store, run_dir=undisturbed, device="cpu")


def test_explain_and_compare_refuse_the_run_in_one_line(store, undisturbed):
    with pytest.raises(ModelError, match=r"was pretrained without labels and predicts nothing"):
        bids_dl.explain(store, run_dir=undisturbed, device="cpu")
    with pytest.raises(ModelError, match=r"pretrained without labels, so it has no metrics"):
        bids_dl.compare([undisturbed])


def test_a_training_begins_with_the_pretrained_weights(store, undisturbed, tmp_path):
    options = {"epochs": 1, "lr": 1e-9, "weight_decay": 0.0, "device": "cpu"}
    run_dir = tmp_path / "run"
    bids_dl.train(store, init_from=undisturbed, run_dir=run_dir, **options)
    pretrained, _ = load_checkpoint(undisturbed / "weights.safetensors")
    trained, card = load_checkpoint(run_dir / "weights.safetensors")
    assert card.target.outputs == ("rest", "move")
    torch.testing.assert_close(
        trained.state_dict()["filters.spatial"], pretrained.state_dict()["filters.spatial"]
    )


@pytest.mark.slow
def test_pairs_of_unseen_nights_are_told_apart_above_chance(tmp_path):
    url = write_nights(tmp_path / "nights.zarr", n_persons=12, n_epochs=50, n_test=5)
    config = PretrainConfig(model="band-power", far=600.0, epochs=20, lr=1e-2, device="cpu")
    result = pretrain_store(url, config, run_dir=tmp_path / "run")
    assert result.metrics["pairs"]["accuracy"]["low"] > 0.5
