from __future__ import annotations

from pathlib import Path

import pytest
from command_line import assert_refused
from embedded_people import make_embeddings, write_run
from people_store import window_table, write_store

from bids_dl.embedding import read_embeddings, write_embeddings


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> str:
    table = window_table(4, splits=("train", "test"))
    return write_store(tmp_path_factory.mktemp("stores") / "people.zarr", table)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "run", [["00"]])


def test_an_embedding_is_written_described_and_probed(command, store, run):
    result = command("embed", store, "--run-dir", run, "--device", "cpu")
    assert result.status == 0, result.err
    assert "64 windows of 4 persons: " in result.out
    assert "features of shallow-fbcsp, input of dense" in result.out
    assert "embeddings: people.embeddings.zarr" in result.out
    assert "the network was trained on 1 of 4 persons" in result.err
    assert len(read_embeddings(Path("people.embeddings.zarr")).features) == 64
    probe = ("probe", "people.embeddings.zarr", "--folds", "loso", "--inverse-penalty", "0.01")
    result = command(*probe, "--device", "cpu")
    assert result.status == 0, result.err
    assert "random weights, windows" in result.words
    assert "accuracy against the floors, paired by person" in result.words
    assert "the embedding is" in result.out
    assert "fold 4 of 4: sub-03 tested" in result.err
    assert "run folder: runs/people-probe-label-0" in result.out


def test_both_commands_print_json(command, store, run):
    result = command("embed", store, "--run-dir", run, "--split", "test", "--json")
    assert result.json["file"] == "people.embeddings.zarr"
    assert (result.json["windows"], result.json["persons"]) == (32, 2)
    probe = ("probe", "people.embeddings.zarr", "--folds", "2", "--run-dir", "p", "--json")
    result = command(*probe)
    assert result.json["run"] == "p"
    assert set(result.json["floors"]) == {"random_weights", "band_power"}


def test_columns_that_are_left_out_are_named(command, tmp_path, run):
    table = window_table(2).assign(features="x")
    store = write_store(tmp_path / "named.zarr", table)
    result = command("embed", store, "--run-dir", run, "-o", "a.zarr", "--device", "cpu")
    assert "column 'features' is left out, because an array has its name" in result.err


def test_wrong_requests_are_refused_and_nothing_is_written(command, store, run):
    assert_refused(command("embed", store), "option --run-dir FOLDER is required")
    assert_refused(
        command("embed", store, "--run-dir", run, "-o", "a.csv"), "--output a.csv", ".parquet"
    )
    assert_refused(
        command("embed", store, "--run-dir", run, "--layer", "x"), "the model has no layer 'x'"
    )
    assert_refused(command("probe", store), "not a file of `bids-dl embed`")
    assert_refused(command("probe", "missing.zarr"), "missing.zarr: no such folder")


def test_a_probe_of_an_unknown_target_is_refused(command, tmp_path):
    file = tmp_path / "a.zarr"
    write_embeddings(make_embeddings({}), file)
    assert_refused(command("probe", file, "--target", "lable"), "did you mean 'label'")
