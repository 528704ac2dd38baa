from __future__ import annotations

import doctest
import json
import os
import platform
import shlex

import pytest
import torch
from people_store import window_table, write_store

from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import BidsDlError, ConfigError
from bids_dl.store import open_store
from bids_dl.training import run_folder
from bids_dl.training.run_folder import (
    command_line,
    create_run_folder,
    describe_environment,
    without_credentials,
    write_json,
    writing_run,
)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://key:secret@bucket/eyes.zarr", "s3://bucket/eyes.zarr"),
        ("https://host/eyes.zarr?X-Amz-Signature=abc&token=def#part", "https://host/eyes.zarr"),
        ("s3://bucket/eyes.zarr", "s3://bucket/eyes.zarr"),
        ("folder/eyes@home.zarr", "folder/eyes@home.zarr"),
    ],
)
def test_a_url_is_recorded_without_credentials(url, expected):
    assert without_credentials(url) == expected


def test_the_command_has_every_option_that_differs_from_its_default():
    config = TrainConfig(
        folds="loso",
        lr=0.002,
        drop_missing=True,
        normalize=None,
        model_options={"dropout": 0.3},
        seed=4,
    )
    words = shlex.split(command_line("my eyes.zarr", config))
    assert words == [
        *("bids-dl", "train", "my eyes.zarr", "--model", "shallow-fbcsp", "--seed", "4"),
        *("--folds", "loso", "--lr", "0.002", "--normalize", "none", "--drop-missing"),
        *("--model-option", "dropout=0.3"),
    ]


def test_the_environment_has_versions_and_neither_host_nor_user():
    environment = describe_environment(torch.device("cpu"))
    assert environment["packages"]["torch"] == torch.__version__
    assert environment["device"]["type"] == "cpu"
    text = json.dumps(environment)
    assert platform.node() not in text
    assert os.path.expanduser("~") not in text  # noqa: PTH111


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return open_store(write_store(tmp_path_factory.mktemp("runs") / "s.zarr", window_table(2)))


def test_the_default_folder_is_named_after_store_model_and_seed_and_numbered(
    store, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    folders = [create_run_folder(None, store, TrainConfig(seed=3)) for _ in range(2)]
    assert [folder.as_posix() for folder in folders] == [
        "runs/s-shallow-fbcsp-3",
        "runs/s-shallow-fbcsp-3-2",
    ]
    assert all(folder.is_dir() for folder in folders)


def test_a_requested_folder_may_exist_if_it_is_empty(store, tmp_path):
    (tmp_path / "run").mkdir()
    assert create_run_folder(tmp_path / "run", store, TrainConfig()) == tmp_path / "run"
    (tmp_path / "run" / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"run: already exists and is never overwritten"):
        create_run_folder(tmp_path / "run", store, TrainConfig())


def test_an_unfinished_training_is_named_as_such(store, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"run: holds a training that did not finish; remove it"):
        create_run_folder(tmp_path / "run", store, TrainConfig())


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(run_folder).failed == 0


@pytest.mark.parametrize("name", ["file/run", "store.zarr/run"])
def test_a_run_folder_that_cannot_be_created_is_refused_with_its_path(tmp_path, name):
    (tmp_path / "file").touch()
    store = open_store(write_store(tmp_path / "store.zarr", window_table(2)))
    message = rf"--run-dir \S+/{name}: (cannot be written \(Not a directory\)|is inside the store)"
    with pytest.raises(ConfigError, match=message):
        create_run_folder(tmp_path / name, store, TrainConfig())


def test_a_full_disk_during_a_training_says_what_to_do_with_its_folder(tmp_path):
    (tmp_path / "metrics.json").symlink_to("/dev/full")
    message = r"^run folder \S+: cannot be written \(No space left on device\); the run is incompl"
    with pytest.raises(BidsDlError, match=message) as failure, writing_run(tmp_path):
        write_json(tmp_path / "metrics.json", {})
    assert failure.value.exit_status == 1
