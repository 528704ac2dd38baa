"""A .set file holds the samples of the store to the bit, as MNE and pymatreader read them."""

from __future__ import annotations

import json
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
import small_store
from pymatreader import read_mat
from small_store import SmallStore

import bids_dl
from bids_dl.errors import ConfigError
from bids_dl.exporting import export
from bids_dl.store import open_store
from bids_dl.testing import make_dataset

LABELS = {"1-back": "Eyes-open", "end": "Eyes-closed"}


def make_store(folder: Path, **options) -> tuple[Path, Path]:
    """Convert a synthetic dataset of EEGLAB without any preprocessing."""
    make_dataset(folder / "bids", n_subjects=2, format="eeglab-fdt", n_sessions=1)
    options = {"hed": LABELS, "recipe": "as-is", "split": 1, **options}
    bids_dl.convert(folder / "bids", folder / "a.zarr", scheduler="synchronous", **options)
    return folder / "bids", folder / "a.zarr"


@pytest.fixture(scope="module")
def locked(tmp_path_factory) -> tuple[Path, Path]:
    """Dataset, and its store of event-locked windows from -0.5 to 1 s."""
    return make_store(tmp_path_factory.mktemp("locked"), tmin=-0.5, tmax=1.0)


def read_samples(file: Path) -> np.ndarray:
    """Read the samples beside a .set file: (n_windows, n_chans, n_times)."""
    dataset = read_mat(file)["EEG"]
    shape = (int(dataset["trials"]), int(dataset["pnts"]), int(dataset["nbchan"]))
    return np.fromfile(file.with_suffix(".fdt"), "<f4").reshape(shape).transpose(0, 2, 1)


def test_samples_are_those_of_the_file_that_eeglab_wrote(locked, tmp_path):
    dataset, store_path = locked
    file = bids_dl.export(store_path, tmp_path / "a.set")
    store = open_store(store_path)
    samples = read_samples(file)
    np.testing.assert_array_equal(samples, store.to_numpy())
    for window, row in store.table.iterrows():
        source = np.fromfile(dataset / f"{row['recording']}_eeg.fdt", "<f4")
        first = round(row["onset"] * store.sfreq)
        of_window = source.reshape(-1, 8)[first : first + 240].T
        np.testing.assert_array_equal(samples[window], of_window)


def test_mne_reads_events_times_positions_and_volts(locked, tmp_path):
    _, store_path = locked
    store = open_store(store_path)
    read = mne.read_epochs_eeglab(bids_dl.export(store_path, tmp_path / "a.set"), verbose="error")
    np.testing.assert_allclose(read.get_data(copy=False) * 1e6, store.to_numpy(), rtol=1e-6)
    names = {code: name for name, code in read.event_id.items()}
    assert [names[code] for code in read.events[:, 2]] == store.table["label"].tolist()
    np.testing.assert_allclose(read.times, store.read("time"), atol=1e-9)
    assert read.ch_names == list(store.channels)
    assert set(read.get_channel_types()) == {"eeg"}
    positions = read.get_montage().get_positions()["ch_pos"]
    read_positions = np.stack([positions[name] for name in store.channels])
    np.testing.assert_allclose(read_positions, store.read("channel_position"), atol=1e-9)


def test_events_have_all_columns_of_the_table(locked, tmp_path):
    _, store_path = locked
    table = open_store(store_path).table
    dataset = read_mat(bids_dl.export(store_path, tmp_path / "a.set"))["EEG"]
    events = dataset["event"]
    assert events["type"] == table["label"].tolist()
    assert events["latency"] == [240.0 * i + 80 + 1 for i in range(len(table))]
    assert events["epoch"] == [i + 1.0 for i in range(len(table))]
    assert set(events["duration"]) == {0.0}
    assert events["window"] == table.index.tolist()
    assert events["HED"] == table["hed"].tolist()
    fields = dict(
        zip(*(dataset["etc"]["bidsdl"]["fields"][key] for key in ("column", "field")), strict=True)
    )
    assert set(fields) == set(table.columns) - {"label"}
    for column in ("dataset", "subject", "session", "recording", "onset", "event_onset", "block"):
        assert events[fields[column]] == table[column].tolist()
    assert dataset["epoch"]["eventtype"] == table["label"].tolist()


def test_channels_have_the_polar_coordinates_of_eeglab(locked, tmp_path):
    _, store_path = locked
    store = open_store(store_path)
    channels = read_mat(bids_dl.export(store_path, tmp_path / "a.set"))["EEG"]["chanlocs"]
    assert channels["labels"] == list(store.channels)
    assert set(channels["type"]) == {"EEG"}
    at = dict(zip(store.channels, channels["theta"], strict=True))
    assert abs(at["Cz"]) < 180
    assert -90 < at["Fp1"] < 0 < at["Fp2"] < 90  # left is negative, nose is 0
    np.testing.assert_allclose(channels["X"], store.read("channel_position")[:, 1] * 1000)
    np.testing.assert_allclose(channels["Y"], -store.read("channel_position")[:, 0] * 1000)


def test_the_dataset_tells_its_store_its_recipe_and_the_licences(eyes_store, tmp_path):
    store = open_store(eyes_store)
    dataset = read_mat(bids_dl.export(eyes_store, tmp_path / "a.set"))["EEG"]
    origin = dataset["etc"]["bidsdl"]
    assert origin["content"] == store.attributes["content"]
    assert json.loads(origin["recipe"])["name"] == "default"
    assert dataset["ref"] == "average"
    assert "ds004362" in dataset["comments"]
    assert "(CC0)" in dataset["comments"]
    assert (dataset["srate"], dataset["trials"], dataset["pnts"]) == (128.0, 240.0, 256.0)


@pytest.mark.parametrize("resolution", [None, 0.5])
def test_a_store_without_positions_and_times_is_exported(tmp_path, resolution):
    small = SmallStore()
    signals = small_store.write(tmp_path / "a.zarr", small, resolution=resolution)
    file = bids_dl.export(tmp_path / "a.zarr", tmp_path / "a.set")
    np.testing.assert_array_equal(read_samples(file), signals)
    dataset = read_mat(file)["EEG"]
    assert (dataset["xmin"], dataset["xmax"]) == (0.0, 0.19)
    assert all(np.size(value) == 0 for value in dataset["chanlocs"]["X"])
    read = mne.read_epochs_eeglab(file, verbose="error")
    assert len(read["open"]) == 35


def test_chosen_windows_keep_their_rows_and_their_predictions(locked, tmp_path):
    _, store_path = locked
    table = open_store(store_path).table
    predictions = pd.DataFrame({"window": table.index, "predicted": "end", "p_1-back": 0.25})
    predictions.to_csv(tmp_path / "p.csv", index=False)
    file = bids_dl.export(
        store_path,
        tmp_path / "a.set",
        label="end",
        subject="002",
        predictions=tmp_path / "p.csv",
    )
    rows = table.index[(table["label"] == "end") & (table["subject"] == "002")]
    events = read_mat(file)["EEG"]["event"]
    assert events["window"] == rows.tolist()
    assert set(events["predicted"]) == {"end"}
    assert set(events["p_1_back"]) == {0.25}
    assert len(read_samples(file)) == len(rows)


def test_one_window_is_continuous_for_eeglab_and_begins_at_zero(locked, tmp_path):
    _, store_path = locked
    file = bids_dl.export(store_path, tmp_path / "a.set", max_windows=1)
    dataset = read_mat(file)["EEG"]
    assert (dataset["trials"], dataset["xmin"]) == (1.0, 0.0)
    assert dataset["event"]["latency"] == 81.0
    assert "epoch" not in dataset["event"]
    assert mne.io.read_raw_eeglab(file, verbose="error").n_times == 240


def test_a_number_of_windows_is_kept_and_told(command, eyes_store):
    result = command("export", eyes_store, "a.set", "--max-windows", 10)
    assert (result.status, result.out) == (0, "a.set\n")
    assert "10 of 240 windows, evenly over labels and people" in result.err
    events = read_mat("a.set")["EEG"]["event"]
    assert sorted(set(events["type"])) == ["eyes_closed", "eyes_open"]
    assert len(set(events["subject"])) == 4


def test_samples_that_fill_the_memory_must_be_asked_for(eyes_store, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "MAX_SET_BYTES", 1_000_000)
    with pytest.raises(ConfigError, match=r"240 windows are 6 MB .* give max_windows=40, or 240"):
        bids_dl.export(eyes_store, tmp_path / "a.set")
    bids_dl.export(eyes_store, tmp_path / "a.set", max_windows=240)
    assert len(read_samples(tmp_path / "a.set")) == 240


def test_an_existing_file_of_samples_is_not_replaced_unasked(eyes_store, tmp_path):
    (tmp_path / "a.fdt").write_text("mine")
    with pytest.raises(ConfigError, match=r"a\.fdt: exists already"):
        bids_dl.export(eyes_store, tmp_path / "a.set")
    assert [path.name for path in tmp_path.iterdir()] == ["a.fdt"]


def test_a_choice_of_windows_is_refused_for_other_formats(eyes_store, tmp_path):
    with pytest.raises(ConfigError, match=r"a\.npz: label is for \.set files"):
        bids_dl.export(eyes_store, tmp_path / "a.npz", label="eyes_open")
    assert list(tmp_path.iterdir()) == []


def test_equal_exports_are_equal_files(locked, tmp_path, monkeypatch):
    _, store_path = locked
    contents = []
    for time in ("Monday", "Tuesday"):
        monkeypatch.setattr("time.asctime", lambda time=time: time)
        file = bids_dl.export(store_path, tmp_path / "a.set", overwrite=True)
        contents.append(file.read_bytes())
    assert contents[0] == contents[1]
