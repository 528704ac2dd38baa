from __future__ import annotations

import doctest
import importlib
import json

import joblib
import numpy as np
import pandas as pd
import pytest
from people_store import window_table, write_store

import bids_dl
from bids_dl.annotate.learning.features import measure_windows
from bids_dl.annotate.simulation import simulate_store
from bids_dl.config.simulation_stage import SimulateConfig
from bids_dl.errors import ConfigError, TargetError
from bids_dl.testing import plant_spikes

FILES = {"curves.csv", "curves.png", "simulation.json", "summary.csv"}
MODULES = (
    *("learning.features", "learning.learner", "simulation.scoring", "simulation.automatic"),
    *("simulation.curves", "simulation.files", "simulation.simulate"),
)
SMALL = {"strategy": ("mixture",), "seeds": 2, "batch": 6, "budget": 18}


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> str:
    """Five people with 32 windows each, whose classes differ in amplitude."""
    folder = tmp_path_factory.mktemp("store") / "x.zarr"
    return write_store(folder, window_table(5, n_windows=16))


def test_the_examples_of_the_docstrings_are_right(eyes_store, tmp_path, monkeypatch):
    (tmp_path / "eyes.zarr").symlink_to(eyes_store)
    monkeypatch.chdir(tmp_path)
    for name in MODULES:
        module = importlib.import_module(f"bids_dl.annotate.{name}")
        assert doctest.testmod(module).failed == 0, name


def test_the_folder_has_the_tables_the_picture_and_the_description(store, tmp_path):
    stages = []
    result = simulate_store(
        store,
        SimulateConfig(**SMALL, automatic=True),
        output=tmp_path / "out",
        on_progress=lambda *progress: stages.append(progress),
    )
    assert {path.name for path in result.folder.iterdir()} == FILES
    pd.testing.assert_frame_equal(pd.read_csv(result.folder / "curves.csv"), result.curves)
    assert json.loads((result.folder / "simulation.json").read_text()) == json.loads(
        json.dumps(result.description)
    )
    assert stages[-2:] == [("seeds", 1, 2), ("seeds", 2, 2)]
    rows = result.summary[["strategy", "automatic"]].apply(tuple, axis=1).tolist()
    assert rows == [(name, flag) for name in ("random", "mixture") for flag in (False, True)]
    assert result.description["people"] == {"n": 5, "held_out": 2}


def test_workers_do_not_change_the_files(store, tmp_path):
    # threads, because processes that import torch take half a minute on a busy machine
    with joblib.parallel_config(backend="threading"):
        for jobs in (1, 2):
            folder = tmp_path / str(jobs)
            simulate_store(store, SimulateConfig(**SMALL, jobs=jobs), output=folder)
    for name in FILES - {"simulation.json"}:  # which has the number of workers
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"strategy": ("wise",)}, ConfigError, "unknown strategy 'wise'"),
        ({"budget": 6}, ConfigError, "--budget 6: expected more than --batch 6"),
        ({"target": "onset"}, TargetError, "onset"),
        ({"target": "colour"}, TargetError, "no column 'colour'"),
        ({"model": "nonet"}, ConfigError, "nonet"),
        ({"test": "split"}, TargetError, "the split test has no window"),
    ],
)
def test_an_impossible_request_is_refused_before_anything_is_written(
    store, tmp_path, changes, error, message
):
    with pytest.raises(error, match=message):
        simulate_store(store, SimulateConfig(**SMALL | changes), output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_windows_without_a_class_are_refused_or_left_out(tmp_path):
    table = window_table(5, n_windows=16)
    table["stage"] = table["label"].where(table.index % 8 > 0, "n/a")
    url = write_store(tmp_path / "x.zarr", table)
    config = SimulateConfig(**SMALL, target="stage")
    with pytest.raises(TargetError, match="20 of 160 windows have no 'stage'; --drop-missing"):
        simulate_store(url, config, output=tmp_path / "out")
    config = SimulateConfig(**SMALL, target="stage", drop_missing=True)
    result = simulate_store(url, config, output=tmp_path / "out")
    assert sum(result.description["classes"].values()) == 140


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_windows_that_are_not_finite_are_refused(store, tmp_path, monkeypatch, value):
    def measure(store, on_progress):
        measures = measure_windows(store, on_progress)
        measures[3] = value  # as of a store that holds such samples
        return measures

    monkeypatch.setattr("bids_dl.annotate.simulation.simulate.measure_windows", measure)
    with pytest.raises(TargetError, match="1 of 160 windows with a class have NaN or infinite"):
        simulate_store(store, SimulateConfig(**SMALL), output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_budget_beyond_the_pool_is_a_warning(store, tmp_path):
    config = SimulateConfig(strategy=("margin",), seeds=1, batch=40, budget=500)
    result = simulate_store(store, config, output=tmp_path / "out")
    assert result.description["warnings"] == [
        "the budget of 500 is more than the 96 windows that can be asked"
    ]
    assert result.curves["n_labels"].max() == 96


@pytest.mark.slow
def test_mixture_beats_random_on_rare_spikes_in_real_eeg(shared, tmp_path):
    """The 20 seeds of the whole trial are too many here: six, of one run of each person."""
    bids_dl.convert(
        shared / "eegbci",
        tmp_path / "pool.zarr",
        whole=True,
        window=1,
        run=4,
        scheduler="synchronous",
    )
    spikes = plant_spikes(tmp_path / "pool.zarr", tmp_path / "spikes.zarr", share=0.0275)
    config = SimulateConfig(strategy=("mixture",), seeds=6, budget=120)
    result = simulate_store(spikes.url, config, output=tmp_path / "out")
    assert result.description["metric"]["title"] == "average precision of spike"
    mixture = result.summary.set_index("strategy").loc["mixture"]
    assert mixture["low"] > 0
    assert mixture["labels_to_random"] <= 60
    found = result.summary.set_index("strategy")["labels_spike"]
    assert found["mixture"] > 3 * found["random"]


def test_mixture_is_as_good_as_random_if_no_class_is_rare(eyes_store, tmp_path):
    config = SimulateConfig(strategy=("mixture",), seeds=8, budget=100)
    result = simulate_store(str(eyes_store), config, output=tmp_path / "out")
    assert result.description["metric"]["name"] == "balanced_accuracy"
    assert result.summary.set_index("strategy").loc["mixture", "difference"] > -0.01
