from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from embedded_people import make_embeddings, write_run
from people_store import window_table, write_store

import bids_dl
from bids_dl.config.embedding_stage import EmbedConfig, ProbeConfig
from bids_dl.config.training_stage import TrainConfig
from bids_dl.embedding import embed_store, write_embeddings
from bids_dl.errors import ConfigError, ModelError, StoreError
from bids_dl.prediction import read_folds
from bids_dl.probing import probe_embeddings
from bids_dl.probing.probe import command_line
from bids_dl.testing import PlantedEffect, plant_store
from bids_dl.training import train
from bids_dl.training.compare import compare_runs

FILES = {
    *("calibration.png", "config.json", "confusion.png", "environment.json", "folds.json"),
    *("metrics.csv", "metrics.json", "predictions.csv", "record.html", "roc.png", "votes.csv"),
}


def config(**changes) -> ProbeConfig:
    return ProbeConfig(device="cpu", **changes)


def write(folder: Path, **options) -> Path:
    """Write embeddings with an effect in the features only."""
    file = folder / "people.embeddings.zarr"
    write_embeddings(make_embeddings({"features": 4}, **options), file)
    return file


@pytest.fixture(scope="module")
def probed(tmp_path_factory):
    """A finished probe of an embedding with an effect."""
    folder = tmp_path_factory.mktemp("probe")
    file = write(folder)
    return probe_embeddings(file, config(folds=3), run_dir=folder / "run")


def test_the_run_folder_has_the_files_of_a_training(probed):
    assert {path.name for path in probed.run_dir.iterdir()} == FILES
    assert json.loads((probed.run_dir / "metrics.json").read_text()) == probed.metrics
    predictions = pd.read_csv(probed.run_dir / "predictions.csv")
    assert len(predictions) == len(probed.predictions) == 192
    metrics = pd.read_csv(probed.run_dir / "metrics.csv")
    assert {"random_weights", "band_power", "largest_class", "chance"} <= set(metrics)
    written = json.loads((probed.run_dir / "config.json").read_text())
    assert written["settings"]["model"] == "probe of shallow-fbcsp"
    assert written["embeddings"]["weights_sha256"] == "ef"
    assert written["command"].endswith("people.embeddings.zarr --folds 3 --device cpu")


def test_the_page_shows_the_floors_and_no_learning_curves(probed):
    text = (probed.run_dir / "record.html").read_text(encoding="utf-8")
    assert "Record of a probe" in text
    assert "The embedding is better than the floors." in text
    assert "embedding minus floor" in text
    assert "random weights, same folds" in text
    assert "Learning curves" not in text
    assert "history.csv" not in text


def test_the_page_says_what_is_not_shown(tmp_path):
    write_embeddings(make_embeddings({"band_power": 4}), tmp_path / "a.zarr")
    result = probe_embeddings(tmp_path / "a.zarr", config(folds=2), run_dir=tmp_path / "run")
    text = (result.run_dir / "record.html").read_text(encoding="utf-8")
    assert "not shown to be better than random weights and log band power" in text


def test_a_probe_is_compared_with_its_floor_and_with_a_training(probed, tmp_path):
    comparison = compare_runs([probed.run_dir])
    assert [row.model for row in comparison.rows] == ["probe of shallow-fbcsp", "band-power"]
    table = window_table(12, splits=("train", "train", "test"))
    store = write_store(tmp_path / "people.zarr", table)
    training = TrainConfig(folds=3, epochs=1, device="cpu", model_options={"n_filters": 4})
    trained = train(store, training, run_dir=tmp_path / "trained")
    comparison = compare_runs([trained.run_dir, probed.run_dir])
    assert comparison.rows[1].test.n_persons == 12


def test_a_probe_is_no_run_to_predict_with(probed):
    with pytest.raises(ModelError, match="not a run folder of bids-dl train"):
        read_folds(probed.run_dir)


@pytest.mark.parametrize("normalize", ["recording", "training"])
def test_band_power_repeats_the_baseline_of_a_training(tmp_path, normalize):
    table = window_table(6, splits=("train", "train", "test"))
    store = write_store(tmp_path / "people.zarr", table)
    settings = {"device": "cpu", "normalize": normalize, "model_options": {"n_filters": 4}}
    trained = train(store, TrainConfig(epochs=1, **settings), run_dir=tmp_path / "run")
    embeddings = embed_store(store, tmp_path / "run", EmbedConfig(device="cpu"))
    write_embeddings(embeddings, tmp_path / "a.zarr")
    result = probe_embeddings(
        tmp_path / "a.zarr", config(inverse_penalty=0.01), run_dir=tmp_path / "probe"
    )
    expected = trained.metrics["baselines"]["band_power"]
    found = result.metrics["baselines"]["band_power"]
    for unit in ("windows", "votes"):
        for name in ("accuracy", "auroc", "kappa"):
            assert found[unit][name]["value"] == pytest.approx(
                expected[unit][name]["value"], abs=1e-6
            )


@pytest.mark.slow
def test_a_network_that_has_learnt_the_effect_beats_random_weights_on_another_store(tmp_path):
    effect = PlantedEffect(d=3, between=0.5, unit="block", electrodes=("O1", "O2"))
    for name, seed in (("a", 0), ("b", 5)):
        plant_store(tmp_path / f"{name}.zarr", effect, n_persons=16, n_blocks=4, seed=seed)
    settings = TrainConfig(model="eegnet", epochs=12, device="cpu")
    train(str(tmp_path / "a.zarr"), settings, run_dir=tmp_path / "run")
    files = {}
    for name in ("a", "b"):
        url = str(tmp_path / f"{name}.zarr")
        embeddings = embed_store(url, tmp_path / "run", EmbedConfig(device="cpu"))
        # planted people have the same numbers in all stores
        table = embeddings.table.assign(dataset=name)
        files[name] = tmp_path / f"{name}.embeddings.zarr"
        write_embeddings(replace(embeddings, table=table), files[name])
    alone = probe_embeddings(files["b"], config(folds=4), run_dir=tmp_path / "alone")
    both = probe_embeddings(files["a"], config(), test=files["b"], run_dir=tmp_path / "both")
    for result in (alone, both):
        assert result.metrics["windows"]["accuracy"]["value"] > 0.75
        assert result.metrics["floors"]["random_weights"]["is_beaten"]
        assert result.metrics["n_persons"] == 16
    page = (tmp_path / "both" / "record.html").read_text(encoding="utf-8")
    assert "all windows of another store, b.zarr" in page


def test_an_existing_folder_and_wrong_files_are_refused_and_nothing_is_written(tmp_path):
    file = write(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    with pytest.raises(ConfigError, match="already exists and is never overwritten"):
        probe_embeddings(file, config(folds=3), run_dir=tmp_path / "run")
    with pytest.raises(ConfigError, match="99 folds of 12 persons"):
        probe_embeddings(file, config(folds=99), run_dir=tmp_path / "new")
    with pytest.raises(StoreError, match="no such folder"):
        probe_embeddings(tmp_path / "missing.zarr", config(), run_dir=tmp_path / "new")
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_the_default_folder_has_store_target_and_seed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = write(tmp_path, n_persons=4)
    names = []
    for _ in range(2):
        result = probe_embeddings(file, config(folds=2, inverse_penalty=0.01))
        names.append(str(result.run_dir))
    assert names == ["runs/people-probe-label-0", "runs/people-probe-label-0-2"]


def test_the_command_line_repeats_the_probe():
    settings = config(target=("a", "b"), where=("age=18..30",), folds="loso", inverse_penalty=0.1)
    text = command_line(Path("e.zarr"), Path("other.zarr"), settings)
    assert text == (
        "bids-dl probe e.zarr --test other.zarr --target a --target b --folds loso "
        "--where age=18..30 --inverse-penalty 0.1 --device cpu"
    )


@pytest.mark.slow
def test_eyes_are_probed_as_well_as_published(eyes_store, tmp_path):
    """Of four people: random shallow-fbcsp reaches 83 to 93 %, band power 98 to 100 %."""
    bids_dl.train(
        eyes_store, epochs=1, normalize="recording", device="cpu", run_dir=tmp_path / "run"
    )
    file = tmp_path / "eyes.embeddings.zarr"
    bids_dl.embed(eyes_store, run_dir=tmp_path / "run", random_seeds=3, output=file, device="cpu")
    result = bids_dl.probe(file, folds="loso", run_dir=tmp_path / "probe", device="cpu")
    baselines = result.metrics["baselines"]
    assert baselines["band_power"]["windows"]["accuracy"]["value"] >= 0.95
    networks = [each["windows"] for each in baselines["random_weights"]["networks"]]
    assert 0.8 <= np.mean(networks) <= 0.95
    assert result.metrics["votes"]["n"] == 8


def test_the_network_that_has_seen_the_people_is_reported_on_the_page(tmp_path):
    table = window_table(4, splits=("train", "test"))
    store = write_store(tmp_path / "people.zarr", table)
    run = write_run(tmp_path / "run", [["00", "01", "02"]])
    write_embeddings(embed_store(store, run, EmbedConfig(device="cpu")), tmp_path / "a.zarr")
    result = probe_embeddings(
        tmp_path / "a.zarr", config(folds="loso", inverse_penalty=0.1), run_dir=tmp_path / "p"
    )
    assert "trained on 3 of the 4 tested persons" in result.metrics["warnings"][0]
    assert "trained on 3 of the 4" in (tmp_path / "p" / "record.html").read_text(encoding="utf-8")
