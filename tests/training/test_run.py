from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from people_store import window_table, write_store
from safetensors import safe_open

from bids_dl.config.stages import TrainConfig
from bids_dl.errors import BidsDlError, ConfigError, ModelError, StoreError, TargetError
from bids_dl.models.checkpoint import load
from bids_dl.stream import StreamingDataset
from bids_dl.training import loop, train

QUICK = {"epochs": 2, "batch_size": 16}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    table = window_table(6, splits=("train", "train", "train", "validation", "test", "test")).assign(
        sex="n/a"
    )
    table.loc[table["subject"] < "04", "sex"] = "F"
    table.loc[table["subject"] < "02", "sex"] = "M"
    table["age"] = 30.0
    return write_store(tmp_path_factory.mktemp("small") / "small.zarr", table)


@pytest.mark.slow
def test_leave_one_person_out_tells_closed_from_open_eyes_of_people_it_never_saw(
    eyes_store, tmp_path
):
    result = train(str(eyes_store), TrainConfig(folds="loso"), run_dir=tmp_path / "run")
    accuracies = [person["accuracy"] for person in result.metrics["persons"]]
    assert len(accuracies) == 4
    assert np.mean(accuracies) > 0.85
    assert result.metrics["votes"]["n"] == 8
    assert sorted(result.predictions["window"]) == list(range(240))


def test_the_run_folder_says_everything_needed_to_repeat_it(small, tmp_path):
    config = TrainConfig(folds=3, epochs=1, normalize="recording", model_options={"n_filters": 8})
    result = train(small, config, run_dir=tmp_path / "run")
    names = sorted(path.name for path in result.run_dir.iterdir())
    weights = [f"weights-fold-{i}.safetensors" for i in range(3)]
    files = [
        "config.json",
        "confusion.png",
        "environment.json",
        "folds.json",
        "history.csv",
        "learning_curves.png",
    ]
    assert names == [*files, "metrics.json", "predictions.csv", *weights]
    said = json.loads((result.run_dir / "config.json").read_text())
    assert said["command"] == (
        f"bids-dl train {small} --model shallow-fbcsp --seed 0 --folds 3 --epochs 1 --normalize recording --model-option n_filters=8"
    )
    assert said["settings"]["folds"] == 3
    assert said["store"]["plan"] == "abc"
    assert (
        said["store"]["manifest_sha256"]
        == hashlib.sha256((Path(small) / "manifest.json").read_bytes()).hexdigest()
    )
    assert json.loads((result.run_dir / "metrics.json").read_text()) == result.metrics
    assert all(
        (result.run_dir / name).read_bytes().startswith(b"\x89PNG")
        for name in ("confusion.png", "learning_curves.png")
    )
    pd.testing.assert_frame_equal(pd.read_csv(result.run_dir / "history.csv"), result.history)


def test_weights_name_all_that_rebuilds_the_model(small, tmp_path):
    run = train(
        small, TrainConfig(**QUICK, model_options={"n_filters": 8}), run_dir=tmp_path / "run"
    ).run_dir
    with safe_open(run / "weights.safetensors", framework="pt") as file:
        card = json.loads(file.metadata()["bids_dl"])
    wanted = {
        "model": "shallow-fbcsp",
        "channels": ["C0", "C1", "C2"],
        "n_times": 64,
        "sfreq": 64.0,
        "target": "label",
    }
    wanted |= {"classes": ["rest", "move"], "normalize": "window", "options": {"n_filters": 8}}
    assert {name: card[name] for name in wanted} == wanted
    model, _ = load(run / "weights.safetensors")
    assert model(torch.zeros(1, 3, 64)).shape == (1, 2)


@pytest.mark.parametrize("folds", ["loso", 2, None])
def test_nobody_is_tested_by_a_model_that_saw_them(small, tmp_path, folds):
    result = train(small, TrainConfig(folds=folds, patience=1, **QUICK), run_dir=tmp_path / "run")
    made = json.loads((result.run_dir / "folds.json").read_text())
    for fold in made:
        sides = [
            {tuple(person) for person in fold[side]} for side in ("train", "validation", "test")
        ]
        assert all(sides)
        assert sum(map(len, sides)) == len(set.union(*sides))
        rows = result.predictions[result.predictions["fold"] == fold["index"]]
        assert set(zip(rows["dataset"], rows["subject"], strict=True)) == sides[2]
    tested = [tuple(person) for fold in made for person in fold["test"]]
    assert len(tested) == len(set(tested)) == (2 if folds is None else 6)


@pytest.mark.parametrize("normalize", ["window", "recording", "training", None])
def test_the_same_seed_gives_the_same_run_and_another_seed_another(small, tmp_path, normalize):
    runs = [
        train(small, TrainConfig(**QUICK, normalize=normalize, seed=seed), run_dir=tmp_path / f"{i}")
        for i, seed in enumerate([1, 1, 2])
    ]
    files = [(run.run_dir / "weights.safetensors").read_bytes() for run in runs]
    assert files[0] == files[1] != files[2]
    assert runs[0].metrics == runs[1].metrics
    pd.testing.assert_frame_equal(runs[0].predictions, runs[1].predictions)
    pd.testing.assert_frame_equal(runs[0].history, runs[1].history)


def test_training_leaves_torch_as_it_was(small, tmp_path):
    torch.manual_seed(3)
    state = torch.get_rng_state()
    train(small, TrainConfig(**QUICK), run_dir=tmp_path / "run")
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.are_deterministic_algorithms_enabled()


def test_training_statistics_come_from_the_people_trained_on_only(small, tmp_path):
    table = window_table(4, splits=("train", "train", "test", "test"))
    store = write_store(tmp_path / "s.zarr", table)
    run = train(store, TrainConfig(**QUICK, normalize="training"), run_dir=tmp_path / "run").run_dir
    _, card = load(run / "weights.safetensors")
    signals = np.concatenate(
        [batch.signals.numpy() for batch in StreamingDataset(store, split="train", shuffle=False)]
    )
    np.testing.assert_allclose(card.mean, signals.mean(axis=(0, 2)), atol=1e-3)
    np.testing.assert_allclose(card.std, signals.std(axis=(0, 2)), rtol=1e-4)


def test_amplitude_is_learnt_where_the_input_keeps_it(small, tmp_path):
    result = train(
        small, TrainConfig(folds=2, epochs=15, batch_size=16, normalize=None), run_dir=tmp_path / "run"
    )
    assert result.metrics["windows"]["accuracy"]["value"] > 0.95


def test_early_stopping_ends_when_the_validation_loss_stops_falling_and_keeps_the_best_weights(
    small, tmp_path
):
    config = TrainConfig(epochs=60, patience=2, lr=0.05, batch_size=16)
    result = train(small, config, run_dir=tmp_path / "run")
    losses = result.history["validation_loss"].to_numpy()
    best = int(losses.argmin())
    assert len(losses) == best + 1 + 2 < 60
    shorter = train(
        small,
        TrainConfig(**{**vars(config), "epochs": best + 1, "patience": None}),
        run_dir=tmp_path / "shorter",
    )
    assert (shorter.run_dir / "weights.safetensors").read_bytes() == (
        result.run_dir / "weights.safetensors"
    ).read_bytes()


def test_without_patience_no_fold_gives_up_a_person_for_validation(small, tmp_path):
    result = train(small, TrainConfig(folds="loso", epochs=1), run_dir=tmp_path / "run")
    assert all(
        len(fold["train"]) == 5 and not fold["validation"]
        for fold in json.loads((result.run_dir / "folds.json").read_text())
    )
    assert result.history["validation_loss"].isna().all()


def test_windows_without_a_target_stop_the_training_unless_they_are_left_out(small, tmp_path):
    config = {"target": "sex", "folds": 2, "epochs": 1}
    with pytest.raises(TargetError, match="32 of 96 windows have no 'sex'"):
        train(small, TrainConfig(**config), run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    result = train(small, TrainConfig(**config, drop_missing=True), run_dir=tmp_path / "run")
    assert result.metrics["classes"] == ["F", "M"]
    assert sorted(result.predictions["subject"].unique()) == ["00", "01", "02", "03"]
    assert result.metrics["votes"]["n"] == 4


def test_inverse_frequency_weights_even_out_a_rare_class(tmp_path):
    table = window_table(4, splits=("train", "train", "test", "test"))
    store = write_store(
        tmp_path / "s.zarr",
        table[(table["label"] == "rest") | (table.index % 8 == 0)].reset_index(drop=True),
    )
    weighted, plain = (
        train(store, TrainConfig(**QUICK, class_weights=weights), run_dir=tmp_path / str(weights))
        for weights in ("inverse", None)
    )
    assert weighted.predictions["p_move"].mean() > plain.predictions["p_move"].mean()


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (
            {"model": "r-scnn"},
            ModelError,
            r"model r-scnn wants windows of \(24, 256\), small\.zarr has \(3, 64\)",
        ),
        ({"model": "scnn"}, ConfigError, "no model 'scnn', did you mean 'r-scnn'"),
        ({"model_options": {"layers": 3}}, ConfigError, "no option 'layers'"),
        ({"target": "handedness"}, TargetError, "handedness"),
        ({"target": "age"}, TargetError, "target 'age' holds numbers, not classes"),
        ({"target": "dataset"}, TargetError, "target 'dataset' says whose a window is"),
        ({"folds": 7}, ConfigError, "7 folds of 6 persons"),
        ({"folds": "some"}, ConfigError, "'loso' or a number of folds, got 'some'"),
        ({"device": "abacus"}, ConfigError, "device 'abacus' is none; there are auto"),
    ],
)
def test_a_request_that_cannot_be_met_writes_nothing(small, tmp_path, settings, error, message):
    with pytest.raises(error, match=message):
        train(small, TrainConfig(**settings), run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_store_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(StoreError, match="no store there"):
        train(str(tmp_path / "none.zarr"), TrainConfig())


def test_a_loss_that_is_no_number_stops_the_training(small, tmp_path):
    with pytest.raises(BidsDlError, match="the loss is nan, no longer a number"):
        train(small, TrainConfig(lr=1e30, epochs=5, batch_size=16), run_dir=tmp_path / "run")


def test_an_existing_run_is_never_overwritten(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = [train(small, TrainConfig(epochs=1)).run_dir for _ in range(2)]
    assert [run.as_posix() for run in runs] == [
        "runs/small-shallow-fbcsp-0",
        "runs/small-shallow-fbcsp-0-2",
    ]
    with pytest.raises(ConfigError, match="never overwritten"):
        train(small, TrainConfig(epochs=1), run_dir=runs[0])


def test_progress_is_told_by_epoch_and_by_fold(small, tmp_path):
    said = []
    train(small, TrainConfig(folds=2, **QUICK), run_dir=tmp_path / "run", on_event=lambda event: said.append(event.text))
    assert said[0].startswith("small.zarr: 96 windows of 6 persons, shallow-fbcsp on ")
    assert sum(", epoch " in line for line in said) == 4
    assert [line.partition(",")[0] for line in said if "tested" in line] == [
        "fold 1 of 2",
        "fold 2 of 2",
    ]


def test_bfloat16_training_on_a_cpu_comes_close_to_float32(small, tmp_path):
    losses = [
        train(small, TrainConfig(**QUICK, device="cpu", precision=p), run_dir=tmp_path / p)
        .history["train_loss"]
        .iloc[-1]
        for p in ("float32", "bfloat16")
    ]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.1)


def test_the_generator_is_restored_even_where_training_fails():
    state = torch.get_rng_state()
    with contextlib.suppress(ZeroDivisionError), loop.reproducible(1, torch.device("cpu")):
        torch.rand(1)
        raise ZeroDivisionError
    assert torch.equal(torch.get_rng_state(), state)


def test_a_target_of_one_class_is_refused_with_the_class(eyes_store, tmp_path):
    with pytest.raises(
        TargetError,
        match=r"target 'task' has one class, 'motion'; training tells at least two classes apart",
    ):
        train(str(eyes_store), TrainConfig(target="task"), run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()
