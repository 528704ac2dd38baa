from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
import small_store
import torch
from small_store import SmallStore
from streams import SMALL

from bids_dl.errors import ConfigError, NoMatchError, StoreError
from bids_dl.store import Store, open_store
from bids_dl.stream import StreamingDataset, training_statistics
from bids_dl.stream.normalize import ZScore, normalize_windows


def stream_signals(store, **options) -> np.ndarray:
    batches = list(StreamingDataset(store, shuffle=False, **options))
    return np.concatenate([batch.signals.numpy() for batch in batches])


def z_score(values: np.ndarray, reference: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """Z-score by the mean and standard deviation of ``reference``, in float64."""
    reference = reference.astype(np.float64)
    mean = reference.mean(axis=axis, keepdims=True)
    return (values - mean) / reference.std(axis=axis, keepdims=True)


def z_score_recordings(small: SmallStore) -> np.ndarray:
    by_recording = small.signals.reshape(-1, small.per_recording, 3, 20)
    return z_score(by_recording, by_recording, axis=(1, 3)).reshape(small.signals.shape)


def check_close(signals: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(signals, expected, rtol=1e-4, atol=1e-5)


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Threads of PyTorch, which divide large arrays."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_without_normalize_values_are_the_stored_microvolts(store):
    np.testing.assert_array_equal(stream_signals(store), SMALL.signals)


def test_normalize_window_uses_the_samples_of_each_window(store):
    expected = z_score(SMALL.signals, SMALL.signals, axis=2)
    check_close(stream_signals(store, normalize="window"), expected)


def test_normalize_recording_uses_all_windows_of_the_recording_even_if_not_selected(store):
    expected = z_score_recordings(SMALL)
    check_close(stream_signals(store, normalize="recording"), expected)
    selected = np.arange(SMALL.n_windows) % 3 == 0
    signals = stream_signals(store, normalize="recording", where=selected)
    check_close(signals, expected[selected])


@pytest.mark.parametrize("split", ["train", "test"])
def test_normalize_training_uses_the_training_persons_for_every_split(store, split):
    window_split = np.where(np.arange(SMALL.n_windows) < 42, "train", "test")
    training = SMALL.signals[window_split == "train"]
    expected = z_score(SMALL.signals, training, axis=(0, 2))[window_split == split]
    check_close(stream_signals(store, normalize="training", split=split), expected)


def test_the_statistics_of_a_fold_can_be_passed_to_normalize(store):
    stores = [open_store(store)]
    table = stores[0].table
    fold = (table["subject"] != "002").to_numpy()
    statistics = training_statistics(stores, table, fold)
    expected = z_score(SMALL.signals, SMALL.signals[fold], axis=(0, 2))
    check_close(stream_signals(store, normalize=statistics), expected)


def test_recordings_of_joined_stores_have_their_own_statistics(tmp_path, store):
    other = SmallStore(n_subjects=2, seed=5, dataset="ds2")
    path = str(tmp_path / "other.zarr")
    small_store.write(path, other)
    signals = stream_signals([store, path], normalize="recording")
    check_close(signals[SMALL.n_windows :], z_score_recordings(other))


def test_the_statistics_of_a_real_store_are_those_of_its_windows(eyes_store):
    stream = StreamingDataset(str(eyes_store), normalize="recording", shuffle=False)
    signals = np.concatenate([batch.signals.numpy() for batch in stream])
    for rows in stream.windows.groupby("recording").groups.values():
        np.testing.assert_allclose(signals[rows].mean(axis=(0, 2)), 0, atol=1e-4)
        np.testing.assert_allclose(signals[rows].std(axis=(0, 2)), 1, atol=1e-4)


@pytest.mark.parametrize("level", [0.0, 5.1, -1e5])
def test_a_constant_channel_becomes_0(level):
    signals = np.random.default_rng(0).standard_normal((2, 3, 1000)).astype(np.float32)
    signals[0, 1] = level
    normalize_windows(signals)
    assert np.abs(signals[0, 1]).max() < 1e-2
    assert np.isfinite(signals).all()


def test_training_statistics_without_training_persons_are_refused(store):
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


@pytest.mark.parametrize("shape", [(0, 3, 20), (7, 3, 20), (9, 8, 2000), (2, 5, 20_000)])
def test_each_part_of_a_batch_has_the_statistics_of_its_windows(two_threads, shape):
    rng = np.random.default_rng(0)
    signals = rng.normal(3, 5, shape).astype(np.float32)
    mean = rng.normal(3, 1, (4, shape[1]))
    std = rng.uniform(4, 6, (4, shape[1]))
    index = rng.integers(4, size=100)
    rows = rng.integers(100, size=shape[0])
    expected = (signals - mean[index[rows], :, None]) / std[index[rows], :, None]
    ZScore(mean, std, index)(signals, rows)
    check_close(signals, expected)
