"""Files of other programs hold what the store holds, and appear complete or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import mne
import numpy as np
import pytest
import small_store
from small_store import SmallStore

import bids_dl
from bids_dl.errors import ConfigError
from bids_dl.exporting import epochs
from bids_dl.store import open_store

SMALL = SmallStore()


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """Path of a small store that no test changes."""
    path = tmp_path_factory.mktemp("export") / "small.zarr"
    small_store.write(path, SMALL)
    return path


def test_an_npz_has_every_array_without_pickle(small, tmp_path):
    file = bids_dl.export(small, tmp_path / "a.npz")
    store = open_store(small)
    with np.load(file, allow_pickle=False) as arrays:
        assert set(arrays.files) == {*store.arrays, "attributes.json"}
        for name in store.arrays:
            np.testing.assert_array_equal(arrays[name], store.read(name))
        assert arrays["signals"].dtype == np.float32
        assert json.loads(arrays["attributes.json"])["sfreq"] == 100.0
    assert store.to_numpy().dtype == np.float32


def test_equal_stores_give_equal_files(small, tmp_path):
    files = [bids_dl.export(small, tmp_path / name) for name in ("a.npz", "b.npz")]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("name", ["a-epo.fif", "sub-1_epo.fif"])
def test_epochs_have_volts_labels_and_the_table(small, tmp_path, name):
    file = bids_dl.export(str(small), tmp_path / name)
    read = mne.read_epochs(file, verbose="error")
    np.testing.assert_allclose(read.get_data(copy=False), SMALL.signals * 1e-6, rtol=1e-6)
    assert read.ch_names == list(SMALL.channels)
    assert read.info["sfreq"] == 100.0
    assert read.event_id == {"open": 1, "closed": 2}
    assert len(read["open"]) == 35
    assert read.metadata["subject"].tolist() == open_store(small).table["subject"].tolist()


def test_epochs_of_a_real_store_have_types_and_positions(eyes_store):
    store = open_store(eyes_store)
    made = store.to_mne_epochs()
    assert set(made.get_channel_types()) == {"eeg"}
    positions = made.get_montage().get_positions()["ch_pos"]
    np.testing.assert_allclose(
        np.stack([positions[name] for name in store.channels]),
        store.read("channel_position"),
        atol=1e-6,
    )
    assert list(made.event_id) == ["eyes_open", "eyes_closed"]
    assert (made.tmin, len(made.times)) == (0.0, 256)
    assert "ds004362" in made.info["description"]


def test_a_channel_that_is_no_voltage_keeps_its_unit(small, monkeypatch):
    monkeypatch.setattr(epochs, "_stored_types", lambda _: ["eeg", "temperature", "sonar"])
    store = open_store(small)
    data = epochs.make_epochs(store).get_data(copy=False)
    np.testing.assert_allclose(data[:, 0], SMALL.signals[:, 0] * 1e-6, rtol=1e-6)
    np.testing.assert_allclose(data[:, 1:], SMALL.signals[:, 1:], rtol=1e-6)
    assert epochs.describe_losses(store) == [
        "1 channel of a type that MNE lacks became misc: Pz (sonar)"
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.csv", r"a\.csv: no format has this ending; use one of \.npz \(NumPy\), -epo\.fif"),
        ("a.fif", r"MNE reads epochs from a-epo\.fif"),
        (".npz", "no format has this ending"),
        ("a.NPY", "no format has this ending"),
        ("nosuch/a.npz", "folder .*nosuch does not exist; create it first"),
        ("there.npz", r"exists already; overwrite=True replaces it"),
        ("folder.npz", "is a folder"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_first(small, tmp_path, name, message):
    (tmp_path / "there.npz").write_text("mine")
    (tmp_path / "folder.npz").mkdir()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ConfigError, match=message):
        bids_dl.export(small, tmp_path / name)
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "there.npz").read_text() == "mine"


def test_a_store_is_never_written_into(small):
    with pytest.raises(ConfigError, match="is inside the store, which never changes"):
        bids_dl.export(small, small / "a.npz")


def test_overwrite_replaces_a_file(small, tmp_path):
    (tmp_path / "a.npz").write_text("old")
    bids_dl.export(small, tmp_path / "a.npz", overwrite=True)
    assert len(np.load(tmp_path / "a.npz")["label"]) == 70


def test_a_failure_leaves_no_file(small, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array_header_1_0", fail)
    with pytest.raises(ConfigError, match=r"a\.npz: cannot be written \(No space left on device\)"):
        bids_dl.export(small, tmp_path / "a.npz")
    assert not list(tmp_path.iterdir())


def test_the_command_prints_the_file(command, small):
    result = command("export", small, "a.npz")
    assert (result.status, result.out) == (0, "a.npz\n")
    refused = command("export", small, "a.npz")
    assert refused.status == 2
    assert "--overwrite replaces it" in refused.err
