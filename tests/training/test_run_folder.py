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
    RunDocuments,
    claimed_run_folder,
    command_line,
    describe_config,
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
        normalize="none",
        target=("votes_a", "votes_b"),
        where=("age=18..30",),
        optimizer_options={"amsgrad": True},
        model_options={"dropout": 0.3},
        seed=4,
    )
    words = shlex.split(command_line("my eyes.zarr", config))
    assert words == [
        *("bids-dl", "train", "my eyes.zarr", "--model", "shallow-fbcsp", "--seed", "4"),
        *("--target", "votes_a", "--target", "votes_b", "--drop-missing", "--folds", "loso"),
        *("--where", "age=18..30", "--optimizer-option", "amsgrad=True", "--lr", "0.002"),
        *("--normalize", "none", "--model-option", "dropout=0.3"),
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


def documents(store, **settings) -> RunDocuments:
    """Describe a training on a store."""
    config = describe_config(store, TrainConfig(**settings))
    return RunDocuments(config, describe_environment(torch.device("cpu")), [])


def test_the_default_folder_is_named_after_store_model_and_seed_and_numbered(
    store, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    first = documents(store, seed=3)
    with claimed_run_folder(None, store, first) as folder:
        assert folder.as_posix() == "runs/s-shallow-fbcsp-3"
        with claimed_run_folder(None, store, first) as second:  # because the first is in use
            assert second.as_posix() == "runs/s-shallow-fbcsp-3-2"
    with claimed_run_folder(None, store, first) as folder:  # a resume
        assert folder.as_posix() == "runs/s-shallow-fbcsp-3"
    with claimed_run_folder(None, store, documents(store, seed=3, lr=0.1)) as folder:
        assert folder.as_posix() == "runs/s-shallow-fbcsp-3-3"


def test_a_requested_folder_may_exist_if_it_is_empty(store, tmp_path):
    (tmp_path / "run").mkdir()
    with claimed_run_folder(tmp_path / "run", store, documents(store)) as folder:
        assert sorted(path.name for path in folder.iterdir()) == [
            *("config.json", "environment.json", "folds.json", "training.lock")
        ]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    message = r"other: already exists and is never overwritten"
    with (
        pytest.raises(ConfigError, match=message),
        claimed_run_folder(tmp_path / "other", store, documents(store)),
    ):
        pass
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["notes.txt"]


def test_a_folder_whose_description_was_not_finished_is_used(store, tmp_path):
    (tmp_path / "environment.json").write_text("{")
    (tmp_path / "folds.json.part").write_text("[")
    with claimed_run_folder(tmp_path, store, documents(store)) as folder:
        assert json.loads((folder / "environment.json").read_text())["packages"]


def test_two_processes_do_not_train_in_one_folder(store, tmp_path):
    with (
        claimed_run_folder(tmp_path / "run", store, documents(store)),
        pytest.raises(ConfigError, match="run: another process is training in it"),
        claimed_run_folder(tmp_path / "run", store, documents(store)),
    ):
        pass


def test_a_file_is_no_run_folder(store, tmp_path):
    (tmp_path / "run").touch()
    with (
        pytest.raises(ConfigError, match="run: is a file; name another run folder"),
        claimed_run_folder(tmp_path / "run", store, documents(store)),
    ):
        pass


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"settings": 3}'])
def test_a_folder_with_a_foreign_or_damaged_description_is_refused(store, tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    (tmp_path / "environment.json").write_text("{}")
    with (
        pytest.raises(ConfigError, match="an unfinished run of another training"),
        claimed_run_folder(tmp_path, store, documents(store)),
    ):
        pass


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(run_folder).failed == 0


@pytest.mark.parametrize("name", ["file/run", "store.zarr/run"])
def test_a_run_folder_that_cannot_be_created_is_refused_with_its_path(tmp_path, name):
    (tmp_path / "file").touch()
    store = open_store(write_store(tmp_path / "store.zarr", window_table(2)))
    message = rf"--run-dir \S+/{name}: (cannot be written \(Not a directory\)|is inside the store)"
    with (
        pytest.raises(ConfigError, match=message),
        claimed_run_folder(tmp_path / name, store, documents(store)),
    ):
        pass


def test_a_full_disk_during_a_training_says_what_to_do_with_its_folder(tmp_path):
    (tmp_path / "metrics.json.part").symlink_to("/dev/full")
    message = r"^run folder \S+: cannot be written \(No space left on device\); the run is incompl"
    with pytest.raises(BidsDlError, match=message) as failure, writing_run(tmp_path):
        write_json(tmp_path / "metrics.json", {})
    assert failure.value.exit_status == 1
