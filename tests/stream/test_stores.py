from __future__ import annotations

from pathlib import Path

import fsspec
import numpy as np
import pytest
import small_store
from counting_server import CountingServer
from small_store import WINDOW_BYTES, SmallStore
from streams import SMALL, all_rows, check_signals
from torch.utils.data import DataLoader

import bids_dl
from bids_dl.errors import ConfigError, StoreError
from bids_dl.store import Store
from bids_dl.stream import StreamingDataset
from bids_dl.stream.columns import JoinedColumns
from bids_dl.stream.stores import open_stores


def test_several_stores_are_joined_with_their_classes_in_order(tmp_path, store):
    other = SmallStore(n_subjects=3, per_recording=5, per_chunk=6, seed=1, dataset="ds2")
    path = str(tmp_path / "other.zarr")
    small_store.write(path, other, classes={"label": ["closed", "sleep"]})
    stream = StreamingDataset([store, path], batch_size=8)
    assert stream.classes == ("open", "closed", "sleep")
    assert sorted(all_rows(stream)) == list(range(100))
    assert stream.windows["store"].unique().tolist() == [store, path]
    check_signals(stream, np.concatenate([SMALL.signals, other.signals]))
    for batch in stream:
        labels = stream.windows.loc[batch.index.numpy(), "label"].tolist()
        assert [stream.classes[i] for i in batch.target] == labels


def test_a_column_that_only_one_store_has_is_nan_in_the_other(tmp_path, store):
    small_store.write(tmp_path / "other.zarr", SMALL)
    with_age, without_age = open_stores([store, tmp_path / "other.zarr"], None)
    del without_age.root["consolidated_metadata"]["metadata"]["age"]
    age = JoinedColumns([with_age, without_age])["age"].to_series()
    assert age[:70].isna().sum() == 14
    assert age[70:].isna().all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": ("Fz", "Cz", "Oz")}, "only one of them has the channels Oz, Pz; convert"),
        ({"channels": ("Cz", "Fz", "Pz")}, "the order of their channels differs"),
        ({"sfreq": 128.0}, "128 Hz and 100 Hz"),
    ],
)
def test_stores_with_other_channels_or_rates_are_refused(tmp_path, store, changes, message):
    small_store.write(tmp_path / "other.zarr", SmallStore(**changes))
    with pytest.raises(StoreError, match=message):
        open_stores([store, tmp_path / "other.zarr"], None)


def test_an_empty_list_of_stores_is_refused():
    with pytest.raises(ConfigError, match="no store to stream: the list is empty"):
        open_stores([], None)


def test_a_store_can_be_given_as_a_path_or_opened(store):
    opened = bids_dl.open_store(store)
    rows = all_rows(StreamingDataset(store))
    assert all_rows(StreamingDataset(opened)) == rows
    assert all_rows(StreamingDataset(Path(store))) == rows


def test_only_the_columns_that_are_used_are_read(store, monkeypatch):
    names = set()
    for method in ("read", "read_codes"):
        read = getattr(Store, method)
        monkeypatch.setattr(
            Store,
            method,
            lambda self, name, *rows, read=read: names.add(name) or read(self, name, *rows),
        )
    stream = StreamingDataset(
        store, target="age", where={"sex": "f"}, split="train", drop_missing=True
    )
    list(stream)
    assert sorted(names) == ["age", "channel", "sex", "signals_crc32c", "split"]
    assert set(stream.windows["sex"]) == {"f"}
    assert "votes" in names


def test_only_the_chunks_of_the_selected_windows_are_read(store):
    where = {"subject": ["003"]}  # windows 42 to 55: chunks 10 to 13
    stream = StreamingDataset(store, where=where)
    list(stream)
    assert stream.traffic.bytes_read == 4 * (4 * WINDOW_BYTES + 4)
    assert stream.traffic.bytes_used == 14 * (WINDOW_BYTES + 1)  # a chunk's checksum is four bytes


def test_traffic_adds_up_over_loops_and_starts_at_zero_in_another_stream(store):
    stream = StreamingDataset(store)
    list(stream)
    bytes_used = stream.traffic.bytes_used
    list(stream)
    assert bytes_used > SMALL.signals.nbytes
    assert stream.traffic.bytes_used == 2 * bytes_used
    assert StreamingDataset(store).traffic.bytes_read == 0


def test_root_and_shard_indexes_are_requested_once(store):
    with CountingServer(Path(store).parent) as server:
        stream = StreamingDataset(f"{server.url}/small.zarr", batch_size=4)
        list(stream)
        list(stream)
        assert server.requests.count("/small.zarr/zarr.json") == 1
        indexes = 6 * (3 * 16 + 4)
        assert server.signal_bytes_sent == indexes + stream.traffic.bytes_read
        assert len(server.signal_requests()) < 6 + 2 * 18  # neighbours are requested together


def test_a_store_in_a_file_system_without_folders_streams(store):
    fsspec.filesystem("memory").put(store, "/stream/small.zarr", recursive=True)
    stream = StreamingDataset("memory://stream/small.zarr", batch_size=8)
    batches = list(stream)
    assert sorted(all_rows(batches)) == list(range(70))
    check_signals(batches)


@pytest.mark.parametrize("n_workers", [0, 2])
def test_a_store_in_a_bucket_streams_in_threads_and_in_worker_processes(
    store, s3, options, n_workers
):
    fsspec.filesystem("s3", **s3).put(store, "s3://bucket/small.zarr", recursive=True)
    stream = StreamingDataset("s3://bucket/small.zarr", batch_size=8, storage_options=options)
    next(iter(stream))  # opens connections before the process forks
    batches = list(DataLoader(stream, batch_size=None, num_workers=n_workers))
    assert sorted(all_rows(batches)) == list(range(70))
    check_signals(batches)
    assert "testing" not in repr(stream) + str(stream.state_dict(step=1))
