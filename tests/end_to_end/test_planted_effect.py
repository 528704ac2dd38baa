"""Training on an effect of known size: no system exceeds its bound, and the linear one reaches it.

At least 400 persons are tested. A system that exceeds the bound has a leak.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from bids_dl.config.training_stage import TrainConfig
from bids_dl.testing import PlantedEffect, plant_store
from bids_dl.training import train

pytestmark = pytest.mark.slow

CHANNELS = ("F3", "C4", "P3", "O2")
N_TRAIN, N_TEST = 600, 800  # persons
N_WINDOWS = 10  # of a person
Z_95 = 1.96
# The loss of a linear model is convex, so a high learning rate reaches its minimum in few epochs
LINEAR = {"model": "band-power", "epochs": 5, "batch_size": 256, "lr": 1e-2}


def train_on(folder: Path, effect: PlantedEffect, config: dict[str, Any], **people: Any) -> Any:
    """Write a store, train on its splits, and return the metrics."""
    size = {"n_persons": N_TRAIN + N_TEST, "test": N_TEST / (N_TRAIN + N_TEST)}
    size |= {"n_windows": N_WINDOWS, "ch_names": CHANNELS, **people}
    store = plant_store(folder / "planted.zarr", effect, **size)
    settings = TrainConfig(**{"device": "cpu", "precision": "float32", **config})
    return train(store.url, settings, run_dir=folder / "run").metrics


def half_interval(accuracy: float, n: int) -> float:
    """Return half the 95 % interval of an accuracy over independent persons."""
    return Z_95 * math.sqrt(accuracy * (1 - accuracy) / n)


@pytest.mark.parametrize(
    "config",
    [LINEAR, {"model": "shallow-fbcsp", "epochs": 2}, {"model": "eegnet", "epochs": 2}],
    ids=["band-power", "shallow-fbcsp", "eegnet"],
)
def test_no_system_exceeds_the_bound_and_band_power_is_within_three_points(tmp_path, config):
    effect = PlantedEffect(d=2, between=1, within=1)
    metrics = train_on(tmp_path, effect, {"target": ("sex",), "vote_by": "subject", **config})
    windows = metrics["windows"]["accuracy"]["value"]
    votes = metrics["votes"]["accuracy"]["value"]
    assert metrics["votes"]["n"] == N_TEST
    # the windows of a person depend on each other, so the persons count
    assert windows <= effect.bound_windows() + half_interval(effect.bound_windows(), N_TEST)
    bound = effect.bound_votes(N_WINDOWS)
    assert votes <= bound + half_interval(bound, N_TEST)
    if config is LINEAR:
        assert windows >= effect.bound_windows() - 0.03
        assert votes >= bound - 0.03


def test_a_split_by_windows_exceeds_the_bound(tmp_path):
    effect = PlantedEffect(d=2, between=1, within=1)
    config = {**LINEAR, "target": ("sex",), "epochs": 60, "weight_decay": 0.0}
    people = {"n_persons": 6, "n_windows": 140, "test": 0.5}
    leaky = train_on(tmp_path / "leaky", effect, config, split_windows=True, **people)
    assert leaky["n_persons"] == 420  # windows, to which the system is told to be a person each
    accuracy = leaky["windows"]["accuracy"]["value"]
    bound = effect.bound_windows()
    assert accuracy > bound + 2 * half_interval(bound, 420)


def test_the_age_is_predicted_within_ten_percent_of_the_irreducible_error(tmp_path):
    effect = PlantedEffect(kind="number", d=2, between=1, within=0.5)
    metrics = train_on(tmp_path, effect, {**LINEAR, "target": ("age",), "vote_by": "subject"})
    error = metrics["votes"]["mae"]["value"]
    floor = effect.irreducible_mae(N_WINDOWS)
    # the standard deviation of an absolute error is sqrt(pi / 2 - 1) of its mean
    spread = Z_95 * floor * math.sqrt((math.pi / 2 - 1) / N_TEST)
    assert floor - spread <= error <= 1.1 * floor


def test_vote_shares_are_predicted_within_a_twentieth_nat_of_the_floor(tmp_path):
    columns = ("votes_a", "votes_b", "votes_c", "votes_d")
    effect = PlantedEffect(kind="shares", columns=columns, d=2, n_votes=10)
    # the power of a person's other windows tells nothing about the votes of a window, so a
    # normalization by recording would remove what they depend on
    config = {**LINEAR, "target": ("votes_*",), "normalize": "training"}
    metrics = train_on(tmp_path, effect, config)
    divergence = metrics["windows"]["kl"]["value"]
    assert effect.kl_floor() - 0.01 <= divergence <= effect.kl_floor() + 0.05
