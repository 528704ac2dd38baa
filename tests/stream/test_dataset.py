from __future__ import annotations

import threading

import fsspec
import numpy as np
import pytest
import small_store
import torch
from moto.server import ThreadedMotoServer
from small_store import SmallStore
from torch.utils.data import DataLoader

import bids_dl
from bids_dl.errors import ConfigError, DamagedStoreError, StoreError
from bids_dl.stream import Batch, StreamingDataset
from bids_dl.stream.pool import _Pool
from bids_dl.stream.read_policy import ReadPolicy

SMALL = SmallStore()  # 70 windows: 18 chunks in 6 shards


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("stream") / "small.zarr"
    small_store.write(path, SMALL)
    return str(path)


def rows(stream) -> list[int]:
    return [row for batch in stream for row in batch.index.tolist()]


def our_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("bids_dl")]


def test_a_batch_holds_signals_codes_and_rows_of_the_store(store):
    stream = StreamingDataset(store, batch_size=8)
    for batch in stream:
        assert isinstance(batch, Batch)
        signals, target, index = batch
        assert (signals.dtype, target.dtype, index.dtype) == (
            torch.float32,
            torch.int64,
            torch.int64,
        )
        np.testing.assert_array_equal(signals.numpy(), SMALL.signals[index])
        assert [stream.classes[code] for code in target] == stream.windows.loc[
            index.numpy(), "label"
        ].tolist()
    assert stream.classes == ("open", "closed")  # the order of the queries, not of the alphabet


def test_a_real_store_streams_every_window_once_and_unchanged(eyes_store):
    stream = bids_dl.StreamingDataset(str(eyes_store), batch_size=64)
    written = bids_dl.open_store(str(eyes_store)).read("signals")
    batches = list(stream)
    assert (
        [len(batch.index) for batch in batches]
        == [64, 64, 56, 56]
        == [len(batch.signals) for batch in batches]
    )
    assert sorted(row for batch in batches for row in batch.index.tolist()) == list(range(240))
    assert all(
        np.array_equal(batch.signals.numpy(), written[batch.index.numpy()]) for batch in batches
    )
    assert stream.classes == ("eyes_open", "eyes_closed")
    assert (stream.n_chans, stream.n_times, stream.sfreq) == (24, 256, 128.0)


@pytest.mark.parametrize(
    "options",
    [{}, {"batch_size": 7}, {"drop_last": True}, {"split": "train"}, {"rank": 1, "world_size": 3}],
)
def test_len_counts_the_batches(store, options):
    stream = StreamingDataset(store, **{"batch_size": 16} | options)
    assert len(stream) == len(list(stream))


def test_ranks_make_equal_steps_and_share_the_windows(store):
    ranks = [
        [
            batch.index.tolist()
            for batch in StreamingDataset(store, batch_size=8, rank=rank, world_size=4)
        ]
        for rank in range(4)
    ]
    assert [len(batches) for batches in ranks] == [3] * 4
    assert sorted(row for batches in ranks for batch in batches for row in batch) == list(range(70))


def test_fewer_windows_than_ranks_still_give_every_rank_its_step(store):
    where = {"row": [3, 5]}
    ranks = [
        list(StreamingDataset(store, where=where, rank=rank, world_size=3)) for rank in range(3)
    ]
    assert [[batch.signals.shape[0] for batch in batches] for batches in ranks] == [[1], [1], [0]]


def test_the_order_depends_on_seed_and_epoch_alone(store):
    stream = StreamingDataset(store, seed=1, batch_size=8, pool_bytes=2000)
    first, again = rows(stream), rows(stream)
    assert (
        first
        == again
        == rows(StreamingDataset(store, seed=1, batch_size=8, pool_bytes=2000, threads=3))
    )
    stream.set_epoch(1)
    assert stream.epoch == 1
    assert rows(stream) != first
    assert rows(StreamingDataset(store, seed=2, batch_size=8, pool_bytes=2000)) != first
    stream.set_epoch(0)
    assert rows(stream) == first


def test_without_shuffle_windows_come_as_stored(store):
    stream = StreamingDataset(store, shuffle=False, split="test", batch_size=9)
    assert rows(stream) == stream.windows.index.tolist() == list(range(42, 70))


def test_windows_is_the_table_of_what_is_streamed(store):
    stream = StreamingDataset(store, split="train", where={"subject": ["000", "002"]})
    assert stream.windows["subject"].unique().tolist() == ["000", "002"]
    assert sorted(rows(stream)) == stream.windows.index.tolist()


def test_each_batch_is_memory_of_its_own(store):
    first, second, *_ = StreamingDataset(store, batch_size=8)
    first.signals.zero_()
    np.testing.assert_array_equal(second.signals.numpy(), SMALL.signals[second.index])


@pytest.mark.parametrize("pool_bytes", [1, 2000, 10**9])
def test_a_pool_of_any_size_gives_every_window(store, pool_bytes):
    stream = StreamingDataset(store, batch_size=5, pool_bytes=pool_bytes)
    for batch in stream:
        np.testing.assert_array_equal(batch.signals.numpy(), SMALL.signals[batch.index])
    assert sorted(rows(stream)) == list(range(70))


@pytest.mark.parametrize(("reads_itself", "most"), [(True, 2), (False, 3)])
@pytest.mark.parametrize("n_subjects", [8, 14, 50])  # 40, 70 and 250 chunks of 960 bytes
def test_memory_for_batches_in_the_making_stays_within_the_bound(
    tmp_path, monkeypatch, n_subjects, reads_itself, most
):
    small_store.write(tmp_path / "long.zarr", SmallStore(n_subjects=n_subjects, per_recording=10))
    original, made = _Pool._begin, []

    def watched(self, most):
        reads = original(self, most)
        made.append(sum(buffer.signals.nbytes for buffer in self._making.values()))
        return reads

    monkeypatch.setattr(_Pool, "_begin", watched)
    monkeypatch.setattr(ReadPolicy, "only_waits", reads_itself)
    stream = StreamingDataset(tmp_path / "long.zarr", batch_size=8, pool_bytes=40 * 960, threads=1)
    assert sorted(rows(stream)) == list(range(20 * n_subjects))
    assert 30 * 960 <= max(made) <= most * 40 * 960


def test_numbers_come_as_float32_and_several_columns_side_by_side(store):
    one = next(iter(StreamingDataset(store, target="onset")))
    np.testing.assert_array_equal(one.target, one.index.to(torch.float32) * 2)
    assert one.target.dtype == torch.float32
    two = next(iter(StreamingDataset(store, target=["votes", "onset"])))
    assert two.target.shape == (35, 2)
    np.testing.assert_array_equal(two.target[:, 1], two.index.to(torch.float32) * 2)


def test_transform_sees_whole_batches_and_what_it_returns_comes_out(store):
    stream = StreamingDataset(
        store, transform=lambda batch: {"x": batch.signals * 2, "rows": batch.index}, batch_size=8
    )
    for batch in stream:
        np.testing.assert_array_equal(batch["x"].numpy(), SMALL.signals[batch["rows"]] * 2)


def test_several_stores_come_as_one(tmp_path, store):
    other = SmallStore(n_subjects=3, per_recording=5, per_chunk=6, seed=1, dataset="ds2")
    small_store.write(tmp_path / "other.zarr", other, classes={"label": ["closed", "sleep"]})
    stream = StreamingDataset([store, tmp_path / "other.zarr"], batch_size=8)
    both = np.concatenate([SMALL.signals, other.signals])
    assert stream.classes == ("open", "closed", "sleep")
    assert sorted(rows(stream)) == list(range(100))
    assert stream.windows["store"].unique().tolist() == [store, str(tmp_path / "other.zarr")]
    for batch in stream:
        np.testing.assert_array_equal(batch.signals.numpy(), both[batch.index])
        assert [stream.classes[code] for code in batch.target] == stream.windows.loc[
            batch.index.numpy(), "label"
        ].tolist()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": ("Fz", "Cz", "Oz")}, "channels Oz, Pz are in one of them alone"),
        ({"channels": ("Cz", "Fz", "Pz")}, "the order of their channels differs"),
        ({"sfreq": 128.0}, "128 Hz and 100 Hz"),
    ],
)
def test_stores_that_do_not_fit_are_refused(tmp_path, store, changes, message):
    small_store.write(tmp_path / "other.zarr", SmallStore(**changes))
    with pytest.raises(StoreError, match=message):
        StreamingDataset([store, str(tmp_path / "other.zarr")])


def test_a_store_from_a_file_system_without_folders_streams(store):
    fsspec.filesystem("memory").put(store, "/stream/small.zarr", recursive=True)
    for batch in StreamingDataset("memory://stream/small.zarr", batch_size=8):
        np.testing.assert_array_equal(batch.signals.numpy(), SMALL.signals[batch.index])


@pytest.fixture
def bucket(monkeypatch):
    """An S3 server on loopback with an empty bucket, and the options that reach it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    options = {
        "endpoint_url": "http://{}:{}".format(*server.get_host_and_port()),
        "skip_instance_cache": True,
    }
    fsspec.filesystem("s3", **options).makedirs("s3://eyes", exist_ok=True)
    yield options
    server.stop()


@pytest.mark.parametrize("n_workers", [0, 2])
def test_a_store_in_a_bucket_streams_in_threads_and_in_worker_processes(store, bucket, n_workers):
    fsspec.filesystem("s3", **bucket).put(store, "s3://eyes/small.zarr", recursive=True)
    stream = StreamingDataset("s3://eyes/small.zarr", batch_size=8, storage_options=bucket)
    next(iter(stream))  # the process has used its connections when it forks
    batches = list(DataLoader(stream, batch_size=None, num_workers=n_workers))
    assert sorted(row for batch in batches for row in batch.index.tolist()) == list(range(70))
    assert all(
        np.array_equal(batch.signals.numpy(), SMALL.signals[batch.index]) for batch in batches
    )
    assert "testing" not in repr(stream) + str(stream.state_dict(step=1))


def test_an_opened_store_and_a_path_are_taken_too(store, tmp_path):
    assert rows(StreamingDataset(bids_dl.open_store(store))) == rows(StreamingDataset(store))


def test_a_loop_that_is_broken_off_leaves_no_thread_behind(store):
    for _ in StreamingDataset(store, batch_size=4, threads=2):
        assert our_threads()
        break
    assert not our_threads()


def test_a_loop_that_ends_leaves_no_thread_behind(store):
    list(StreamingDataset(store, batch_size=4))
    assert not our_threads()


@pytest.mark.parametrize("straight", [False, True], ids=["small windows", "large windows"])
def test_damage_reaches_the_loop_and_names_the_recordings(tmp_path, monkeypatch, straight):
    monkeypatch.setattr("bids_dl.store.chunks.DIRECT_BYTES", 1 if straight else 10**9)
    small_store.write(tmp_path / "small.zarr", SMALL)
    shard = tmp_path / "small.zarr/signals/c/2/0/0"
    content = shard.read_bytes()
    shard.write_bytes(b"\xff" + content[1:])
    with pytest.raises(
        DamagedStoreError,
        match=r"chunk 6 of signals .*match its checksum.*windows 24 to 27, of sub-001/eeg/sub-001_run-2",
    ):
        list(StreamingDataset(tmp_path / "small.zarr"))
    assert not our_threads()
    stream = StreamingDataset(tmp_path / "small.zarr", batch_size=2, shuffle=False)
    shard.write_bytes(content)
    list(stream)  # has its index
    shard.write_bytes(content[:100])
    with pytest.raises(
        DamagedStoreError, match=r"chunk 6 of signals .*is cut short; it holds windows 24 to 27"
    ):
        list(stream)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"rank": 2, "world_size": 2}, "0 <= rank < world_size; got 2 and 2"),
        ({"rank": 0}, "rank and world_size go together"),
        ({"seed": -1}, "seed must be from 0"),
        ({"normalize": "subject"}, "normalize 'subject': use one of window, recording, training"),
    ],
)
def test_options_out_of_range_are_refused(store, options, message):
    with pytest.raises(ConfigError, match=message):
        StreamingDataset(store, **options)
