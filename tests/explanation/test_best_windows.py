from __future__ import annotations

import numpy as np
import pytest

from bids_dl.explanation.best_windows import choose_best, compare_best_windows
from bids_dl.explanation.spectra import read_axes
from bids_dl.store import open_store
from bids_dl.testing import PlantedEffect, plant_store

TOP = 5


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    effect = PlantedEffect(d=0, electrodes=("O1", "O2"), between=1, within=1)
    return plant_store(tmp_path_factory.mktemp("best") / "s.zarr", effect, n_persons=8, n_windows=6)


@pytest.fixture(scope="module")
def found(planted):
    """Best windows of outputs that are the planted log power, and its negative; then of noise."""
    store = open_store(planted.url)
    of_model = np.stack([-planted.log_power, planted.log_power], axis=1)
    noise = np.random.default_rng(0).normal(size=(2, *of_model.shape))
    person = planted.table["subject"].factorize()[0]
    rows = np.arange(len(store))
    outputs = np.concatenate([of_model[None], noise])
    axes = read_axes(store)
    return compare_best_windows(store, outputs, rows, person, axes=axes, top=TOP, seed=0)


def test_each_person_has_one_window_the_highest_one_first():
    rng = np.random.default_rng(0)
    outputs, person = rng.normal(size=60), np.arange(60) % 6
    best = choose_best(outputs, np.arange(60), person, top=4)
    assert len(set(person[best])) == len(best) == 4
    assert (np.diff(outputs[best]) < 0).all()
    assert best[0] == outputs.argmax()
    assert all(outputs[row] == outputs[person == person[row]].max() for row in best)


def test_the_planted_band_and_electrodes_come_first(found, planted):
    bands, channels = np.unravel_index(
        np.argsort(found.difference.value[1], axis=None)[::-1][:2], (5, 8)
    )
    assert bands.tolist() == [2, 2]
    assert {planted.population.ch_names[i] for i in channels} == {"O1", "O2"}
    assert found.difference.low[1, 2, channels].min() > 0
    assert np.abs(found.random_difference[:, 1, 2, channels]).max() < found.difference.value.max()


def test_differences_of_two_outputs_are_opposite(found):
    assert found.difference.value[0] == pytest.approx(-found.difference.value[1])


def test_logits_are_those_of_the_rows(found, planted):
    assert [len(rows) for rows in found.rows] == [TOP, TOP]
    assert found.logits[1] == pytest.approx(planted.log_power[found.rows[1]])
    assert found.logits[0] == pytest.approx(-planted.log_power[found.rows[0]])


def test_a_single_output_is_compared_with_its_lowest_windows(planted):
    store = open_store(planted.url)
    person = planted.table["subject"].factorize()[0]
    outputs = np.stack([planted.log_power, -planted.log_power])[:, :, None]
    rows = np.arange(len(store))
    axes = read_axes(store)
    single = compare_best_windows(store, outputs, rows, person, axes=axes, top=TOP, seed=0)
    assert single.difference.value.shape == (1, 5, 8)
    assert single.difference.value[0, 2, -1] > 5
    assert single.random_difference[0] == pytest.approx(-single.difference.value)
