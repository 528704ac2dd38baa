"""Batches of later epochs, whose windows are copied from memory maps, are those of system calls."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import time
from pathlib import Path

import pytest
import small_store
import torch
from small_store import SmallStore
from streams import SMALL, all_rows, check_signals, stream_threads
from torch.utils.data import DataLoader

from bids_dl.errors import DamagedStoreError
from bids_dl.store.signals import mapped_windows
from bids_dl.store.signals.mapped_windows import MappedWindows
from bids_dl.stream import StreamingDataset
from bids_dl.stream.read_policy import ReadPolicy

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux maps stores")


@pytest.fixture(autouse=True)
def copied(store, monkeypatch) -> list[int]:
    """Map small windows too. Return the number of windows of each copy."""
    monkeypatch.setattr("bids_dl.store.signals.direct_windows.MIN_DIRECT_BYTES", 1)
    types = {Path(store).stat().st_dev: "ext4"}
    monkeypatch.setattr(mapped_windows, "file_system_types", lambda: types)
    counts: list[int] = []
    copy = MappedWindows.copy

    def copy_and_count(self, chunks, rows, windows):
        counts.append(len(chunks))
        return copy(self, chunks, rows, windows)

    monkeypatch.setattr(MappedWindows, "copy", copy_and_count)
    return counts


def batches_of(stream: StreamingDataset, epoch: int) -> list[tuple[list[int], torch.Tensor]]:
    """Return the rows of each batch of an epoch, and a copy of its signals."""
    stream.set_epoch(epoch)
    return [(batch.index.tolist(), batch.signals.clone()) for batch in stream]


def check_equal(stream: StreamingDataset, other: StreamingDataset, epoch: int) -> None:
    """Check that two streams deliver the same bytes in an epoch."""
    pairs = zip(batches_of(stream, epoch), batches_of(other, epoch), strict=True)
    for (rows, signals), (other_rows, other_signals) in pairs:
        assert rows == other_rows
        assert signals.numpy().tobytes() == other_signals.numpy().tobytes()


@pytest.mark.parametrize("is_busy", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"normalize": "recording"},
        {"normalize": "window", "batch_size": 500},
        {"shuffle": False, "drop_last": True},
        {"where": {"sex": "f"}, "normalize": "recording"},
        {"sfreq": SMALL.sfreq / 2},
        {"threads": 3, "pool_bytes": 3000},
    ],
    ids=str,
)
def test_later_epochs_are_those_of_system_calls(store, monkeypatch, copied, options, is_busy):
    monkeypatch.setattr(ReadPolicy, "read_inline", not is_busy)
    options = {"batch_size": 8, **options}
    stream = StreamingDataset(store, **options)
    other = StreamingDataset(store, **options, mmap=False)
    check_equal(stream, other, 0)
    assert not copied
    for epoch in (1, 2):
        copied.clear()
        check_equal(stream, other, epoch)
        assert sum(copied) == len(all_rows(stream)) > 0
    assert not stream_threads()


@pytest.mark.parametrize("options", [{}, {"weights": [1, 2]}, {"normalize": "recording"}])
def test_joined_stores_are_copied_too(store, tmp_path, copied, options):
    small_store.write(tmp_path / "other.zarr", SmallStore(seed=1, per_chunk=7))
    both = [store, tmp_path / "other.zarr"]
    stream = StreamingDataset(both, batch_size=8, **options)
    other = StreamingDataset(both, batch_size=8, **options, mmap=False)
    for epoch in range(5):
        copied.clear()
        check_equal(stream, other, epoch)
    assert sum(copied) == len(all_rows(stream))


def test_an_epoch_with_a_chunk_that_was_not_verified_is_read(store, copied):
    stream = StreamingDataset(store, batch_size=8, threads=1, pool_bytes=3000)
    next(iter(stream))
    stream.set_epoch(1)
    batches = list(stream)
    check_signals(batches)
    assert not copied
    check_signals(list(stream))
    assert sum(copied) == SMALL.n_windows


def test_a_process_with_few_file_descriptors_reads_by_system_calls(store, monkeypatch, copied):
    monkeypatch.setattr(mapped_windows, "MAX_SHARE", 1e-6)
    stream = StreamingDataset(store, batch_size=8)
    for _ in range(2):
        check_signals(list(stream))
    assert not copied


@pytest.mark.parametrize("failure", [DamagedStoreError("damaged"), KeyboardInterrupt()], ids=repr)
def test_an_epoch_that_fails_leaves_no_memory_behind(store, monkeypatch, failure):
    stream = StreamingDataset(store, batch_size=8)
    list(stream)
    kept = []
    for _ in range(3):
        with monkeypatch.context() as patch:
            batches = iter(stream)
            next(batches)

            def fail(*_):
                raise failure

            patch.setattr(MappedWindows, "copy", fail)
            with pytest.raises(type(failure)):
                next(batches)
        check_signals(list(stream))
        _, memories = stream._reader._spare_memory
        kept.append([len(memory.pending.arenas) for memory in memories])
    assert kept[0] == kept[-1]


def test_batches_that_are_kept_do_not_change(store):
    stream = StreamingDataset(store, batch_size=8)
    kept = [batch for _ in range(3) for batch in stream]
    gc.collect()
    check_signals(kept)


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_workers_read_after_the_parent_has_mapped(store, start_method):
    stream = StreamingDataset(store, batch_size=8)
    for _ in range(2):
        list(stream)
    loader = DataLoader(
        stream, batch_size=None, num_workers=2, multiprocessing_context=start_method
    )
    batches = list(loader)
    assert sorted(all_rows(batches)) == list(range(SMALL.n_windows))
    check_signals(batches)


@pytest.mark.parametrize("is_busy", [False, True])
@pytest.mark.parametrize("action", ["change", "cut", "remove"])
def test_damage_between_two_epochs_is_raised_in_the_loop(
    store, tmp_path, monkeypatch, action, is_busy
):
    path = Path(shutil.copytree(store, tmp_path / "small.zarr"))
    monkeypatch.setattr(ReadPolicy, "read_inline", not is_busy)
    stream = StreamingDataset(path, batch_size=4)
    for _ in range(2):
        list(stream)
    shard = path / "signals/c/2/0/0"
    if action == "change":
        with shard.open("r+b") as file:
            file.write(b"\xff\xff")
    elif action == "cut":
        os.truncate(shard, 100)
    else:
        shard.unlink()
    with pytest.raises(DamagedStoreError, match=r"small\.zarr: chunk \d of signals"):
        list(stream)
    assert not stream_threads()


def test_a_file_that_is_cut_short_within_an_epoch_is_an_error_in_the_next_batch(store, tmp_path):
    path = Path(shutil.copytree(store, tmp_path / "small.zarr"))
    stream = StreamingDataset(path, batch_size=70, endless=True, threads=1)
    batches = iter(stream)
    for _ in range(3):
        next(batches)
    os.truncate(path / "signals/c/2/0/0", 0)
    with pytest.raises(DamagedStoreError, match="is cut short"):
        next(batches)


def test_a_loop_with_other_work_gets_a_thread_that_copies(store):
    stream = StreamingDataset(store, batch_size=4, threads=1)
    list(stream)
    has_thread = []
    for _ in stream:
        has_thread.append("bids_dl-batch_0" in stream_threads())
        time.sleep(0.02)
    assert not has_thread[0]
    assert has_thread[-1]
    assert not stream_threads()
