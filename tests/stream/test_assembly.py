"""Batches are complete and exact, whichever thread reads them, and memory stays bounded."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import small_store
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_store import SmallStore
from streams import SMALL, all_rows, batch_rows, check_signals, stream_threads
from torch.utils.data import DataLoader

from bids_dl.config.stages import StoreConfig
from bids_dl.errors import DamagedStoreError, StoreError
from bids_dl.remote.location import Location
from bids_dl.remote.ranges import RangeReader
from bids_dl.store import writer
from bids_dl.store.format import Column, make_column
from bids_dl.store.signals import chunks, direct_windows
from bids_dl.stream import StreamingDataset
from bids_dl.stream.assembler import Assembler, to_microvolts
from bids_dl.stream.batch_reader import BatchReader
from bids_dl.stream.buffers import batch_memory
from bids_dl.stream.joined_chunks import JoinedChunks
from bids_dl.stream.order import Steps
from bids_dl.stream.read_policy import ReadPolicy
from bids_dl.stream.read_settings import ReadSettings, Traffic
from bids_dl.stream.stores import chunk_sources, open_stores

CHUNK_SIZES = (1, 4, 7, 70)  # windows per chunk


@pytest.fixture(scope="module")
def stores(tmp_path_factory) -> dict[int, str]:
    """The same windows in chunks of several sizes."""
    folder = tmp_path_factory.mktemp("chunks")
    paths = {per_chunk: str(folder / f"{per_chunk}.zarr") for per_chunk in CHUNK_SIZES}
    for per_chunk, path in paths.items():
        small_store.write(path, SmallStore(per_chunk=per_chunk))
    return paths


@settings(max_examples=60)
@given(
    st.sampled_from(CHUNK_SIZES),
    st.integers(1, 8),
    st.integers(1, 20),
    st.integers(0, 2**40),
    st.integers(0, 3),
    st.data(),
)
def test_every_window_is_delivered_once_with_its_own_signals_in_equal_steps(
    stores, per_chunk, world_size, batch_size, seed, epoch, data
):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    selected = rng.random(SMALL.n_windows) < data.draw(st.sampled_from([1.0, 0.5, 0.1]))
    selected[data.draw(st.integers(0, 69))] = True
    options = {
        "where": selected,
        "pool_bytes": data.draw(st.sampled_from([1, 1000, 10**8])),
        "threads": data.draw(st.integers(1, 3)),
        "shuffle": data.draw(st.booleans()),
        "batch_size": batch_size,
        "seed": seed,
        "world_size": world_size,
    }
    rows = []
    step_counts = set()
    for rank in range(world_size):
        stream = StreamingDataset(stores[per_chunk], rank=rank, **options)
        stream.set_epoch(epoch)
        batches = list(stream)
        step_counts.add(len(batches))
        check_signals(batches)
        rows += all_rows(batches)
    assert sorted(rows) == np.flatnonzero(selected).tolist()
    assert step_counts == {-(-int(selected.sum()) // (world_size * batch_size))}


@pytest.mark.parametrize(
    "resolutions", [(0.125,), (0.1, 0.1), (0.125, 0.25), (None, 0.125), (0.125, None)], ids=str
)
@pytest.mark.parametrize("batch_size", [4, 9, 500])
def test_stores_of_integers_are_delivered_in_microvolts_whatever_they_are_joined_with(
    tmp_path, resolutions, batch_size
):
    paths = [tmp_path / f"{i}.zarr" for i in range(len(resolutions))]
    parts = []
    for i, resolution in enumerate(resolutions):
        parts.append(small_store.write(paths[i], SmallStore(seed=i), resolution=resolution))
    expected = np.concatenate(parts)
    stream = StreamingDataset(paths, batch_size=batch_size, threads=2)
    for epoch in range(2):
        stream.set_epoch(epoch)
        batches = list(stream)  # kept, so that no memory is reused
        assert sorted(all_rows(batches)) == list(range(len(expected)))
        check_signals(batches, expected)
        assert all(batch.signals.dtype == torch.float32 for batch in batches)


def test_integers_are_converted_to_microvolts_before_they_are_normalized(tmp_path):
    signals = small_store.write(tmp_path / "int16.zarr", SMALL, resolution=0.125)
    mean = np.array([1.0, 2, 3])
    std = np.array([2.0, 4, 8])
    for batch in StreamingDataset(tmp_path / "int16.zarr", batch_size=8, normalize=(mean, std)):
        expected = (signals[batch.index.numpy()] - mean[:, None]) / std[:, None]
        np.testing.assert_allclose(batch.signals.numpy(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n_windows", [0, 1, 50])
def test_integers_times_the_resolution_are_microvolts_in_batches_of_any_size(n_windows):
    rng = np.random.default_rng(0)
    integers = rng.integers(-32767, 32768, (n_windows, 30, 500), dtype=np.int16)
    signals = np.empty(integers.shape, np.float32)  # up to 3 MB, more than one block
    to_microvolts(integers, 0.1, signals)
    np.testing.assert_array_equal(signals, integers * np.float32(0.1))


@pytest.mark.parametrize("per_chunk", [1, 4, 70])
@pytest.mark.parametrize("share", [1.0, 0.3])
@pytest.mark.parametrize("batch_size", [3, 500])
def test_windows_of_float32_are_read_directly_into_their_batches(
    stores, monkeypatch, per_chunk, share, batch_size
):
    monkeypatch.setattr(direct_windows, "MIN_DIRECT_BYTES", 1)
    monkeypatch.setattr(chunks, "copy_windows", None)  # used for int16 and for remote stores
    selected = np.random.default_rng(0).random(SMALL.n_windows) < share
    stream = StreamingDataset(
        stores[per_chunk], batch_size=batch_size, where=selected, pool_bytes=3000
    )
    batches = []
    for epoch in range(2):
        stream.set_epoch(epoch)
        batches += stream
    assert sorted(all_rows(batches)) == sorted(2 * np.flatnonzero(selected).tolist())
    check_signals(batches)


@pytest.mark.parametrize("batch_size", [4, 500])
def test_reading_inline_in_a_thread_or_both_in_turns_gives_the_same_batches(
    store, monkeypatch, batch_size
):
    read_chunks = JoinedChunks.read
    is_main_thread = set()

    def read(self, *chunks):
        is_main_thread.add(threading.current_thread() is threading.main_thread())
        return read_chunks(self, *chunks)

    def rows_with(read_inline: Iterator[bool]) -> list[list[int]]:
        monkeypatch.setattr(ReadPolicy, "read_inline", property(lambda _: next(read_inline)))
        is_main_thread.clear()
        batches = list(StreamingDataset(store, batch_size=batch_size, threads=1))
        check_signals(batches)
        return batch_rows(batches)

    monkeypatch.setattr(JoinedChunks, "read", read)
    expected = rows_with(repeat(False))
    assert is_main_thread == {False}
    assert rows_with(repeat(True)) == expected
    assert is_main_thread == {True}
    for seed in range(20):
        turns = np.random.default_rng(seed).random(100) < 0.5
        assert rows_with(iter(turns)) == expected


def test_a_loop_with_other_work_gets_a_reading_thread(store):
    stream = StreamingDataset(store, batch_size=4, threads=1)
    has_thread = []
    for _ in stream:
        has_thread.append("bids_dl-read_0" in stream_threads())
        time.sleep(0.05)
    assert not has_thread[0]
    assert has_thread[-1]


@pytest.mark.parametrize("is_busy", [False, True])
def test_only_a_loop_with_other_work_gets_a_thread_that_resamples(store, monkeypatch, is_busy):
    stream = StreamingDataset(store, batch_size=4, sfreq=SMALL.sfreq / 2, threads=1)
    expected = [batch.signals.clone() for batch in stream]
    monkeypatch.setattr(ReadPolicy, "read_inline", not is_busy)
    for batch, signals in zip(stream, expected, strict=True):
        assert torch.equal(batch.signals, signals)
        assert ("bids_dl-batch_0" in stream_threads()) == is_busy
    assert not stream_threads()


@pytest.mark.parametrize(("is_local", "dtype"), [(True, np.float32), (False, np.int16)])
@pytest.mark.parametrize("normalize", [None, "recording"])
def test_windows_of_int16_wait_as_int16_only_if_their_store_is_remote(
    tmp_path, monkeypatch, is_local, dtype, normalize
):
    path = tmp_path / "int16.zarr"
    small_store.write(path, SMALL, resolution=0.125)
    expected = [batch.signals.clone() for batch in StreamingDataset(path, normalize=normalize)]
    monkeypatch.setattr(JoinedChunks, "is_local", is_local)
    read = Assembler._read
    dtypes = set()

    def record(self, first, last, requested=None):
        dtypes.update(buffer.signals.dtype for buffer in self._pending.values())
        return read(self, first, last, requested)

    monkeypatch.setattr(Assembler, "_read", record)
    for batch, signals in zip(StreamingDataset(path, normalize=normalize), expected, strict=True):
        torch.testing.assert_close(batch.signals, signals, rtol=0, atol=0)
    assert dtypes == {np.dtype(dtype)}


@pytest.mark.parametrize("sfreq", [None, SMALL.sfreq / 2], ids=["as stored", "resampled"])
@pytest.mark.parametrize("turns", range(5))
def test_batches_finished_inline_and_in_a_thread_in_turns_are_the_same(
    tmp_path, monkeypatch, turns, sfreq
):
    path = tmp_path / "int16.zarr"
    small_store.write(path, SMALL, resolution=0.125)
    stream = StreamingDataset(path, batch_size=4, normalize="recording", sfreq=sfreq)
    expected = [(batch.index.tolist(), batch.signals.clone()) for batch in stream]
    inline = np.random.default_rng(turns)
    monkeypatch.setattr(ReadPolicy, "read_inline", property(lambda _: inline.random() < 0.5))
    for batch, (rows, signals) in zip(stream, expected, strict=True):
        assert batch.index.tolist() == rows
        assert torch.equal(batch.signals, signals)


@pytest.mark.parametrize("failure", [OSError, KeyboardInterrupt])
def test_an_index_that_could_not_be_read_is_read_by_the_next_loop(store, monkeypatch, failure):
    stream = StreamingDataset(store, batch_size=4)

    def fail(*_):
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(RangeReader, "read", fail)
        with pytest.raises(failure):
            list(stream)
    assert sorted(all_rows(stream)) == list(range(70))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_cannot_continue_an_iteration_but_begin_its_own(store):
    stream = StreamingDataset(store, batch_size=4)
    batches = iter(stream)
    next(batches)

    def check() -> None:
        with pytest.raises(StoreError, match="iterate over the stream again"):
            next(batches)
        check_signals(stream)

    child = get_context("fork").Process(target=check)
    child.start()
    child.join(60)
    assert child.exitcode == 0
    check_signals(batches)


@pytest.mark.parametrize("reads_inline", [True, False])
def test_memory_of_an_interrupted_loop_is_not_used_again(store, monkeypatch, reads_inline):
    """A thread that an interrupt kept from being waited for may still write into it."""
    monkeypatch.setattr(ReadPolicy, "read_inline", reads_inline)
    stream = StreamingDataset(store, batch_size=4, threads=1)
    memories = []
    take_memories = BatchReader._take_memories

    def take(self, *shapes, **options):
        memories.append(take_memories(self, *shapes, **options))
        return memories[-1]

    monkeypatch.setattr(BatchReader, "_take_memories", take)
    check_signals(stream)
    next(iter(stream))
    with monkeypatch.context() as patch:
        patch.setattr(Assembler, "_read", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            list(stream)
    check_signals(stream)
    assert memories[0] is memories[1] is memories[2]
    assert memories[3][0].pending is not memories[0][0].pending


@pytest.mark.parametrize("reads_inline", [True, False])
def test_no_batch_is_delivered_after_a_failed_read(store, tmp_path, monkeypatch, reads_inline):
    path = Path(shutil.copytree(store, tmp_path / "small.zarr"))
    shard = path / "signals/c/2/0/0"
    shard.write_bytes(b"\xff" + shard.read_bytes()[1:])
    monkeypatch.setattr(ReadPolicy, "read_inline", reads_inline)
    joined = chunk_sources(open_stores(path, None), cache=False, cache_bytes=1).open()
    steps = Steps(np.arange(70), np.arange(0, 71, 2))
    settings = ReadSettings(1, True, 8, (batch_memory((2, 3, 20), None),), Traffic())
    assembler = Assembler(joined, np.arange(70), steps, settings)

    def assemble_from(first_step: int) -> None:
        for step in range(first_step, 35):
            signals, windows = assembler.assemble(step)
            np.testing.assert_array_equal(signals, SMALL.signals[windows])

    with pytest.raises(DamagedStoreError):
        assemble_from(0)
    with pytest.raises(CancelledError):
        assemble_from(12)
    assembler.stop()
    assembler.close()


@pytest.mark.parametrize("normalize", [None, "recording"], ids=["in place", "through scratch"])
def test_damage_is_raised_in_the_loop_and_names_the_recordings(
    store, tmp_path, monkeypatch, normalize
):
    monkeypatch.setattr(direct_windows, "MIN_DIRECT_BYTES", 1)
    path = Path(shutil.copytree(store, tmp_path / "small.zarr"))
    shard = path / "signals/c/2/0/0"
    content = shard.read_bytes()
    shard.write_bytes(b"\xff" + content[1:])
    message = (
        r"chunk 6 of signals .*match its checksum"
        r".*windows 24 to 27, of sub-001/eeg/sub-001_run-2"
    )
    with pytest.raises(DamagedStoreError, match=message):
        list(StreamingDataset(path, normalize=normalize))
    assert not stream_threads()
    stream = StreamingDataset(path, batch_size=2, shuffle=False, normalize=normalize)
    shard.write_bytes(content)
    list(stream)  # so that the index is read
    shard.write_bytes(content[:100])
    with pytest.raises(DamagedStoreError, match=r"chunk 6 of signals .*windows 24 to 27"):
        list(stream)


@pytest.mark.parametrize(("reads_inline", "max_pools"), [(True, 2), (False, 3)])
@pytest.mark.parametrize("n_subjects", [8, 14, 50])  # 40, 70 and 250 chunks of 960 bytes
def test_memory_for_pending_batches_stays_within_the_documented_bound(
    tmp_path, monkeypatch, n_subjects, reads_inline, max_pools
):
    small_store.write(tmp_path / "long.zarr", SmallStore(n_subjects=n_subjects, per_recording=10))
    start_reads = Assembler._start
    pending_bytes = []

    def start(self, max_end, max_reads):
        reads = start_reads(self, max_end, max_reads)
        buffers = self._pending.values()
        pending_bytes.append(sum(buffer.signals.nbytes for buffer in buffers))
        return reads

    monkeypatch.setattr(Assembler, "_start", start)
    monkeypatch.setattr(ReadPolicy, "read_inline", reads_inline)
    stream = StreamingDataset(tmp_path / "long.zarr", batch_size=8, pool_bytes=40 * 960, threads=1)
    assert sorted(all_rows(stream)) == list(range(20 * n_subjects))
    assert 30 * 960 <= max(pending_bytes) <= max_pools * 40 * 960


@pytest.mark.parametrize("resolution", [None, 0.125])
@pytest.mark.parametrize("normalize", [None, "window"])
def test_batches_that_are_kept_do_not_change_over_epochs(tmp_path, normalize, resolution):
    path = tmp_path / "kept.zarr"
    small_store.write(path, SMALL, resolution=resolution)
    stream = StreamingDataset(path, batch_size=4, normalize=normalize, pool_bytes=1000)
    kept = []
    for epoch in range(3):
        stream.set_epoch(epoch)
        for i, batch in enumerate(stream):
            if i % 3 == 0:
                kept.append((batch, batch.signals.clone()))
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
    assert not stream_threads()
    assert shared_memory() <= before


def shared_memory() -> set[str]:
    """Return the names of the shared memory of torch."""
    folder = Path("/dev/shm")
    if not folder.is_dir():
        return set()
    return {path.name for path in folder.iterdir() if path.name.startswith("torch_")}


def test_a_loop_that_is_left_early_ends_its_threads(store):
    for _ in StreamingDataset(store, batch_size=4, threads=2):
        assert stream_threads()
        break
    assert not stream_threads()


def test_a_loop_that_ends_ends_its_threads(store):
    list(StreamingDataset(store, batch_size=4))
    assert not stream_threads()


STREAM_TWO_EPOCHS = """
import sys
from pathlib import Path
from unittest.mock import Mock
from bids_dl import StreamingDataset

def memory():
    lines = Path("/proc/self/status").read_text().splitlines()
    kilobytes = {line.split()[0]: int(line.split()[1]) for line in lines if line.startswith("Rss")}
    return sum(kilobytes[f"Rss{kind}:"] for kind in kinds)

path, use_maps, *kinds = sys.argv[1:]
stream = StreamingDataset(
    path, target="y", pool_bytes=8_000_000, batch_size=64, threads=2, mmap=use_maps == "True"
)
early, late, count = [], [], 0
for epoch in range(2):
    stream.set_epoch(epoch)
    for step, batch in enumerate(stream):
        count += len(batch.index)
        (late if epoch or step > len(stream) // 4 else early).append(memory())
print(count, max(early), max(late))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")
@pytest.mark.parametrize(
    ("use_maps", "kinds"), [(False, ["Anon", "Shmem", "File"]), (True, ["Anon", "Shmem"])]
)
def test_memory_stays_flat_over_a_store_ten_times_as_large_as_its_pool(tmp_path, use_maps, kinds):
    shape = (3500, 24, 256)  # 86 MB
    path = tmp_path / "large.zarr"
    noise = np.random.default_rng(0).standard_normal((500, *shape[1:])).astype(np.float32)
    store = writer.StoreWriter.create(Location(str(path)), "test")
    writer.write_signals(
        store, shape, (noise for _ in range(7)), StoreConfig(), on_progress=lambda _: None
    )
    columns = [
        make_column("channel", writer.text_array([f"E{i}" for i in range(24)])),
        make_column("recording", writer.text_array(["sub-1"] * shape[0])),
        make_column("label", writer.text_array(["a"] * shape[0])),
        Column("y", np.arange(shape[0]) % 3),
    ]
    writer.write_columns(store, columns)
    names = ["signals", "channel", "recording", "label", "y"]
    writer.finish(store, {"sfreq": 128.0, "classes": {"label": ["a"]}}, names, {})
    done = subprocess.run(
        [sys.executable, "-c", STREAM_TWO_EPOCHS, str(path), str(use_maps), *kinds],
        capture_output=True,
        text=True,
        check=True,
    )
    count, early_peak, later_peak = map(int, done.stdout.split())
    assert count == 7000
    assert later_peak - early_peak < 12_000  # kB: of 86 MB read twice; the pool is 8 MB
