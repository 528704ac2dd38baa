from __future__ import annotations

import numpy as np
import pytest
from people_store import window_table, write_store

from bids_dl.config.pretraining_stage import PretrainConfig
from bids_dl.errors import ConfigError, TargetError
from bids_dl.models import MODELS
from bids_dl.pretraining.job import (
    choose_distances,
    choose_scaling,
    describe_job,
    prepare_pretraining,
)
from bids_dl.pretraining.pairs import Distances

SETTINGS = {"near": 2.0, "far": 5.0, "device": "cpu", "model_options": {"n_filters": 4}}


def test_default_distances_are_two_and_thirty_windows():
    assert choose_distances(PretrainConfig(), 30.0) == Distances(30.0, 60.0, 900.0)
    assert choose_distances(PretrainConfig(near=5, far=7), 2.0) == Distances(2.0, 5.0, 7.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"near": 1.0}, r"--near 1: windows of 2 s that share no sample are at least 2 s apart"),
        ({"near": 9.0, "far": 8.0}, r"--far 8: expected at least --near 9$"),
    ],
)
def test_impossible_distances_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        choose_distances(PretrainConfig(**options), 2.0)


@pytest.mark.parametrize(
    ("model", "requested", "expected"),
    [
        ("shallow-fbcsp", "auto", "recording"),
        ("chambon2018", "auto", "window"),
        ("chambon2018", "training", "training"),
    ],
)
def test_the_normalization_is_the_requested_or_the_published_one_or_by_recording(
    model, requested, expected
):
    config = PretrainConfig(normalize=requested)
    assert choose_scaling(config, MODELS[model]).normalize == expected


def test_persons_of_train_are_trained_on_and_the_others_are_held_out(tmp_path):
    table = window_table(6, splits=("train", "validation", "test"))
    url = write_store(tmp_path / "s.zarr", table)
    job = prepare_pretraining(url, PretrainConfig(**SETTINGS, normalize="training"), None)
    [fold] = describe_job(job).folds
    assert fold["train"] == [["ds1", "00"], ["ds1", "03"]]
    assert fold["validation"] == []
    assert fold["test"] == [["ds1", "01"], ["ds1", "02"], ["ds1", "04"], ["ds1", "05"]]
    assert fold["weights"] == "weights.safetensors"
    assert len(job.card.mean) == 3
    assert np.isclose(job.card.std, 29, atol=2).all()
    assert job.card.target.outputs == ("far", "near")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda table: table.assign(split="train"),
            r"s\.zarr: no window is in the split validation and test; convert with --split",
        ),
        (
            lambda table: table.assign(split="test"),
            r"s\.zarr: no window is in the split train; convert with --split",
        ),
        (
            lambda table: table.assign(split=["train", "test"] * (len(table) // 2)),
            r"s\.zarr: 4 persons both in train and in test",
        ),
        (
            lambda table: table.assign(onset=0.0),
            r"s\.zarr, training persons: no recording has near and far pairs: of 2 recordings, 0 "
            r"have windows 1 to 2 s apart, 0 more than 5 s apart, and the longest has 16 windows "
            r"over 0 s; change --near or --far$",
        ),
        (lambda table: table.drop(columns="onset"), "needs the column 'onset'"),
    ],
)
def test_stores_without_pairs_or_held_out_persons_are_refused_in_one_line(
    tmp_path, change, message
):
    table = window_table(4, splits=("train", "test"))
    url = write_store(tmp_path / "s.zarr", change(table))
    with pytest.raises((ConfigError, TargetError), match=message) as caught:
        prepare_pretraining(url, PretrainConfig(**SETTINGS), None)
    assert "\n" not in str(caught.value)


def test_a_store_of_one_window_per_recording_is_refused(tmp_path):
    table = window_table(4, splits=("train", "test"), n_windows=1)
    table = table.assign(recording=[f"{number}" for number in range(len(table))])
    url = write_store(tmp_path / "s.zarr", table)
    with pytest.raises(ConfigError, match=r"each of 4 recordings has one window"):
        prepare_pretraining(url, PretrainConfig(**SETTINGS), None)


def test_the_command_repeats_the_settings(tmp_path):
    url = write_store(tmp_path / "s.zarr", window_table(4, splits=("train", "test")))
    job = prepare_pretraining(url, PretrainConfig(**SETTINGS, epochs=3), None)
    config = describe_job(job).config
    assert config["command"].startswith("bids-dl pretrain ")
    for words in (
        "--model shallow-fbcsp",
        "--near 2.0",
        "--epochs 3",
        "--model-option n_filters=4",
    ):
        assert words in config["command"]
    assert "--lr" not in config["command"]
    assert config["settings"]["far"] == 5.0
