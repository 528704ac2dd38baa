"""Finished stores with a planted effect."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from conversions import contents
from planted_power import fit_logistic, measure_log_power
from scipy.stats import binomtest

import bids_dl
from bids_dl.errors import ConfigError, StoreError
from bids_dl.testing import PLANTED_UV, PlantedEffect, plant_store, planted_store

BACKGROUND_UV = 1.0  # RMS in the band, which the measured power includes
SMALL = {"n_persons": 6, "n_windows": 5, "ch_names": ("Cz", "O1", "O2")}


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(planted_store).failed == 0


@pytest.mark.parametrize("sfreq", [128.0, 200.0])
def test_the_measured_log_power_is_the_drawn_one(tmp_path, sfreq):
    effect = PlantedEffect(electrodes=("O1", "O2"))
    planted = plant_store(tmp_path / "x.zarr", effect, sfreq=sfreq, **SMALL)
    signals = bids_dl.open_store(planted.url).read("signals")
    rms = PLANTED_UV * np.exp(measure_log_power(effect, signals)[:, 1:] / 2)
    expected = PLANTED_UV * np.exp(planted.log_power / 2)
    np.testing.assert_allclose(rms, np.stack([expected, expected], axis=1), atol=BACKGROUND_UV)


@pytest.mark.parametrize("kind", ["classes", "number", "shares"])
@pytest.mark.parametrize("split_windows", [False, True])
def test_a_planted_store_is_a_sound_store(tmp_path, kind, split_windows):
    effect = PlantedEffect(kind=kind)
    planted = plant_store(
        tmp_path / "x.zarr", effect, n_blocks=2, split_windows=split_windows, **SMALL
    )
    assert bids_dl.verify(planted.url).exit_status == 0
    store = bids_dl.open_store(planted.url)
    assert store.shape == (30, 3, 256)
    assert store.table[list(planted.table)].equals(planted.table)
    signals = store.read("signals").astype(np.float64)
    n_windows = 1 if split_windows else 5
    first = signals[:n_windows]
    np.testing.assert_allclose(store.read("recording_mean")[0], first.mean((0, 2)), atol=1e-9)
    np.testing.assert_allclose(store.read("recording_std")[0], first.std((0, 2)), rtol=1e-9)


def test_equal_seeds_write_equal_arrays_and_another_seed_does_not(tmp_path):
    stores = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        plant_store(tmp_path / name, PlantedEffect(), seed=seed, **SMALL)
        stores.append(contents(tmp_path / name))
    assert stores[0] == stores[1]
    assert stores[0]["signals/c/0/0/0"] != stores[2]["signals/c/0/0/0"]


@pytest.mark.parametrize("n_windows", [1, 10])
def test_the_best_linear_classifier_of_the_signals_reaches_the_bound(tmp_path, n_windows):
    effect = PlantedEffect(electrodes=("O1",))
    size = {"n_persons": 2000, "n_windows": n_windows, "ch_names": ("O1",)}
    planted = plant_store(tmp_path / "x.zarr", effect, **size)
    signals = bids_dl.open_store(planted.url).read("signals")
    measured = measure_log_power(effect, signals)[:, 0].reshape(2000, n_windows).mean(-1)
    is_high = (planted.table["sex"] == "M").to_numpy()[::n_windows]
    is_test = (planted.table["split"] == "test").to_numpy()[::n_windows]
    slope, intercept = fit_logistic(measured[~is_test], is_high[~is_test])
    is_right = (slope * measured + intercept > 0) == is_high
    n_right = int(is_right[is_test].sum())
    test = binomtest(n_right, int(is_test.sum()), effect.bound_votes(n_windows))
    assert test.pvalue > 0.01


def test_persons_are_in_splits_of_the_requested_sizes(tmp_path):
    size = {**SMALL, "n_persons": 20, "test": 0.3, "validation": 0.2}
    table = plant_store(tmp_path / "x.zarr", PlantedEffect(), **size).table
    persons = table.drop_duplicates("subject")
    assert persons["split"].tolist() == ["train"] * 10 + ["validation"] * 4 + ["test"] * 6


def test_a_split_by_windows_has_windows_of_each_person_on_both_sides(tmp_path):
    size = {**SMALL, "n_persons": 4, "n_windows": 40, "ch_names": ("Cz",)}
    effect = PlantedEffect(kind="number")
    table = plant_store(tmp_path / "x.zarr", effect, split_windows=True, **size).table
    assert table["subject"].nunique() == table["recording"].nunique() == 160
    assert (table["split"] == "test").sum() == 80
    assert (table.groupby("age")["split"].nunique() == 2).all()


def test_the_label_is_the_class_if_the_unit_is_the_block(tmp_path):
    effect = PlantedEffect(unit="block", within=0, between=0)
    planted = plant_store(tmp_path / "x.zarr", effect, n_blocks=2, **{**SMALL, "n_windows": 6})
    assert planted.table["label"].tolist() == (["open"] * 3 + ["closed"] * 3) * 6
    np.testing.assert_allclose(planted.log_power, np.tile([-1, -1, -1, 1, 1, 1], 6))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_person": 3}, "planted store: unknown name 'n_person'"),
        ({"n_persons": 0}, "n_persons"),
        ({"test": 0.8, "validation": 0.3}, "their sum is greater than 1"),
        ({"ch_names": ("Cz", "Cz")}, "one or more different names"),
        ({"n_windows": 2, "n_blocks": 3}, "3 blocks need as many windows, got 2"),
        ({"sfreq": 20.0}, "the band ends at 13 Hz, above half the rate of 20 Hz"),
        ({"sfreq": 128.3}, "a window of 2 s is not a whole number of samples at 128.3 Hz"),
        ({"ch_names": ("Cz", "Pz")}, r"electrodes \['O1'\] are not among the channels"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_is_written(tmp_path, parameters, message):
    with pytest.raises(ConfigError, match=message) as refusal:
        plant_store(tmp_path / "x.zarr", PlantedEffect(electrodes=("O1",)), **parameters)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "x.zarr").exists()


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"contains 'notes.txt'"):
        plant_store(tmp_path, PlantedEffect(), **SMALL)
    assert contents(tmp_path) == {"notes.txt": b"mine"}
