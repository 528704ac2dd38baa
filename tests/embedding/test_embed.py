from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from embedded_people import CARD, write_run
from people_store import window_table, write_store

from bids_dl.config.embedding_stage import EmbedConfig
from bids_dl.embedding import embed_store
from bids_dl.errors import ConfigError, ModelError, NoMatchError
from bids_dl.models.checkpoint import load_checkpoint, save_checkpoint
from bids_dl.models.features import FeatureExtractor
from bids_dl.prediction import stream_rows
from bids_dl.store import open_store
from bids_dl.training.baseline import read_features

CPU = torch.device("cpu")
SPLITS = ("train", "train", "validation", "test")


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> str:
    """A store of four people, of whom the last has the split test."""
    folder = tmp_path_factory.mktemp("stores")
    return write_store(folder / "people.zarr", window_table(4, splits=SPLITS))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of one network that was trained on the first two people."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    return write_run(folder, [["00", "01"]], normalize="recording")


def config(**changes) -> EmbedConfig:
    return EmbedConfig(device="cpu", **changes)


def test_features_are_those_of_the_network_bit_by_bit(store, run):
    embeddings = embed_store(store, run, config())
    opened = open_store(store)
    model, card = load_checkpoint(run / "weights-fold-0.safetensors")
    extractor = FeatureExtractor(model)
    with torch.inference_mode():
        parts = [extractor(batch.signals) for batch in stream_rows(opened, card, np.ones(64, bool))]
    assert embeddings.features.dtype == np.float32
    np.testing.assert_array_equal(embeddings.features, torch.cat(parts).numpy())
    assert embeddings.table.equals(opened.table)


def test_band_power_is_that_of_the_baseline_of_a_training(store, run, tmp_path):
    opened = open_store(store)
    mean = (0.0,) * 3
    for normalize in ("recording", "training"):
        statistics = {"mean": mean, "std": (20.0,) * 3} if normalize == "training" else {}
        folder = write_run(tmp_path / normalize, [["00"]], normalize=normalize, **statistics)
        embeddings = embed_store(store, folder, config())
        in_baseline = replace(CARD, normalize="none" if normalize == "training" else normalize)
        stream = stream_rows(opened, in_baseline, np.ones(64, bool))
        _, expected = read_features(stream, 3, 64, 64.0, CPU)
        np.testing.assert_array_equal(embeddings.band_power, expected)


def test_random_networks_differ_from_the_trained_one_and_from_each_other(store, run):
    embeddings = embed_store(store, run, config(random_seeds=2))
    again = embed_store(store, run, config(random_seeds=2))
    assert embeddings.random_weights.shape == (2, *embeddings.features.shape)
    first, second = embeddings.random_weights
    assert not np.allclose(first, second)
    assert not np.allclose(first, embeddings.features)
    np.testing.assert_array_equal(embeddings.random_weights, again.random_weights)
    assert list(embeddings.systems) == [
        "features",
        "random_weights_0",
        "random_weights_1",
        "band_power",
    ]


def test_windows_of_people_in_the_training_are_marked(store, run):
    embeddings = embed_store(store, run, config())
    assert set(embeddings.table["subject"][embeddings.seen]) == {"00", "01"}
    assert embeddings.seen.sum() == 32


def test_windows_of_a_split_keep_the_numbers_of_their_rows(store, run):
    embeddings = embed_store(store, run, config(split="test"))
    everything = embed_store(store, run, config())
    assert embeddings.table.index.tolist() == list(range(48, 64))
    np.testing.assert_allclose(embeddings.features, everything.features[48:], atol=1e-5)
    with pytest.raises(NoMatchError):
        embed_store(store, run, config(split="dev"))


def test_a_named_layer_gives_its_flattened_output(store, run):
    embeddings = embed_store(store, run, config(layer="pool"))
    last = embed_store(store, run, config())
    np.testing.assert_allclose(
        np.log(embeddings.features.clip(min=1e-6)), last.features, rtol=1e-5, atol=1e-5
    )
    assert (embeddings.origin["run"]["layer"], embeddings.origin["run"]["side"]) == (
        "pool",
        "output",
    )
    with pytest.raises(ConfigError, match="no layer 'pol', did you mean 'pool'"):
        embed_store(store, run, config(layer="pol"))


def test_the_origin_names_store_weights_and_versions(store, run):
    origin = embed_store(store, run, config()).origin
    weights = (run / "weights-fold-0.safetensors").read_bytes()
    assert origin["run"]["weights_sha256"] == hashlib.sha256(weights).hexdigest()
    assert origin["run"]["card"]["channels"] == ["C0", "C1", "C2"]
    assert origin["store"]["content"] == open_store(store).attributes["content"]
    assert origin["packages"]["torch"] == torch.__version__


def test_a_run_of_several_networks_needs_a_fold(store, tmp_path):
    run = write_run(tmp_path / "run", [["00"], ["01"]])
    with pytest.raises(ConfigError, match=r"2 models.*--fold: 0 \(weights-fold-0.*, 1 \(weights"):
        embed_store(store, run, config())
    with pytest.raises(ConfigError, match="--fold 2: the run has the models 0"):
        embed_store(store, run, config(fold=2))
    second = embed_store(store, run, config(fold=1))
    assert set(second.table["subject"][second.seen]) == {"01"}


def test_another_rate_and_an_unfinished_run_are_refused(run, tmp_path):
    other = write_store(tmp_path / "other.zarr", window_table(2), sfreq=128.0)
    with pytest.raises(ModelError, match="was trained at 64 Hz, the store has 128 Hz"):
        embed_store(other, run, config())
    with pytest.raises(ModelError, match="not a run folder"):
        embed_store(other, tmp_path, config())


def test_windows_that_are_too_short_for_band_power_have_the_reason(tmp_path):
    store = write_store(tmp_path / "short.zarr", window_table(2), n_times=8, sfreq=512.0)
    options = {"model": "resnet1d", "options": {}, "n_times": 8, "sfreq": 512.0}
    run = write_run(tmp_path / "run", [["00"]], **options)
    embeddings = embed_store(store, run, config())
    assert embeddings.band_power.shape == (32, 0)
    assert "band-power expects windows of at least" in embeddings.origin["band_power_reason"]
    assert "band_power" not in embeddings.systems


def test_a_network_that_has_diverged_is_refused(store, tmp_path):
    run = write_run(tmp_path / "run", [["00", "01"]])
    [path] = run.glob("*.safetensors")
    model, card = load_checkpoint(path)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(torch.nan)
    save_checkpoint(model, card, path)
    with pytest.raises(ModelError, match="the features have the value nan"):
        embed_store(store, run, config())
