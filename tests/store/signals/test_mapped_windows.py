"""Windows of verified chunks are copied from memory maps, and compared again."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import small_store
from small_store import SmallStore

from bids_dl.errors import DamagedStoreError
from bids_dl.remote.location import Location
from bids_dl.store import open_store
from bids_dl.store.signals import local_bytes, mapped_windows
from bids_dl.store.signals.chunks import ChunkReader
from bids_dl.store.signals.local_bytes import WindowMemory, will_need
from bids_dl.store.signals.mapped_windows import MappedWindows
from bids_dl.store.signals.window_copies import Destination

# 30 windows: 8 chunks in 3 shards
SMALL = SmallStore(n_subjects=3, per_recording=5, per_chunk=4, chunks_per_shard=3)
SIZE = small_store.WINDOW_BYTES
ROWS = np.array([29, 0, 16, 17, 3, 12, 5, 0])  # of all shards, in no order, one of them twice
ALL_CHUNKS = np.arange(8)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux maps stores")


@pytest.fixture
def path(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setattr("bids_dl.store.signals.direct_windows.MIN_DIRECT_BYTES", 1)
    monkeypatch.setattr(mapped_windows, "file_system_type", lambda _: "ext4")
    small_store.write(tmp_path / "small.zarr", SMALL)
    return tmp_path / "small.zarr"


def read_chunks(reader: ChunkReader, chunks: range) -> None:
    """Read one window of each of some chunks, so that they are verified."""
    batch = np.zeros((1, *reader.shape[1:]), np.float32)
    one = [Destination(np.array([0]), np.array([0]), batch)]
    reader.read(chunks, [one] * len(chunks))


def open_chunks(path: Path) -> ChunkReader:
    return ChunkReader(Location(str(path)), open_store(path).metadata("signals"))


@pytest.fixture
def mapped(path) -> MappedWindows:
    """Windows of a reader that has verified all chunks."""
    reader = open_chunks(path)
    read_chunks(reader, range(reader.n_chunks))
    return reader.mapped


def copy(mapped: MappedWindows, rows: np.ndarray = ROWS) -> np.ndarray:
    """Return windows, copied from the maps."""
    batch = np.zeros((len(rows), small_store.N_CHANS, small_store.N_TIMES), np.float32)
    n_bytes = mapped.copy(rows // 4, rows % 4, WindowMemory.of_batch(batch))
    assert n_bytes == len(rows) * SIZE
    return batch


def test_windows_of_all_shards_are_copied_in_any_order(mapped):
    np.testing.assert_array_equal(copy(mapped), SMALL.signals[ROWS])


def test_no_windows_are_no_error(mapped):
    assert len(copy(mapped, np.array([], np.int64))) == 0


def test_only_verified_chunks_are_contained(path):
    reader = open_chunks(path)
    read_chunks(reader, range(3))
    assert reader.mapped.contain(np.array([2, 0]))
    assert not reader.mapped.contain(np.array([2, 3]))


def test_chunks_are_contained_only_if_their_shards_can_be_mapped(path, mapped, monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    with monkeypatch.context() as patch:
        patch.setattr(mapped_windows.mmap, "mmap", fail)
        assert not mapped.contain(ALL_CHUNKS)
    (path / "signals/c/2/0/0").unlink()
    assert not mapped.contain(ALL_CHUNKS)
    assert mapped.contain(ALL_CHUNKS[:6])


@pytest.mark.parametrize("byte", [0, SIZE - 1])
def test_a_window_that_changed_after_it_was_verified_is_an_error(path, mapped, byte):
    assert mapped.contain(ALL_CHUNKS)
    with (path / "signals/c/1/0/0").open("r+b") as shard:
        shard.seek(4 * SIZE + 4 + SIZE + byte)  # chunk 4, window 1: row 17
        value = shard.read(1)[0]
        shard.seek(-1, os.SEEK_CUR)
        shard.write(bytes([value ^ 1]))
    np.testing.assert_array_equal(copy(mapped, np.array([16, 18])), SMALL.signals[[16, 18]])
    with pytest.raises(DamagedStoreError, match=r"chunk 4 of signals .* does not match"):
        copy(mapped)


@pytest.mark.parametrize("is_open", [True, False])
def test_a_file_that_was_cut_short_is_an_error_and_does_not_end_the_process(path, mapped, is_open):
    if is_open:
        assert mapped.contain(ALL_CHUNKS)
    os.truncate(path / "signals/c/1/0/0", SIZE)
    with pytest.raises(DamagedStoreError, match=r"chunk 4 of signals .* is cut short"):
        copy(mapped)
    os.truncate(path / "signals/c/1/0/0", 0)
    with pytest.raises(DamagedStoreError, match=r"chunk 4 of signals .* is cut short"):
        copy(mapped)


def test_a_shard_that_is_missing_is_an_error_although_it_is_mapped(path, mapped):
    assert mapped.contain(ALL_CHUNKS)
    (path / "signals/c/1/0/0").unlink()
    mapped.read_ahead(np.array([0, 6]))
    with pytest.raises(DamagedStoreError, match=r"chunk 3 of signals .* is missing"):
        mapped.read_ahead(ALL_CHUNKS)


def test_a_shard_that_was_replaced_is_mapped_again_and_compared(path, mapped):
    assert mapped.contain(ALL_CHUNKS)
    shard = path / "signals/c/1/0/0"
    shutil.copy(shard, path / "same")
    (path / "same").replace(shard)
    mapped.read_ahead(ALL_CHUNKS)
    np.testing.assert_array_equal(copy(mapped), SMALL.signals[ROWS])
    other = bytearray(shard.read_bytes())
    other[: 4 * SIZE] = bytes(4 * SIZE)
    (path / "other").write_bytes(other)
    (path / "other").replace(shard)
    np.testing.assert_array_equal(copy(mapped), SMALL.signals[ROWS])  # of the file as it was
    mapped.read_ahead(ALL_CHUNKS)
    with pytest.raises(DamagedStoreError, match=r"chunk 3 of signals .* does not match"):
        copy(mapped)


@pytest.mark.parametrize(("kind", "is_mapped"), [("xfs", True), ("nfs4", False), (None, False)])
def test_only_file_systems_of_this_machine_are_mapped(path, monkeypatch, kind, is_mapped):
    monkeypatch.setattr(mapped_windows, "file_system_type", lambda _: kind)
    assert (open_chunks(path).mapped is not None) == is_mapped


def test_integers_and_small_windows_are_not_mapped(tmp_path, path, monkeypatch):
    small_store.write(tmp_path / "int16.zarr", SMALL, resolution=0.125)
    assert open_chunks(tmp_path / "int16.zarr").mapped is None
    monkeypatch.setattr("bids_dl.store.signals.direct_windows.MIN_DIRECT_BYTES", SIZE + 1)
    assert open_chunks(path).mapped is None


@pytest.mark.parametrize("is_cached", [True, False])
def test_the_system_is_asked_to_read_only_what_it_has_not_cached(path, monkeypatch, is_cached):
    asked = []

    def preadv(file, arrays, offset, flags):
        assert (offset, flags) == (109, os.RWF_NOWAIT)
        if not is_cached:
            raise BlockingIOError
        return 1

    monkeypatch.setattr(local_bytes.os, "preadv", preadv)
    monkeypatch.setattr(local_bytes.os, "posix_fadvise", lambda *about: asked.append(about))
    will_need(7, 10, 100)
    assert asked == ([] if is_cached else [(7, 10, 100, os.POSIX_FADV_WILLNEED)])
