"""What a stream reads, when, into which memory, and what it leaves behind."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from itertools import islice, pairwise, repeat
from pathlib import Path

import numpy as np
import pytest
import small_store
import torch
from counting_server import CountingServer
from hypothesis import given, settings
from hypothesis import strategies as st
from small_store import WINDOW_BYTES, SmallStore
from torch.utils.data import DataLoader

from bids_dl.config.stages import StoreConfig
from bids_dl.errors import DamagedStoreError
from bids_dl.remote.location import Location
from bids_dl.remote.ranges import RangeReader
from bids_dl.store import Store, chunks, writer
from bids_dl.store.format import Column
from bids_dl.stream import StreamingDataset, to_device
from bids_dl.stream.buffers import Buffers
from bids_dl.stream.order import Steps
from bids_dl.stream.pool import Chunks, Reading, Traffic, _Pool, memory
from bids_dl.stream.read_policy import ReadPolicy
from bids_dl.stream.schedule import in_the_making, reads_upto, schedule

SMALL = SmallStore()  # 70 windows: 18 chunks in 6 shards


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("engine") / "small.zarr"
    small_store.write(path, SMALL)
    return str(path)


@pytest.fixture(scope="module")
def stores(tmp_path_factory) -> dict[int, str]:
    """The same windows in chunks of several sizes."""
    folder = tmp_path_factory.mktemp("chunks")
    for per_chunk in (1, 4, 7, 70):
        small_store.write(folder / f"{per_chunk}.zarr", SmallStore(per_chunk=per_chunk))
    return {per_chunk: str(folder / f"{per_chunk}.zarr") for per_chunk in (1, 4, 7, 70)}


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([1, 4, 7, 70]),
    st.integers(1, 8),
    st.integers(1, 20),
    st.integers(0, 2**40),
    st.integers(0, 3),
    st.data(),
)
def test_every_window_comes_once_with_its_own_signals_in_equal_steps(
    stores, per_chunk, world, batch_size, seed, epoch, data
):
    taken = np.random.default_rng(data.draw(st.integers(0, 99))).random(
        SMALL.n_windows
    ) < data.draw(st.sampled_from([1.0, 0.5, 0.1]))
    taken[data.draw(st.integers(0, 69))] = True
    options = {
        "where": taken,
        "pool_bytes": data.draw(st.sampled_from([1, 1000, 10**8])),
        "threads": data.draw(st.integers(1, 3)),
        "shuffle": data.draw(st.booleans()),
    }
    seen, steps = [], set()
    for rank in range(world):
        stream = StreamingDataset(
            stores[per_chunk],
            batch_size=batch_size,
            seed=seed,
            rank=rank,
            world_size=world,
            **options,
        )
        stream.set_epoch(epoch)
        batches = list(stream)
        steps.add(len(batches))
        assert all(
            np.array_equal(batch.signals.numpy(), SMALL.signals[batch.index.numpy()])
            for batch in batches
        )
        seen += [row for batch in batches for row in batch.index.tolist()]
    assert sorted(seen) == np.flatnonzero(taken).tolist()
    assert steps == {-(-int(taken.sum()) // (world * batch_size))}


@pytest.mark.parametrize(
    "steps", [(0.125,), (0.1, 0.1), (0.125, 0.25), (None, 0.125), (0.125, None)], ids=str
)
@pytest.mark.parametrize("batch_size", [4, 9, 500])
def test_whole_numbers_come_as_microvolts_whatever_they_are_mixed_with(tmp_path, steps, batch_size):
    wholes = [
        small_store.write(tmp_path / f"{i}.zarr", SmallStore(seed=i), resolution=step)
        for i, step in enumerate(steps)
    ]
    expected = np.concatenate(wholes)
    stream = StreamingDataset(
        [tmp_path / f"{i}.zarr" for i in range(len(steps))], batch_size=batch_size, threads=2
    )
    for epoch in range(2):
        stream.set_epoch(epoch)
        batches = list(stream)  # kept, so that no memory is used twice
        assert sorted(row for batch in batches for row in batch.index.tolist()) == list(
            range(len(expected))
        )
        assert all(
            np.array_equal(batch.signals.numpy(), expected[batch.index.numpy()])
            for batch in batches
        )
        assert all(batch.signals.dtype == torch.float32 for batch in batches)


def test_whole_numbers_are_scaled_before_they_are_normalized(tmp_path):
    signals = small_store.write(tmp_path / "numbers.zarr", SMALL, resolution=0.125)
    mean, std = np.array([1.0, 2, 3]), np.array([2.0, 4, 8])
    for batch in StreamingDataset(tmp_path / "numbers.zarr", batch_size=8, normalize=(mean, std)):
        expected = (signals[batch.index.numpy()] - mean[:, None]) / std[:, None]
        np.testing.assert_allclose(batch.signals.numpy(), expected, rtol=1e-5, atol=1e-5)


@settings(deadline=None)
@given(
    st.integers(1, 400),
    st.integers(1, 12),
    st.integers(1, 30),
    st.integers(0, 60),
    st.integers(0, 99),
)
def test_no_more_batches_are_in_the_making_than_memory_is_reserved_for(
    n_windows, per_chunk, batch_size, ahead, seed
):
    order = np.random.default_rng(seed).permutation(n_windows)
    bounds = np.minimum(np.arange(0, n_windows + batch_size, batch_size), n_windows)
    plan = schedule(order // per_chunk, order % per_chunk, bounds)
    upto = reads_upto(plan, bounds, ahead)
    assert (upto >= plan.needed).all()
    begun = [set(plan.step[: plan.bounds[reads]].tolist()) for reads in upto]
    most = max(sum(other >= step for other in touched) for step, touched in enumerate(begun))
    assert most <= in_the_making(plan, upto)


@pytest.mark.slow
@settings(deadline=None, max_examples=4)
@given(
    st.integers(1, 4), st.integers(1, 3), st.integers(1, 9), st.integers(0, 4), st.integers(0, 4)
)
def test_an_epoch_in_workers_resumed_twice_gives_every_window_once(
    stores, n_workers, world, batch_size, first, second
):
    state, seen = None, []
    for made in (first, second, 1000):
        streams = [
            StreamingDataset(stores[4], batch_size=batch_size, rank=rank, world_size=world)
            for rank in range(world)
        ]
        states = []
        for stream in streams:
            if state is not None:
                stream.load_state_dict(state)
            batches = list(islice(DataLoader(stream, batch_size=None, num_workers=n_workers), made))
            seen += [row for batch in batches for row in batch.index.tolist()]
            states.append(stream.state_dict(step=len(batches)))
        assert all(other == states[0] for other in states)
        state, world, n_workers = states[0], world % 3 + 1, n_workers % 4 + 1
    assert sorted(seen) == list(range(SMALL.n_windows))


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 12), max_size=60), st.lists(st.integers(1, 7), min_size=1, max_size=60)
)
def test_a_step_waits_for_the_chunks_it_needs_and_no_others(chunks, sizes):
    chunks = np.array(chunks, np.int64)
    bounds = np.r_[np.minimum(np.r_[0, np.cumsum(sizes)], len(chunks)), len(chunks)]
    place = np.arange(len(chunks))
    plan = schedule(chunks, place, bounds)
    assert sorted(plan.reads) == sorted(set(chunks.tolist()))
    for step, (start, stop) in enumerate(pairwise(bounds.tolist())):
        assert set(plan.reads[: plan.needed[step]].tolist()) == set(chunks[:stop].tolist())
        mine = plan.step == step
        assert sorted(plan.place[mine].tolist()) == list(range(start, stop))
        assert sorted(plan.row[mine].tolist()) == list(range(stop - start))
    for read, (start, stop) in enumerate(pairwise(plan.bounds.tolist())):
        assert set(chunks[plan.place[start:stop]].tolist()) == {int(plan.reads[read])}


@pytest.mark.parametrize("per_chunk", [1, 4, 70])
@pytest.mark.parametrize("share", [1.0, 0.3])
@pytest.mark.parametrize("batch_size", [3, 500])
def test_large_windows_go_straight_to_their_batches(
    stores, monkeypatch, per_chunk, share, batch_size
):
    monkeypatch.setattr(chunks, "DIRECT_BYTES", WINDOW_BYTES)
    monkeypatch.setattr(chunks, "_deliver", None)  # the way of small windows
    taken = np.random.default_rng(0).random(SMALL.n_windows) < share
    stream, kept = (
        StreamingDataset(stores[per_chunk], batch_size=batch_size, where=taken, pool_bytes=3000),
        [],
    )
    for epoch in range(2):
        stream.set_epoch(epoch)
        kept += stream
    assert sorted(row for batch in kept for row in batch.index.tolist()) == sorted(
        2 * np.flatnonzero(taken).tolist()
    )
    assert all(
        np.array_equal(batch.signals.numpy(), SMALL.signals[batch.index.numpy()]) for batch in kept
    )


@pytest.mark.parametrize("batch_size", [4, 500])
def test_a_loop_that_reads_now_itself_and_now_in_a_thread_gets_the_same_batches(
    store, monkeypatch, batch_size
):
    original, readers = Chunks.read, set()

    def read(self, chunks, wanted):
        readers.add(threading.current_thread().name.partition("_")[0] == "MainThread")
        return original(self, chunks, wanted)

    def rows_of(turns: Iterator[bool]) -> list[list[int]]:
        monkeypatch.setattr(ReadPolicy, "only_waits", property(lambda _: next(turns)))
        readers.clear()
        batches = list(StreamingDataset(store, batch_size=batch_size, threads=1))
        assert all(
            np.array_equal(batch.signals.numpy(), SMALL.signals[batch.index.numpy()])
            for batch in batches
        )
        return [batch.index.tolist() for batch in batches]

    monkeypatch.setattr(Chunks, "read", read)
    in_thread = rows_of(repeat(False))
    assert readers == {False}
    assert rows_of(repeat(True)) == in_thread
    assert readers == {True}
    for seed in range(20):
        assert rows_of(iter(np.random.default_rng(seed).random(100) < 0.5)) == in_thread


def test_a_loop_with_other_things_to_do_gets_a_thread(store):
    stream, threads = StreamingDataset(store, batch_size=4, threads=1), []
    for _ in stream:
        threads.append(
            any(thread.name.startswith("bids_dl-read") for thread in threading.enumerate())
        )
        time.sleep(0.05)
    assert not threads[0]
    assert threads[-1]


def test_root_and_indexes_are_asked_for_once(store):
    with CountingServer(Path(store).parent) as server:
        stream = StreamingDataset(f"{server.url}/small.zarr", batch_size=4)
        list(stream)
        list(stream)
        assert server.requests.count("/small.zarr/zarr.json") == 1
        assert len(server.signal_requests()) == 6 + 2 * 18


@pytest.mark.parametrize("failure", [OSError, KeyboardInterrupt])
def test_a_loop_after_one_that_could_not_read_an_index_reads_it(store, monkeypatch, failure):
    stream = StreamingDataset(store, batch_size=4)
    with monkeypatch.context() as patch:

        def fails(*_):
            raise failure

        patch.setattr(RangeReader, "read", fails)
        with pytest.raises(failure):
            list(stream)
    assert sorted(row for batch in stream for row in batch.index.tolist()) == list(range(70))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_know_the_channels_of_a_store_far_away(store, method):
    with CountingServer(Path(store).parent) as server:
        stream = StreamingDataset(f"{server.url}/small.zarr", batch_size=4)
        stream._transform = Channels(stream)
        found = list(
            DataLoader(stream, batch_size=None, num_workers=2, multiprocessing_context=method)
        )
    assert found == [list(SMALL.channels)] * len(stream)  # a loader makes lists of tuples


class Channels:
    """The channels instead of a batch."""

    def __init__(self, stream: StreamingDataset) -> None:
        self.stream = stream

    def __call__(self, _batch) -> tuple[str, ...]:
        return self.stream.channels


@pytest.mark.parametrize("reads_itself", [True, False])
def test_after_a_failed_read_no_further_batch_is_made(store, tmp_path, monkeypatch, reads_itself):
    shutil.copytree(store, tmp_path / "small.zarr")
    shard = tmp_path / "small.zarr/signals/c/2/0/0"
    shard.write_bytes(b"\xff" + shard.read_bytes()[1:])
    monkeypatch.setattr(ReadPolicy, "only_waits", reads_itself)
    parts = StreamingDataset(tmp_path / "small.zarr")._open()
    steps = Steps(np.arange(70), np.arange(0, 71, 2))
    pool = _Pool(parts, np.arange(70), steps, Reading(1, 8, memory(parts, (2, 3, 20)), Traffic()))

    def make(first: int) -> None:
        for step in range(first, 35):
            signals, windows = pool.gather(step)
            np.testing.assert_array_equal(signals, SMALL.signals[windows])

    with pytest.raises(DamagedStoreError):
        make(0)
    with pytest.raises(CancelledError):
        make(12)
    pool.stop()
    pool.close()


def test_a_thread_reads_ahead_as_soon_as_the_loop_has_other_things_to_do(monkeypatch):
    now = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    pace = ReadPolicy()

    def turns(n: int, waiting: float, away: float) -> bool:
        nonlocal now
        for _ in range(n):
            pace.arrive()
            now += waiting
            pace.leave()
            now += away
        return pace.only_waits

    now += 1
    pace.arrive()
    assert pace.only_waits  # nothing known yet: as much is read as the first batch needs
    assert turns(1, 0.020, 0.0001)
    assert not turns(10, 0.001, 0.005)  # a network is trained: after a first batch that took long
    assert not turns(500, 0.0001, 0.005)  # the thread keeps up
    assert turns(300, 0.0006, 0.0001)  # and nothing is done any more


def test_a_few_people_are_read_without_the_rest(store):
    stream = StreamingDataset(
        store, where={"subject": ["003"]}
    )  # windows 42 to 55: chunks 10 to 13
    list(stream)
    assert stream.traffic.bytes_read == 4 * (4 * WINDOW_BYTES + 4)
    assert stream.traffic.bytes_used == 14 * (WINDOW_BYTES + 1)  # a chunk's checksum is four bytes


def test_traffic_adds_up_over_loops_and_a_copy_begins_at_nothing(store):
    stream = StreamingDataset(store)
    list(stream)
    once = stream.traffic.bytes_used
    list(stream)
    assert once > SMALL.signals.nbytes
    assert stream.traffic.bytes_used == 2 * once
    assert StreamingDataset(store).traffic.bytes_read == 0


def test_only_the_columns_it_needs_are_read(store, monkeypatch):
    read = []
    original = Store.read
    monkeypatch.setattr(Store, "read", lambda self, name: read.append(name) or original(self, name))
    stream = StreamingDataset(
        store, target="age", where={"sex": "f"}, split="train", drop_missing=True
    )
    list(stream)
    assert sorted(read) == ["age", "channel", "sex", "split"]
    assert set(stream.windows["sex"]) == {"f"}
    assert "votes" in read


def test_recordings_come_whole_in_the_order_of_the_store(tmp_path, store):
    small_store.write(
        tmp_path / "other.zarr", SmallStore(n_subjects=1, per_recording=5, seed=1)
    )  # recordings of the same names
    stream = StreamingDataset([store, tmp_path / "other.zarr"], batch_size=4)
    found = list(stream.recordings())
    both = np.concatenate([SMALL.signals, SmallStore(n_subjects=1, per_recording=5, seed=1).signals])
    assert [len(batch.index) for _, batch in found] == [7] * 10 + [5] * 2
    assert [row for _, batch in found for row in batch.index.tolist()] == list(range(80))
    assert (
        found[3][0]
        == "ds1/sub-001/eeg/sub-001_run-2"
        == "/".join(stream.windows.loc[21, ["dataset", "recording"]])
    )
    assert all(
        np.array_equal(batch.signals.numpy(), both[batch.index.numpy()]) for _, batch in found
    )


def test_recordings_leave_the_epoch_where_it_is_and_are_shared_by_ranks(store):
    streams = [
        StreamingDataset(store, batch_size=4, rank=rank, world_size=3, where={"row": (3, 40)})
        for rank in range(3)
    ]
    loop = iter(streams[0])
    first = next(loop).index.tolist()
    found = [name for stream in streams for name, _ in stream.recordings()]
    assert len(found) == len(set(found)) == 6
    assert streams[0].state_dict()["progress"] == [[3, 4, 1]]
    assert first + [row for batch in loop for row in batch.index.tolist()] == [
        row for b in streams[0] for row in b.index.tolist()
    ]


def test_two_loops_over_one_stream_at_once_do_not_disturb_each_other(store):
    stream = StreamingDataset(store, batch_size=4)
    for one, other in zip(stream, stream, strict=True):
        assert one.index.tolist() == other.index.tolist()
        np.testing.assert_array_equal(one.signals.numpy(), SMALL.signals[one.index])
        np.testing.assert_array_equal(other.signals.numpy(), SMALL.signals[other.index])


def test_memory_is_used_again_only_when_nobody_holds_any_part_of_it():
    buffers = Buffers((4, 2, 3))
    buffers.reserve(2)
    lent = buffers.lend(buffers.take(), 3)
    address = lent.ctypes.data
    part = torch.from_numpy(lent)[1:].numpy()[0]
    del lent
    gc.collect()
    taken = [buffers.take(), buffers.take()]
    assert address not in [buffer.signals.ctypes.data for buffer in taken]
    del part
    assert buffers.take().signals.ctypes.data == address
    assert len(buffers.slabs) == 2


def test_buffers_that_are_reserved_share_one_slab_and_none_its_windows():
    buffers = Buffers((4, 2, 3))
    buffers.reserve(5)
    taken = [buffers.take() for _ in range(5)]
    assert len(buffers.slabs) == 1
    for number, buffer in enumerate(taken):
        buffer.signals[...] = number
    for number, buffer in enumerate(taken):
        assert (buffers.slabs[buffer.slab][buffer.slot : buffer.slot + 4] == number).all()


def test_what_is_lent_outlives_the_memory_it_came_from():
    buffers = Buffers((4, 2, 3))
    lent = buffers.lend(buffers.take(), 4)
    lent[...] = 7
    buffers.reserve(3)
    others = [buffers.take() for _ in range(3)]
    for other in others:
        other.signals[...] = 1
    assert (lent == 7).all()
    del lent
    assert all(buffers.take() is not other for other in others)


@pytest.mark.parametrize("step", [None, 0.125])
@pytest.mark.parametrize("normalize", [None, "window"])
def test_batches_that_are_kept_stay_what_they_were_over_epochs(tmp_path, normalize, step):
    store = tmp_path / "kept.zarr"
    small_store.write(store, SMALL, resolution=step)
    stream = StreamingDataset(store, batch_size=4, normalize=normalize, pool_bytes=1000)
    kept = []
    for epoch in range(3):
        stream.set_epoch(epoch)
        kept += [(batch, batch.signals.clone()) for i, batch in enumerate(stream) if i % 3 == 0]
    assert all(torch.equal(batch.signals, signals) for batch, signals in kept)


@pytest.mark.parametrize("normalize", [None, "window"])
@pytest.mark.parametrize("n_workers", [0, 2])
def test_an_interrupted_loop_leaves_no_thread_process_or_shared_memory(store, n_workers, normalize):
    stream = StreamingDataset(store, batch_size=4, normalize=normalize)
    before = shared_memory()

    def loop():
        for i, _ in enumerate(DataLoader(stream, batch_size=None, num_workers=n_workers)):
            if i == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop()
    gc.collect()
    assert not torch.multiprocessing.active_children()
    assert not [
        thread.name for thread in threading.enumerate() if thread.name.startswith("bids_dl")
    ]
    assert shared_memory() <= before


def shared_memory() -> set[str]:
    folder = Path("/dev/shm")
    return (
        {path.name for path in folder.iterdir() if path.name.startswith("torch_")}
        if folder.is_dir()
        else set()
    )


def test_to_another_device_batches_come_equal_and_in_order(store):
    stream = StreamingDataset(store, batch_size=4)
    for here, there in zip(stream, to_device(stream, "cpu"), strict=True):
        assert all(torch.equal(one, other) for one, other in zip(here, there, strict=True))


EPOCH = """
import resource, sys
from bids_dl import StreamingDataset
stream = StreamingDataset(sys.argv[1], target="y", pool_bytes=8_000_000, batch_size=64, threads=2)
peaks, count = [], 0
for epoch in range(2):
    stream.set_epoch(epoch)
    for step, batch in enumerate(stream):
        count += len(batch.index)
        if step in (len(stream) // 4, len(stream) - 1):
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(count, *peaks)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kB on Linux")
def test_memory_stays_flat_over_a_store_ten_times_as_large_as_its_pool(tmp_path):
    shape = (3500, 24, 256)  # 86 MB
    noise = np.random.default_rng(0).standard_normal((500, *shape[1:])).astype(np.float32)
    draft = writer.StoreWriter.create(Location(str(tmp_path / "large.zarr")), "test")
    writer.write_signals(draft, shape, (noise for _ in range(7)), StoreConfig(), on_progress=lambda _: None)
    columns = [
        Column("channel", writer.text_array([f"E{i}" for i in range(24)]), ("channel",)),
        Column("recording", writer.text_array(["sub-1"] * shape[0])),
        Column("y", np.arange(shape[0]) % 3),
    ]
    writer.write_columns(draft, columns)
    writer.finish(
        draft, {"sfreq": 128.0, "classes": {}}, ["signals", "channel", "recording", "y"], {}
    )
    done = subprocess.run(
        [sys.executable, "-c", EPOCH, str(tmp_path / "large.zarr")],
        capture_output=True,
        text=True,
        check=True,
    )
    count, early, *later = map(int, done.stdout.split())
    assert count == 7000
    assert max(later) - early < 12_000  # kB: of 86 MB that passed twice; the pool is 8 MB
