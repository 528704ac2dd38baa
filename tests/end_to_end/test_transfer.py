"""Transfer from a planted dataset to few people of another one, against random weights."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bids_dl.config.training_stage import TrainConfig
from bids_dl.preprocess.steps.interpolate import CHANNEL_SETS
from bids_dl.testing import PlantedEffect, plant_store, planted_store
from bids_dl.training import train

CHANNELS = CHANNEL_SETS["10-20"]
OCCIPITAL = ("O1", "O2")
N_LABELLED = 5
N_TESTED = 30
N_SEEDS = 10
COMMON = {"device": "cpu", "normalize": "training", "lr": 3e-3}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Run that tells women from men, who differ in alpha at the occipital electrodes."""
    folder = tmp_path_factory.mktemp("source")
    effect = PlantedEffect(electrodes=OCCIPITAL, between=0.5, within=0.5)
    people = {"n_persons": 40, "n_windows": 10, "test": 0.1, "ch_names": CHANNELS, "seed": 1}
    store = plant_store(folder / "sex.zarr", effect, **people)
    options = {"model_options": {"n_filters": 8}, "target": ("sex",), "epochs": 8}
    train(store.url, TrainConfig(**options, **COMMON), run_dir=folder / "run")
    return folder / "run"


@pytest.fixture
def target(tmp_path, monkeypatch):
    """Store of other people whose blocks differ in the same band, few of whom are labelled."""
    monkeypatch.setattr(planted_store, "DATASET", "other")
    effect = PlantedEffect(electrodes=OCCIPITAL, unit="block", between=0.3, within=0.3)
    n_persons = N_LABELLED + N_TESTED
    people = {"n_persons": n_persons, "n_windows": 6, "n_blocks": 2, "test": N_TESTED / n_persons}
    return plant_store(tmp_path / "blocks.zarr", effect, ch_names=CHANNELS, seed=2, **people).url


def accuracy_of_seeds(store, run_dir, **settings):
    """Return the accuracy of the tested windows of each seed."""
    config = TrainConfig(target=("label",), epochs=15, batch_size=32, seeds=N_SEEDS, **settings)
    result = train(store, config, run_dir=run_dir)
    table = result.predictions
    assert table["subject"].nunique() == N_TESTED
    assert not any("LEAK" in line for line in result.metrics["warnings"])
    return (table["label"] == table["predicted"]).groupby(table["seed"]).mean().to_numpy()


@pytest.mark.slow
def test_with_five_labelled_people_weights_of_another_dataset_beat_random_ones(
    source, target, tmp_path
):
    begun = accuracy_of_seeds(target, tmp_path / "begun", init_from=str(source), **COMMON)
    options = {"model_options": {"n_filters": 8}}
    random = accuracy_of_seeds(target, tmp_path / "random", **options, **COMMON)
    gain = begun - random
    low, _ = stats.t.interval(0.95, N_SEEDS - 1, gain.mean(), stats.sem(gain))
    assert len(gain) == N_SEEDS
    assert low > 0, (np.mean(begun), np.mean(random))
