from __future__ import annotations

import mne
import numpy as np
import pytest
from people_store import window_table, write_store

from bids_dl.errors import ModelError
from bids_dl.store import open_store


@pytest.fixture
def store(tmp_path):
    table = window_table(3, splits=("train", "train", "test"), n_windows=2)
    return open_store(write_store(tmp_path / "small.zarr", table))


def make(store):
    try:
        return store.to_braindecode()
    except ModelError as error:
        pytest.skip(str(error))


def test_each_recording_is_a_dataset_with_its_windows_and_classes(store):
    dataset = make(store)
    assert len(dataset) == len(store) == 12
    assert len(dataset.datasets) == 3
    signals = store.to_numpy()
    for number in (0, 5, 11):
        window, target, (_, start, stop) = dataset[number]
        np.testing.assert_allclose(1e6 * window, signals[number], rtol=1e-5)
        assert ("rest", "move")[target] == store.table["label"].iloc[number]
        assert (start, stop) == (0, 64)
    assert window.dtype == np.float32


def test_the_export_prints_nothing(store, capsys):
    make(store)
    capsys.readouterr()
    with mne.utils.use_log_level("info"):
        make(store)
    assert capsys.readouterr() == ("", "")


def test_datasets_are_divided_by_their_description(store):
    dataset = make(store)
    assert dataset.description["subject"].tolist() == ["00", "01", "02"]
    splits = dataset.split("split")
    assert {name: len(part) for name, part in splits.items()} == {"train": 8, "test": 4}
