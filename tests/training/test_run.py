from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from people_store import target_table, window_table, write_store
from scipy.stats import binom

from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import (
    BidsDlError,
    ConditionError,
    ConfigError,
    ModelError,
    StoreError,
    TargetError,
)
from bids_dl.models.checkpoint import load_checkpoint
from bids_dl.models.target import TargetSpec
from bids_dl.stream import StreamingDataset
from bids_dl.training import TrainingEvent, train
from bids_dl.training.distributed import Ranks
from bids_dl.training.fitting import Fitting
from bids_dl.training.job import fold_card, fold_data, prepare_job, seed_of_model
from bids_dl.training.loop import fit, reproducible

QUICK = {"epochs": 2, "batch_size": 16}
SPLITS = ("train", "train", "train", "validation", "test", "test")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Path of a store of six persons, with ages and with sexes for four of them."""
    table = target_table(6).assign(sex="n/a")
    table["split"] = [SPLITS[int(subject)] for subject in table["subject"]]
    table.loc[table["subject"] < "04", "sex"] = "F"
    table.loc[table["subject"] < "02", "sex"] = "M"
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
    assert repr(result) == f"TrainingResult(run_dir={tmp_path / 'run'!r})"
    assert sorted(path.name for path in result.run_dir.iterdir()) == [
        "calibration.png",
        "config.json",
        "confusion.png",
        "cost.json",
        "environment.json",
        "folds.json",
        "history.csv",
        "learning_curves.png",
        "metrics.csv",
        "metrics.json",
        "predictions.csv",
        "record.html",
        "roc.png",
        "votes.csv",
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
    assert card.target == TargetSpec("label", "classes", ("label",), ("rest", "move"))
    assert card.normalize == "recording"  # because a recording has both classes
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


@pytest.mark.parametrize("normalize", ["window", "recording", "training", "none"])
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
    config = TrainConfig(folds=2, epochs=15, batch_size=16, normalize="none")
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
    options = {"target": ("sex",), "folds": 2, "epochs": 1}
    with pytest.raises(TargetError, match="32 of 96 windows have no 'sex'"):
        train(small, TrainConfig(**options), run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    result = train(small, TrainConfig(**options, drop_missing=True), run_dir=tmp_path / "run")
    assert result.metrics["outputs"] == ["F", "M"]
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
        ({"model": "scnn"}, ConfigError, "unknown model 'scnn', did you mean 's-scnn'"),
        ({"model_options": {"layers": 3}}, ConfigError, "no option 'layers'"),
        ({"target": ("handedness",)}, TargetError, "handedness"),
        ({"target": ("age",), "target_kind": "shares"}, TargetError, "two or more columns"),
        ({"target": ("dataset",)}, TargetError, "dataset"),
        ({"monitor": "accuracy"}, ConfigError, "--monitor accuracy has no effect without --patie"),
        ({"monitor": "mae", "patience": 2}, ConfigError, "--monitor mae: the target label"),
        ({"warmup": 30.0}, ConfigError, "--warmup 30: expected fewer epochs than --epochs 30"),
        ({"min_lr": 1e-5}, ConfigError, "--min-lr 1e-05 has no effect without a schedule"),
        ({"schedule": "cosine", "min_lr": 1.0}, ConfigError, "--min-lr 1: expected at most --lr"),
        ({"loss": "mse"}, ConfigError, "--loss mse is for numbers, but 'label' is of kind class"),
        ({"class_weights": "inverse", "target": ("age",)}, ConfigError, "class weights need a"),
        ({"where": ("age=3",)}, ConditionError, "--where age=3 matches none of 96 windows"),
        ({"vote_by": "subject"}, TargetError, "--vote-by subject: ds1/sub-00 has several values"),
        ({"model": "band-power", "batch_size": 1}, ModelError, "use another --batch-size"),
        (
            {"model": "band-power", "batch_size": 2, "where": ("onset=0..14",)},
            ModelError,
            "batches of 1 for each process",  # the last two batches share three windows
        ),
        (
            {"optimizer_options": {"capturable": True}, "device": "cpu"},
            ConfigError,
            "AdamW refuses it",
        ),
        (
            {"optimizer_options": {"eps": np.float32(1e-8)}},
            ConfigError,
            "--optimizer-option eps: np.float32.* of type float32 cannot be recorded",
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


def test_outputs_that_are_not_finite_are_no_result(small, tmp_path):
    config = TrainConfig(lr=1e30, epochs=1, batch_size=1000)  # the only step has a finite loss
    with pytest.raises(ModelError, match="the model returned NaN or infinity for 32 of 32 windows"):
        train(small, config, run_dir=tmp_path / "run")


def test_a_class_without_a_selected_window_is_no_output(tmp_path):
    table = target_table(3)
    table["label"] = np.where(table["onset"] % 2, table["label"], "other")
    store = write_store(tmp_path / "s.zarr", table)
    config = TrainConfig(model="band-power", folds="loso", epochs=1, where=("label=rest,move",))
    metrics = train(store, config, run_dir=tmp_path / "run").metrics
    assert metrics["outputs"] == ["rest", "move"]
    assert metrics["baselines"]["chance"]["windows"] == 0.5


def test_an_existing_run_is_not_overwritten(small, tmp_path):
    train(small, TrainConfig(epochs=1), run_dir=tmp_path / "run")
    with pytest.raises(ConfigError, match="holds a finished run, which is never overwritten"):
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
    assert events[1].text.startswith("fold 1 of 2, epoch 1: train loss ")
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
        train(str(eyes_store), TrainConfig(target=("task",)), run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_fold_with_one_class_to_train_on_is_refused(tmp_path):
    table = window_table(2).assign(sex=["F"] * 16 + ["M"] * 16)
    store = write_store(tmp_path / "s.zarr", table)
    message = (
        r"s\.zarr: sub-00 held out, 16 windows to train on, all M; "
        "a fold needs two classes of 'sex'"
    )
    with pytest.raises(TargetError, match=message):
        train(store, TrainConfig(target=("sex",), folds="loso"), run_dir=tmp_path / "run")


@pytest.mark.parametrize(
    ("settings", "kind", "outputs", "columns"),
    [
        ({"target": ("age",)}, "number", ["age"], ["age", "predicted"]),
        (
            {"target": ("votes_*",)},
            "shares",
            ["votes_rest", "votes_move"],
            ["votes_rest", "votes_move", "p_votes_rest", "p_votes_move"],
        ),
        (
            {"target": ("blink", "sex_is_f")},
            "labels",
            ["blink", "sex_is_f"],
            ["blink", "sex_is_f", "p_blink", "p_sex_is_f"],
        ),
    ],
)
def test_numbers_shares_and_labels_are_trained_and_recorded(
    tmp_path, settings, kind, outputs, columns
):
    table = target_table(6)
    table["sex_is_f"] = (table["sex"] == "F").astype(float)
    store = write_store(tmp_path / "s.zarr", table)
    config = TrainConfig(**QUICK, folds=2, **settings)
    result = train(store, config, run_dir=tmp_path / "run")
    assert (result.metrics["kind"], result.metrics["outputs"]) == (kind, outputs)
    assert list(result.predictions)[-len(columns) :] == columns
    assert len(result.predictions) == len(table)
    assert np.isfinite(result.predictions[columns].to_numpy(float)).all()
    assert result.metrics["baselines"]["band_power"]["windows"]["n"] == len(table)


def test_a_label_that_is_missing_for_some_windows_is_masked(tmp_path):
    table = target_table(6)
    table["jaw"] = np.where(table["subject"] < "02", np.nan, table["block"])
    store = write_store(tmp_path / "s.zarr", table)
    config = TrainConfig(**QUICK, folds=2, target=("blink", "jaw"))
    result = train(store, config, run_dir=tmp_path / "run")
    assert result.predictions["jaw"].isna().sum() == 32
    assert [label["n"] for label in result.metrics["windows"]["per_label"]] == [96, 64]


@pytest.mark.parametrize("folds", ["recording", "time"])
def test_a_test_on_the_same_people_says_so(tmp_path, folds):
    table = target_table(3)
    table["recording"] += "_run-" + (table.index % 2).astype(str)
    table = table.sort_values(["recording", "block"], kind="stable").reset_index(drop=True)
    store = write_store(tmp_path / "s.zarr", table)
    gap = {"gap": 0.0} if folds == "time" else {}
    config = TrainConfig(**QUICK, folds=folds, **gap)
    events: list[TrainingEvent] = []
    result = train(store, config, run_dir=tmp_path / "run", on_event=events.append)
    assert result.metrics["same_person"] is True
    assert events[-1].text.endswith("(same people)")


def test_several_seeds_are_reported_beside_the_first_one(small, tmp_path):
    config = TrainConfig(**QUICK, seeds=3, folds=2)
    result = train(small, config, run_dir=tmp_path / "run")
    alone = train(small, TrainConfig(**QUICK, folds=2), run_dir=tmp_path / "alone")
    for name in ("windows", "votes", "persons", "baselines"):
        assert result.metrics[name] == alone.metrics[name]
    assert [seed["seed"] for seed in result.metrics["seeds"]] == [0, 1, 2]
    values = [seed["windows"]["accuracy"] for seed in result.metrics["seeds"]]
    assert result.metrics["seed_spread"]["accuracy"]["mean"] == pytest.approx(np.mean(values))
    weights = {path.read_bytes() for path in result.run_dir.glob("*.safetensors")}
    assert len(weights) == 6


def test_the_second_fold_alone_equals_the_second_fold_of_all(small, tmp_path):
    config = TrainConfig(**QUICK, folds=2)
    job = prepare_job(small, config, None, ranks=Ranks(), device="cpu")
    whole = train(small, config, run_dir=tmp_path / "run")
    seed = seed_of_model(0, 1)
    with reproducible(seed, torch.device("cpu")):
        card = fold_card(job, job.folds[1].train)
        data = fold_data(job, job.folds[1], card, seed)
        fitting = Fitting(card.build(), data, config, job.compute)
        fit(fitting)
    model, _ = load_checkpoint(whole.run_dir / "weights-fold-1.safetensors")
    for name, tensor in fitting.model.state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name]), name


@pytest.mark.parametrize("monitor", ["loss", "accuracy", "kappa"])
def test_early_stopping_keeps_the_best_epoch_of_the_monitored_metric(small, tmp_path, monitor):
    config = TrainConfig(epochs=12, patience=3, batch_size=16, lr=0.05, monitor=monitor)
    result = train(small, config, run_dir=tmp_path / "run")
    values = result.history[f"validation_{monitor}"].to_numpy()
    best = int(values.argmin() if monitor == "loss" else values.argmax())
    assert result.metrics["folds"][0]["best_epoch"] == best + 1


def test_the_moving_average_is_what_is_tested_and_kept(small, tmp_path):
    runs = []
    for ema in (None, 0.9):
        config = TrainConfig(**QUICK, ema=ema)
        result = train(small, config, run_dir=tmp_path / f"{ema}")
        runs.append(result)
    assert runs[0].history["train_loss"].tolist() == runs[1].history["train_loss"].tolist()
    weights = [(run.run_dir / "weights.safetensors").read_bytes() for run in runs]
    assert weights[0] != weights[1]


def test_threads_are_set_for_the_training_only(small, tmp_path):
    before = torch.get_num_threads()
    train(small, TrainConfig(**QUICK, threads=before + 1), run_dir=tmp_path / "run")
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert environment["device"]["threads"] == before + 1
    assert torch.get_num_threads() == before


def test_only_windows_that_meet_the_conditions_are_trained_and_tested(small, tmp_path):
    config = TrainConfig(**QUICK, where=("age=20..30",), folds="loso")
    result = train(small, config, run_dir=tmp_path / "run")
    assert sorted(result.predictions["subject"].unique()) == ["00", "01", "02", "03"]
    seen = {
        tuple(person)
        for fold in json.loads((tmp_path / "run/folds.json").read_text())
        for person in fold["train"]
    }
    assert {subject for _, subject in seen} == {"00", "01", "02", "03"}


@pytest.mark.slow
def test_permuted_labels_stay_within_chance(tmp_path):
    table = target_table(8)
    rng = np.random.default_rng(5)
    table["coin"] = rng.permutation(np.repeat(["heads", "tails"], len(table) // 2))
    table["block"] = np.arange(len(table))
    store = write_store(tmp_path / "s.zarr", table)
    config = TrainConfig(epochs=10, batch_size=16, folds="loso", target=("coin",))
    result = train(store, config, run_dir=tmp_path / "run")
    low, high = binom.interval(0.99, len(table), 0.5)
    n_correct = result.metrics["windows"]["accuracy"]["value"] * len(table)
    assert low <= n_correct <= high


def test_tensorboard_is_given_each_epoch(small, tmp_path):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    result = train(small, TrainConfig(**QUICK, log="tensorboard"), run_dir=tmp_path / "run")
    log = events.EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    log.Reload()
    logged = [event.value for event in log.Scalars("seed-0/fold-0/train_loss")]
    assert logged == pytest.approx(result.history["train_loss"].tolist())


@pytest.mark.slow
def test_a_compiled_model_learns_the_same(small, tmp_path):
    runs = []
    for is_compiled in (False, True):
        options = {"dropout": 0.0}  # whose random numbers a compiled model draws otherwise
        config = TrainConfig(**QUICK, compile=is_compiled, model_options=options)
        runs.append(train(small, config, run_dir=tmp_path / f"{is_compiled}"))
    losses = [run.history["train_loss"].to_numpy() for run in runs]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-3)
