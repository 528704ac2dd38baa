from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from people_store import window_table, write_store

from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import BidsDlError, ConfigError, ModelError, StoreError, TargetError
from bids_dl.models.checkpoint import load_checkpoint
from bids_dl.stream import StreamingDataset
from bids_dl.training import TrainingEvent, train

QUICK = {"epochs": 2, "batch_size": 16}
SPLITS = ("train", "train", "train", "validation", "test", "test")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Path of a store of six persons, with ages and with sexes for four of them."""
    table = window_table(6, splits=SPLITS).assign(sex="n/a")
    table.loc[table["subject"] < "04", "sex"] = "F"
    table.loc[table["subject"] < "02", "sex"] = "M"
    table["age"] = 30.0
    return write_store(tmp_path_factory.mktemp("small") / "small.zarr", table)


@pytest.mark.slow
def test_leave_one_person_out_separates_open_from_closed_eyes_of_held_out_persons(
    eyes_store, tmp_path
):
    result = train(str(eyes_store), TrainConfig(folds="loso"), run_dir=tmp_path / "run")
    accuracies = [person["accuracy"] for person in result.metrics["persons"]]
    assert len(accuracies) == 4
    assert np.mean(accuracies) > 0.85
    assert result.metrics["votes"]["n"] == 8
    assert sorted(result.predictions["window"]) == list(range(240))


def test_the_run_folder_has_everything_needed_to_repeat_the_run(small, tmp_path):
    config = TrainConfig(folds=3, epochs=1, normalize="recording", model_options={"n_filters": 8})
    result = train(small, config, run_dir=tmp_path / "run")
    assert sorted(path.name for path in result.run_dir.iterdir()) == [
        "config.json",
        "confusion.png",
        "environment.json",
        "folds.json",
        "history.csv",
        "learning_curves.png",
        "metrics.json",
        "predictions.csv",
        "weights-fold-0.safetensors",
        "weights-fold-1.safetensors",
        "weights-fold-2.safetensors",
    ]
    written = json.loads((result.run_dir / "config.json").read_text())
    assert written["command"] == (
        f"bids-dl train {small} --model shallow-fbcsp --seed 0 --folds 3 --epochs 1 "
        "--normalize recording --model-option n_filters=8"
    )
    assert written["settings"]["folds"] == 3
    assert written["store"]["plan"] == "abc"
    manifest = (Path(small) / "manifest.json").read_bytes()
    assert written["store"]["manifest_sha256"] == hashlib.sha256(manifest).hexdigest()
    assert json.loads((result.run_dir / "metrics.json").read_text()) == result.metrics
    pd.testing.assert_frame_equal(pd.read_csv(result.run_dir / "history.csv"), result.history)


def test_the_weights_of_a_run_rebuild_its_model(small, tmp_path):
    config = TrainConfig(**QUICK, model_options={"n_filters": 8})
    result = train(small, config, run_dir=tmp_path / "run")
    model, card = load_checkpoint(result.run_dir / "weights.safetensors")
    assert (card.model, card.options) == ("shallow-fbcsp", {"n_filters": 8})
    assert (card.channels, card.n_times, card.sfreq) == (("C0", "C1", "C2"), 64, 64.0)
    assert (card.target, card.classes, card.normalize) == ("label", ("rest", "move"), "window")
    assert model(torch.zeros(1, 3, 64)).shape == (1, 2)


@pytest.mark.parametrize("folds", ["loso", 2, None])
def test_no_person_is_tested_by_a_model_that_was_fitted_on_them(small, tmp_path, folds):
    config = TrainConfig(folds=folds, patience=1, **QUICK)
    result = train(small, config, run_dir=tmp_path / "run")
    tested = []
    for fold in json.loads((result.run_dir / "folds.json").read_text()):
        sides = [set(map(tuple, fold[side])) for side in ("train", "validation", "test")]
        assert all(sides)
        assert sum(map(len, sides)) == len(set.union(*sides))
        rows = result.predictions[result.predictions["fold"] == fold["index"]]
        assert set(zip(rows["dataset"], rows["subject"], strict=True)) == sides[2]
        tested += sides[2]
    assert len(tested) == len(set(tested)) == (2 if folds is None else 6)


@pytest.mark.parametrize("normalize", ["window", "recording", "training", None])
def test_the_same_seed_repeats_a_run_and_another_seed_does_not(small, tmp_path, normalize):
    results = []
    for i, seed in enumerate([1, 1, 2]):
        config = TrainConfig(**QUICK, normalize=normalize, seed=seed)
        results.append(train(small, config, run_dir=tmp_path / f"{i}"))
    weights = [(result.run_dir / "weights.safetensors").read_bytes() for result in results]
    assert weights[0] == weights[1] != weights[2]
    assert results[0].metrics == results[1].metrics
    pd.testing.assert_frame_equal(results[0].predictions, results[1].predictions)
    pd.testing.assert_frame_equal(results[0].history, results[1].history)


def test_training_does_not_change_the_generator_and_algorithms_of_torch(small, tmp_path):
    torch.manual_seed(3)
    state = torch.get_rng_state()
    train(small, TrainConfig(**QUICK), run_dir=tmp_path / "run")
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.are_deterministic_algorithms_enabled()


def test_training_statistics_are_those_of_the_training_persons_only(tmp_path):
    table = window_table(4, splits=("train", "train", "test", "test"))
    store = write_store(tmp_path / "s.zarr", table)
    config = TrainConfig(**QUICK, normalize="training")
    result = train(store, config, run_dir=tmp_path / "run")
    _, card = load_checkpoint(result.run_dir / "weights.safetensors")
    batches = StreamingDataset(store, split="train", shuffle=False)
    signals = np.concatenate([batch.signals.numpy() for batch in batches])
    np.testing.assert_allclose(card.mean, signals.mean(axis=(0, 2)), atol=1e-3)
    np.testing.assert_allclose(card.std, signals.std(axis=(0, 2)), rtol=1e-4)


def test_classes_that_differ_in_amplitude_are_learned_without_normalization(small, tmp_path):
    config = TrainConfig(folds=2, epochs=15, batch_size=16, normalize=None)
    result = train(small, config, run_dir=tmp_path / "run")
    assert result.metrics["windows"]["accuracy"]["value"] > 0.95


def test_early_stopping_keeps_the_weights_of_the_lowest_validation_loss(small, tmp_path):
    options = {"lr": 0.05, "batch_size": 16}
    config = TrainConfig(epochs=60, patience=2, **options)
    result = train(small, config, run_dir=tmp_path / "run")
    losses = result.history["validation_loss"].to_numpy()
    best = int(losses.argmin())
    assert len(losses) == best + 1 + 2 < 60
    config = TrainConfig(epochs=best + 1, **options)
    shorter = train(small, config, run_dir=tmp_path / "shorter")
    weights = (shorter.run_dir / "weights.safetensors").read_bytes()
    assert weights == (result.run_dir / "weights.safetensors").read_bytes()


def test_without_patience_no_fold_holds_out_persons_for_validation(small, tmp_path):
    config = TrainConfig(folds="loso", epochs=1)
    result = train(small, config, run_dir=tmp_path / "run")
    for fold in json.loads((result.run_dir / "folds.json").read_text()):
        assert (len(fold["train"]), len(fold["validation"])) == (5, 0)
    assert result.history["validation_loss"].isna().all()


def test_windows_without_a_target_are_refused_unless_they_are_dropped(small, tmp_path):
    options = {"target": "sex", "folds": 2, "epochs": 1}
    with pytest.raises(TargetError, match="32 of 96 windows have no 'sex'"):
        train(small, TrainConfig(**options), run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    result = train(small, TrainConfig(**options, drop_missing=True), run_dir=tmp_path / "run")
    assert result.metrics["classes"] == ["F", "M"]
    assert sorted(result.predictions["subject"].unique()) == ["00", "01", "02", "03"]
    assert result.metrics["votes"]["n"] == 4


def test_inverse_class_weights_raise_the_probability_of_a_rare_class(tmp_path):
    table = window_table(4, splits=("train", "train", "test", "test"))
    is_kept = (table["label"] == "rest") | (table.index % 8 == 0)
    store = write_store(tmp_path / "s.zarr", table[is_kept].reset_index(drop=True))
    means = []
    for weights in ("inverse", None):
        config = TrainConfig(**QUICK, class_weights=weights)
        result = train(store, config, run_dir=tmp_path / str(weights))
        means.append(result.predictions["p_move"].mean())
    assert means[0] > means[1]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (
            {"model": "r-scnn"},
            ModelError,
            r"model r-scnn expects windows of \(24, 256\), small\.zarr has \(3, 64\)",
        ),
        ({"model": "scnn"}, ConfigError, "unknown model 'scnn', did you mean 'r-scnn'"),
        ({"model_options": {"layers": 3}}, ConfigError, "no option 'layers'"),
        ({"target": "handedness"}, TargetError, "handedness"),
        ({"target": "age"}, TargetError, "target 'age' contains numbers, not classes"),
        (
            {"target": "dataset"},
            TargetError,
            "'dataset' cannot be a target, because it is a column of every table of predictions",
        ),
        ({"folds": 7}, ConfigError, "7 folds of 6 persons"),
        ({"folds": "some"}, ConfigError, "'loso'"),
        ({"device": "abacus"}, ConfigError, "unknown device 'abacus'; use one of auto"),
    ],
)
def test_an_impossible_request_writes_nothing(small, tmp_path, settings, error, message):
    with pytest.raises(error, match=message):
        train(small, TrainConfig(**settings), run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_missing_store_is_refused(tmp_path):
    with pytest.raises(StoreError, match=r"none\.zarr"):
        train(str(tmp_path / "none.zarr"), TrainConfig())


def test_a_loss_that_is_not_finite_stops_the_training(small, tmp_path):
    config = TrainConfig(lr=1e30, epochs=5, batch_size=16)
    with pytest.raises(BidsDlError, match="the loss is nan, which is not finite"):
        train(small, config, run_dir=tmp_path / "run")


def test_an_existing_run_is_not_overwritten(small, tmp_path):
    train(small, TrainConfig(epochs=1), run_dir=tmp_path / "run")
    with pytest.raises(ConfigError, match="already exists and is never overwritten"):
        train(small, TrainConfig(epochs=1), run_dir=tmp_path / "run")


def test_events_are_sent_at_the_start_and_after_each_epoch_and_fold(small, tmp_path):
    events: list[TrainingEvent] = []
    config = TrainConfig(folds=2, **QUICK)
    result = train(small, config, run_dir=tmp_path / "run", on_event=events.append)
    fold_kinds = ["epoch", "epoch", "tested"]
    assert [event.kind for event in events] == ["started", *fold_kinds, *fold_kinds]
    assert [event.fold for event in events] == [None, 0, 0, 0, 1, 1, 1]
    assert {event.n_folds for event in events} == {2}
    assert events[0].text.startswith("small.zarr: 96 windows of 6 persons, shallow-fbcsp on ")
    assert events[1].text.startswith("fold 1 of 2, epoch 1: loss ")
    assert events[1].values["train_loss"] == result.history["train_loss"][0]
    assert events[-1].text.startswith("fold 2 of 2, sub-")
    accuracy = result.metrics["folds"][1]["accuracy"]
    assert events[-1].values == {"accuracy": accuracy, "n_windows": 48}


def test_bfloat16_training_on_a_cpu_is_close_to_float32(small, tmp_path):
    losses = []
    for precision in ("float32", "bfloat16"):
        config = TrainConfig(**QUICK, device="cpu", precision=precision)
        result = train(small, config, run_dir=tmp_path / precision)
        losses.append(result.history["train_loss"].iloc[-1])
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.1)


def test_a_target_with_one_class_is_refused_with_the_class(eyes_store, tmp_path):
    message = r"target 'task' has one class, 'motion'; training needs at least two classes"
    with pytest.raises(TargetError, match=message):
        train(str(eyes_store), TrainConfig(target="task"), run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_fold_with_one_class_to_train_on_is_refused(tmp_path):
    table = window_table(2).assign(sex=["F"] * 16 + ["M"] * 16)
    store = write_store(tmp_path / "s.zarr", table)
    message = (
        r"s\.zarr: sub-00 held out, 1 person to train on, all M; "
        "a fold needs two classes of 'sex'"
    )
    with pytest.raises(TargetError, match=message):
        train(store, TrainConfig(target="sex", folds="loso"), run_dir=tmp_path / "run")
