"""Published systems, from BIDS to metrics, on planted recordings whose best result is known."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bids_dl
from bids_dl.testing import PlantedEffect, make_dataset, plant_store

pytestmark = pytest.mark.slow

LEFT = ("E22", "E33", "E24", "E11", "E124", "E45", "E36", "E70", "E58", "E52", "E62", "E92")
N_PERSONS = 40
# A map is scaled to its own minimum and maximum, so that the absolute power is lost, and the
# background of other channels is the only measure. Its spread is 4 dB, so the effect is larger.
EFFECT = PlantedEffect(unit="block", d=6, between=2, within=3.6, band=(8, 12), electrodes=LEFT)
INDEPENDENT = {"bad_channels.correlation": None, "bad_channels.line_noise": None}
"""Criteria that reject planted channels, because their noise is independent."""


@pytest.fixture(scope="module")
def net(tmp_path_factory) -> tuple[str, np.ndarray]:
    """A store of the net HydroCel-129 by recipe truong2021, and the log power of its windows."""
    pytest.importorskip("eegprep", reason="needs bids_dl[clean]")
    folder = tmp_path_factory.mktemp("net")
    dataset = make_dataset(
        folder / "bids",
        n_subjects=N_PERSONS,
        template="GSN-HydroCel-129",
        ch_names=(),
        sfreq=128,
        n_blocks=2,
        block_duration=20,
        format="brainvision",
        effect=EFFECT,
    )
    outcome = bids_dl.convert(
        dataset.root,
        folder / "net.zarr",
        recipe="truong2021",
        set=INDEPENDENT,
        hed={"open": "Eyes-open", "closed": "Eyes-closed"},
        window=2,
        split=(0.5, 0, 0.5),
        scheduler="synchronous",
    )
    assert outcome.n_windows == 20 * N_PERSONS
    log_power = np.concatenate([recording.log_power() for recording in dataset.recordings])
    return outcome.url, log_power


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        ("band-power", {"optimizer": "sgd", "lr": 0.001, "batch_size": 20, "epochs": 5}),
        ("s-vgg", {"optimizer": "adamax", "lr": 0.0005, "batch_size": 40, "epochs": 12}),
    ],
)
def test_system_1_is_within_three_points_of_the_best_classifier(net, tmp_path, model, settings):
    url, log_power = net
    metrics = train(url, tmp_path, model=model, normalize="none", **settings)
    table = bids_dl.open_store(url).table
    is_test = (table["split"] == "test").to_numpy()
    is_closed = (table["label"] == "closed").to_numpy()
    best = float(((log_power > 0) == is_closed)[is_test].mean())  # of these windows
    accuracy = metrics["windows"]["accuracy"]["value"]
    assert accuracy >= best - 0.03
    n_persons = N_PERSONS // 2
    bound = EFFECT.bound_windows()
    assert accuracy <= bound + 1.96 * math.sqrt(bound * (1 - bound) / n_persons)


def test_system_2_stages_planted_nights_with_a_kappa_of_nine_tenths(tmp_path):
    dataset = make_dataset(
        tmp_path / "bids",
        events="sleep",
        n_subjects=8,
        n_blocks=20,
        block_duration=30,
        sfreq=100,
        ch_names=("Fpz", "Cz", "Pz", "Oz"),
    )
    outcome = bids_dl.convert(
        dataset.root,
        tmp_path / "sleep.zarr",
        recipe="chambon2018",
        hed={stage: f"Label/Stage-{stage}" for stage in ("W", "N1", "N2", "N3", "R")},
        window=30,
        split=(0.75, 0, 0.25),
        scheduler="synchronous",
    )
    metrics = train(
        outcome.url, tmp_path, model="chambon2018", optimizer="adam", batch_size=16, epochs=15
    )
    assert metrics["normalize"]["value"] == "window"
    assert metrics["windows"]["n"] == 40
    assert metrics["windows"]["kappa"]["value"] >= 0.9


def test_system_3_predicts_planted_votes_within_a_twentieth_nat_of_the_floor(tmp_path):
    columns = ("votes_a", "votes_b", "votes_c")
    effect = PlantedEffect(kind="shares", columns=columns, d=2, n_votes=10)
    # an image is normalized by itself, so that eight backgrounds are the measure of the power
    store = plant_store(tmp_path / "votes.zarr", effect, n_persons=300, n_windows=10, test=0.2)
    metrics = train(
        store.url,
        tmp_path,
        target="votes_*",
        model="c2f",
        model_options={"size": "small"},
        optimizer="adam",
        lr=0.002,
        batch_size=32,
        epochs=8,
        schedule="cosine",
    )
    assert metrics["windows"]["kl"]["value"] <= effect.kl_floor() + 0.05


def train(url: str, folder: Path, **settings: Any) -> dict[str, Any]:
    """Train on the CPU, and return the metrics."""
    run_dir = folder / "run"
    options = {"device": "cpu", "precision": "float32", "run_dir": run_dir}
    return bids_dl.train(url, **options, **settings).metrics
