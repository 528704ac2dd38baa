from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from people_store import window_table, write_store

from bids_dl.errors import NoMatchError
from bids_dl.explanation.windows import batch_size, choose_evenly, find_unseen, stream_windows
from bids_dl.prediction import FoldWeights
from bids_dl.store import open_store


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    table = window_table(3, splits=("train", "train", "test"))
    return open_store(write_store(tmp_path_factory.mktemp("stores") / "s.zarr", table))


def fold(*subjects):
    return FoldWeights(Path("weights.safetensors"), frozenset(("ds1", name) for name in subjects))


@pytest.mark.parametrize("limit", [1, 3, 7, 40])
def test_rows_are_chosen_evenly_over_persons(limit):
    person = np.repeat([0, 1, 2], [10, 4, 20])
    chosen = choose_evenly(np.arange(34), person, limit)
    counts = np.bincount(person[chosen], minlength=3)
    assert len(chosen) <= limit
    assert (np.diff(chosen) > 0).all()
    if limit < 34:
        assert counts.max() - counts.min() <= 1


def test_rows_of_a_person_are_spread_over_the_recording():
    assert choose_evenly(np.arange(100), np.zeros(100, int), 3).tolist() == [0, 50, 99]


def test_a_model_is_explained_on_persons_that_it_has_not_seen(store):
    unseen = find_unseen(store, [fold("00", "01"), fold("01", "02")], None)
    subject = store.table["subject"].to_numpy()
    assert set(subject[unseen.rows_of(0)]) == {"02"}
    assert set(subject[unseen.rows_of(1)]) == {"00"}
    assert not unseen.are_seen


def test_all_windows_are_taken_if_all_persons_were_seen(store):
    unseen = find_unseen(store, [fold("00", "01", "02")], None)
    assert len(unseen.rows_of(0)) == len(store)
    assert unseen.are_seen


def test_only_windows_of_the_split_are_taken(store):
    unseen = find_unseen(store, [fold("00")], "test")
    assert set(store.table["split"].to_numpy()[unseen.rows_of(0)]) == {"test"}
    with pytest.raises(NoMatchError, match="no window has the split 'none'"):
        find_unseen(store, [fold("00")], "none")


def test_a_stream_has_the_rows_in_order_in_microvolts(store):
    rows = np.array([3, 4, 40])
    parts = list(stream_windows(store, rows, torch.device("cpu")))
    assert np.concatenate([index for _, index in parts]).tolist() == rows.tolist()
    signals = torch.cat([signals for signals, _ in parts]).numpy()
    np.testing.assert_array_equal(signals, store[rows].signals)


def test_batches_of_long_windows_are_small():
    assert batch_size(24 * 256) == 64
    assert batch_size(20 * 120_000) == 2
