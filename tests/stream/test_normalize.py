from __future__ import annotations

import json

import numpy as np
import pytest
import small_store
from small_store import SmallStore

from bids_dl.errors import ConfigError, NoMatchError, StoreError
from bids_dl.store import Store, open_store
from bids_dl.stream import StreamingDataset, training_statistics
from bids_dl.stream.normalize import scale_windows

SMALL = SmallStore()


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("scale") / "small.zarr"
    small_store.write(path, SMALL)
    return str(path)


def streamed(store, **options) -> np.ndarray:
    batches = list(StreamingDataset(store, shuffle=False, **options))
    return np.concatenate([batch.signals.numpy() for batch in batches])


def z_scores(values: np.ndarray, of: np.ndarray, axis) -> np.ndarray:
    of = of.astype(np.float64)
    return (values - of.mean(axis=axis, keepdims=True)) / of.std(axis=axis, keepdims=True)


def test_without_normalize_values_are_the_stored_microvolts(store):
    np.testing.assert_array_equal(streamed(store), SMALL.signals)


def test_by_window_each_channel_of_a_window_has_mean_0_and_deviation_1(store):
    np.testing.assert_allclose(
        streamed(store, normalize="window"),
        z_scores(SMALL.signals, SMALL.signals, axis=2),
        rtol=1e-4,
        atol=1e-5,
    )


def test_by_recording_all_windows_of_the_recording_count_even_those_left_out(store):
    by_recording = SMALL.signals.reshape(-1, SMALL.per_recording, 3, 20)
    expected = z_scores(by_recording, by_recording, axis=(1, 3)).reshape(SMALL.signals.shape)
    np.testing.assert_allclose(
        streamed(store, normalize="recording"), expected, rtol=1e-4, atol=1e-5
    )
    some = np.arange(SMALL.n_windows) % 3 == 0
    np.testing.assert_allclose(
        streamed(store, normalize="recording", where=some), expected[some], rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("split", ["train", "test"])
def test_by_training_every_split_is_scaled_by_the_training_people(store, split):
    split_of = np.where(np.arange(SMALL.n_windows) < 42, "train", "test")
    expected = z_scores(SMALL.signals, SMALL.signals[split_of == "train"], axis=(0, 2))[
        split_of == split
    ]
    np.testing.assert_allclose(
        streamed(store, normalize="training", split=split), expected, rtol=1e-4, atol=1e-5
    )


def test_statistics_of_a_fold_can_be_given(store):
    stores = [open_store(store)]
    table = stores[0].table
    fold = (table["subject"] != "002").to_numpy()
    statistics = training_statistics(stores, table, fold)
    expected = z_scores(SMALL.signals, SMALL.signals[fold], axis=(0, 2))
    np.testing.assert_allclose(
        streamed(store, normalize=statistics), expected, rtol=1e-4, atol=1e-5
    )


def test_statistics_of_several_stores_count_their_recordings_on(tmp_path, store):
    other = SmallStore(n_subjects=2, seed=5, dataset="ds2")
    small_store.write(tmp_path / "other.zarr", other)
    by_recording = other.signals.reshape(-1, other.per_recording, 3, 20)
    expected = z_scores(by_recording, by_recording, axis=(1, 3)).reshape(other.signals.shape)
    both = streamed([store, str(tmp_path / "other.zarr")], normalize="recording")
    np.testing.assert_allclose(both[SMALL.n_windows :], expected, rtol=1e-4, atol=1e-5)


def test_statistics_of_a_real_store_are_those_of_its_windows(eyes_store):
    stream = StreamingDataset(str(eyes_store), normalize="recording", shuffle=False)
    scaled = np.concatenate([batch.signals.numpy() for batch in stream])
    for rows in stream.windows.groupby("recording").groups.values():
        np.testing.assert_allclose(scaled[rows].mean(axis=(0, 2)), 0, atol=1e-4)
        np.testing.assert_allclose(scaled[rows].std(axis=(0, 2)), 1, atol=1e-4)


@pytest.mark.parametrize("level", [0.0, 5.1, -1e5])
def test_a_constant_channel_becomes_0(level):
    signals = np.random.default_rng(0).standard_normal((2, 3, 1000)).astype(np.float32)
    signals[0, 1] = level
    scale_windows(signals)
    assert np.abs(signals[0, 1]).max() < 1e-2
    assert np.isfinite(signals).all()


def test_training_statistics_without_training_people_are_refused(store):
    opened = open_store(store)
    with pytest.raises(NoMatchError, match='windows of the split "train"; there are none'):
        training_statistics([opened], opened.table, np.zeros(SMALL.n_windows, bool))


def test_statistics_of_another_number_of_channels_are_refused(store):
    with pytest.raises(ConfigError, match=r"for each of 3 channels, got \(2,\)"):
        StreamingDataset(store, normalize=(np.zeros(2), np.ones(2)))


def test_a_store_without_statistics_is_refused(store):
    opened = open_store(store)
    root = json.loads(json.dumps(opened.root))
    del root["consolidated_metadata"]["metadata"]["recording_std"]
    with pytest.raises(StoreError, match="has no recording_std"):
        StreamingDataset(Store(opened.url, opened.storage_options, root), normalize="recording")
