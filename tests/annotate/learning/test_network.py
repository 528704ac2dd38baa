from __future__ import annotations

import numpy as np
import pytest
from people_store import window_table, write_store

from bids_dl.annotate.learning.learner import Answers
from bids_dl.annotate.learning.network import choose_networks, make_training, scale_network
from bids_dl.annotate.simulation import simulate_store
from bids_dl.config.simulation_stage import SimulateConfig
from bids_dl.errors import ConfigError
from bids_dl.models.target_columns import read_target
from bids_dl.store import open_store

OPTIONS = {"epochs": 20, "device": "cpu"}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Four people with 16 windows each, whose classes differ in amplitude."""
    folder = tmp_path_factory.mktemp("store") / "x.zarr"
    return open_store(write_store(folder, window_table(4), n_times=128))


def choose(store, model="band-power", **model_options):
    target = read_target(store.table, ["label"], source="x.zarr")
    training = make_training(model, model_options, **OPTIONS)
    return choose_networks(store, training, target), target


def test_a_network_learns_from_answers_only(store):
    networks, target = choose(store)
    learner = networks["band-power"]
    rows = np.array([0, 1, 2, 8, 9, 10])
    answers = Answers(rows, target.values[rows], np.ones(6))
    predict = learner.learn(answers, 5)
    asked = np.array([40, 3, 63, 3])
    probabilities = predict(asked)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert (probabilities.argmax(axis=1) == target.values[asked]).all()
    assert (probabilities[1] == probabilities[3]).all()
    assert (learner.learn(answers, 5)(asked) == probabilities).all()


def test_normalization_by_training_windows_is_that_of_the_pool(store):
    learner = choose(store)[0]["band-power"]
    rows = np.arange(16)
    scaled = scale_network(learner, rows)
    if learner.card.normalize == "training":
        mean = store[0:16].signals.mean(axis=(0, 2), dtype=float)
        np.testing.assert_allclose(scaled.card.mean, mean, atol=1e-3)
    else:
        assert scaled is learner


def test_several_values_of_an_option_give_several_learners(store):
    networks, _ = choose(store, "eegnet", f1="4,8")
    assert list(networks) == ["eegnet f1=4", "eegnet f1=8"]
    with pytest.raises(ConfigError, match="kernal"):
        choose(store, "eegnet", kernal=3)


@pytest.mark.slow
def test_a_network_gives_a_curve(store, tmp_path):
    config = SimulateConfig(
        strategy=("committee",), seeds=1, batch=8, budget=16, model="band-power", **OPTIONS
    )
    result = simulate_store(store.url, config, output=tmp_path / "out")
    assert result.summary["model"].unique().tolist() == ["band-power"]
    assert (result.summary["last"] > 0.9).all()
