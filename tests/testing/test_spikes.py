"""Stores with planted spikes."""

from __future__ import annotations

import doctest
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conversions import contents
from people_store import window_table, write_store

import bids_dl
from bids_dl.errors import ConfigError
from bids_dl.testing import plant_spikes, spikes
from bids_dl.testing.spikes import draw_shape


@pytest.fixture(scope="module")
def planted(eyes_store, tmp_path_factory):
    """The store of the sample with spikes in a tenth of its windows, 10 times the background."""
    folder = tmp_path_factory.mktemp("spikes")
    return plant_spikes(eyes_store, folder / "x.zarr", share=0.1, amplitude=10.0)


@pytest.fixture
def in_store_folder(eyes_store, tmp_path, monkeypatch) -> Iterator[None]:
    """Work in a folder where the store of the sample is ``eyes.zarr``."""
    (tmp_path / "eyes.zarr").symlink_to(eyes_store)
    monkeypatch.chdir(tmp_path)
    yield
    os.chdir(Path(__file__).parent)


@pytest.mark.usefixtures("in_store_folder")
def test_the_example_of_the_docstring_is_right():
    assert doctest.testmod(spikes).failed == 0


def test_windows_without_a_spike_are_unchanged(eyes_store, planted):
    before = bids_dl.open_store(str(eyes_store)).read("signals")
    after = bids_dl.open_store(planted.url).read("signals")
    is_background = (planted.table["label"] == "background").to_numpy()
    assert (before[is_background] == after[is_background]).all()
    assert planted.table["spike_time"].isna().to_numpy().tolist() == is_background.tolist()


def test_the_difference_peaks_at_the_time_and_the_focus_of_each_spike(eyes_store, planted):
    store = bids_dl.open_store(planted.url)
    added = store.read("signals") - bids_dl.open_store(str(eyes_store)).read("signals")
    for row in np.flatnonzero(planted.table["label"] == "spike"):
        entry = planted.table.iloc[row]
        shape = planted.shapes[entry["dataset"], entry["subject"]]
        channel, sample = np.unravel_index(np.abs(added[row]).argmax(), added[row].shape)
        assert channel == shape.focus
        assert abs(sample / store.sfreq - entry["spike_time"]) < 0.03
        assert np.sign(added[row, channel, sample]) == shape.sign


def test_each_person_has_the_share_of_spikes_and_a_shape_of_its_own(planted):
    has_spike = planted.table["label"] == "spike"
    assert has_spike.groupby(planted.table["subject"]).sum().tolist() == [6, 6, 6, 6]
    assert len(set(planted.shapes.values())) == 4
    assert draw_shape(0, 1, 24) == list(planted.shapes.values())[1]


def test_the_copy_is_a_sound_store_with_statistics_of_its_recordings(planted):
    assert bids_dl.verify(planted.url).exit_status == 0
    store = bids_dl.open_store(planted.url)
    first = (store.table["recording"] == store.table["recording"].iloc[0]).to_numpy()
    signals = store.read("signals")[first].astype(float)
    np.testing.assert_allclose(store.read("recording_std")[0], signals.std(axis=(0, 2)), rtol=1e-4)
    assert store.read("recording_windows").sum() == len(store)


def test_equal_parameters_write_equal_stores(eyes_store, planted, tmp_path):
    again = plant_spikes(eyes_store, tmp_path / "x.zarr", share=0.1, amplitude=10.0)
    other = plant_spikes(eyes_store, tmp_path / "y.zarr", share=0.1, amplitude=10.0, seed=1)
    assert contents(Path(again.url)) == contents(Path(planted.url))
    assert set(other.shapes.values()).isdisjoint(planted.shapes.values())


def test_wrong_parameters_and_short_windows_are_refused(eyes_store, tmp_path):
    with pytest.raises(ConfigError, match="share 2: expected a number of at most 1"):
        plant_spikes(eyes_store, tmp_path / "x.zarr", share=2)
    short = write_store(tmp_path / "short.zarr", window_table(1), n_times=32)
    with pytest.raises(ConfigError, match=r"windows of 0.5 s are too short; use 0.6 s or more"):
        plant_spikes(short, tmp_path / "x.zarr")
    assert not (tmp_path / "x.zarr").exists()
