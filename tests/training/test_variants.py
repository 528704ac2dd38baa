from __future__ import annotations

import doctest
from pathlib import Path

import pytest
from people_store import window_table, write_store

from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import ConfigError
from bids_dl.training import variants
from bids_dl.training.variants import expand_options, train_variants


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    table = window_table(4, splits=("train", "train", "validation", "test"))
    return write_store(tmp_path_factory.mktemp("small") / "small.zarr", table)


def test_each_value_is_trained_once_and_compared(small, tmp_path):
    config = TrainConfig(epochs=1, device="cpu", model_options={"n_filters": "4,8"})
    found = train_variants(small, config, run_dir=tmp_path / "runs")
    assert list(found.run_dirs) == ["n_filters=4", "n_filters=8"]
    assert [row.model for row in found.comparison.rows][:2] == ["shallow-fbcsp"] * 2
    written = [(folder / "metrics.json").stat().st_mtime_ns for folder in found.run_dirs.values()]
    again = train_variants(small, config, run_dir=tmp_path / "runs")
    assert written == [
        (folder / "metrics.json").stat().st_mtime_ns for folder in again.run_dirs.values()
    ]


def test_shares_of_the_persons_are_trained_and_drawn_as_a_learning_curve(tmp_path, command):
    table = window_table(8, splits=("train", "train", "train", "test"))
    store = write_store(tmp_path / "eight.zarr", table)
    options = ["--train-fraction", "0.2,1", "--epochs", "1", "--run-dir", tmp_path / "runs"]
    result = command("train", store, *options, "--json")
    assert list(result.json["runs"]) == ["train_fraction=0.2", "train_fraction=1"]
    curve = result.json["learning_curve"]
    assert [row["n_persons"] for row in curve] == [1, 6]
    assert {"people_curve.csv", "people_curve.png"} <= {
        p.name for p in (tmp_path / "runs").iterdir()
    }
    printed = command("train", store, *options)
    assert "learning curve (95 % interval)" in printed.out


def test_a_single_share_is_one_run(small, tmp_path):
    assert not variants.has_variants({"train_fraction": "0.5"})
    assert variants.has_variants({"train_fraction": [0.5, 1]})
    for wrong in ("0", "2", "many", ""):
        with pytest.raises(ConfigError, match="--train-fraction"):
            variants.has_variants({"train_fraction": wrong})


def test_lists_of_several_options_are_combined():
    config = TrainConfig(model_options={"n_filters": [4, 8], "dropout": "0.1,0.5"})
    assert list(expand_options(config)) == [
        "n_filters=4,dropout=0.1",
        "n_filters=4,dropout=0.5",
        "n_filters=8,dropout=0.1",
        "n_filters=8,dropout=0.5",
    ]


def test_single_values_are_one_run_without_a_name():
    config = TrainConfig(model_options={"n_filters": 4})
    assert expand_options(config) == {"": config}


def test_no_or_too_many_values_are_refused():
    with pytest.raises(ConfigError, match="n_filters: the list of values is empty"):
        expand_options(TrainConfig(model_options={"n_filters": []}))
    with pytest.raises(ConfigError, match="more than 100 combinations"):
        expand_options(TrainConfig(model_options={"n_filters": list(range(1, 102))}))


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(variants).failed == 0


def test_the_command_line_trains_each_value_and_prints_the_comparison(small, tmp_path, command):
    options = ["--model-option", "n_filters=4,8", "--epochs", "1", "--run-dir", tmp_path / "runs"]
    result = command("train", small, *options, "--json")
    assert sorted(result.json["runs"]) == ["n_filters=4", "n_filters=8"]
    compared = [Path(row["run"]).name for row in result.json["comparison"]["rows"]]
    assert compared[:2] == ["n_filters=4", "n_filters=8"]


def test_a_wrong_value_is_refused_before_the_first_training(small, tmp_path):
    config = TrainConfig(epochs=1, model_options={"n_filters": [4, "x"]})
    with pytest.raises(ConfigError, match="option n_filters 'x': expected an integer"):
        train_variants(small, config, run_dir=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_value_that_is_given_twice_is_refused():
    with pytest.raises(ConfigError, match=r"train_fraction=0\.5: given twice"):
        expand_options(TrainConfig(train_fraction=(0.5, 0.5)))
    names = list(expand_options(TrainConfig(train_fraction=(0.5, 0.500000001))))
    assert names == ["train_fraction=0.5", "train_fraction=0.500000001"]
