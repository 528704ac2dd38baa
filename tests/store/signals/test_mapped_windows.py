"""Windows of verified chunks are copied from memory maps, and compared again."""

from __future__ import annotations

import errno
import gc
import os
import pickle
import shutil
import sys
import tempfile
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
    small_store.write(tmp_path / "small.zarr", SMALL)
    set_type(monkeypatch, tmp_path / "small.zarr", "ext4")
    return tmp_path / "small.zarr"


def set_type(monkeypatch, path: Path, kind: str) -> None:
    """Let the file system of a path have this type."""
    types = {path.stat().st_dev: kind}
    monkeypatch.setattr(mapped_windows, "file_system_types", lambda: types)


def read_chunks(reader: ChunkReader, chunks: range) -> None:
    """Read one window of each of some chunks, so that they are verified."""
    batch = np.zeros((1, *reader.shape[1:]), np.float32)
    one = [Destination(np.array([0]), np.array([0]), batch)]
    reader.read(chunks, [one] * len(chunks))


def open_chunks(path: Path) -> ChunkReader:
    return ChunkReader(Location(str(path)), open_store(path).metadata("signals"))


@pytest.fixture
def reader(path) -> ChunkReader:
    """A reader that has verified all chunks."""
    reader = open_chunks(path)
    read_chunks(reader, range(reader.n_chunks))
    return reader


@pytest.fixture
def mapped(reader) -> MappedWindows:
    return reader.map(ALL_CHUNKS)


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


def test_only_verified_chunks_are_mapped(path):
    reader = open_chunks(path)
    read_chunks(reader, range(3))
    assert reader.map(np.array([2, 0])) is not None
    assert reader.map(np.array([2, 3])) is None


def test_chunks_are_mapped_only_if_all_their_shards_can_be(path, reader, monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    with monkeypatch.context() as patch:
        patch.setattr(mapped_windows.mmap, "mmap", fail)
        assert reader.map(ALL_CHUNKS) is None
    (path / "signals/c/2/0/0").unlink()
    assert reader.map(ALL_CHUNKS) is None
    assert reader.map(ALL_CHUNKS[:6]) is not None


def n_open() -> int:
    """Return the number of open files of this process."""
    gc.collect()  # those of other tests
    return len(list(Path("/proc/self/fd").iterdir()))


def test_maps_are_kept_for_the_next_iteration_and_given_back_with_the_reader(path):
    before = n_open()
    reader = open_chunks(path)
    read_chunks(reader, range(reader.n_chunks))
    assert n_open() == before
    shards = reader.map(ALL_CHUNKS)._shards
    assert n_open() == before + 3
    assert reader.map(ALL_CHUNKS)._shards == shards
    del shards, reader
    assert n_open() == before


def test_maps_take_at_most_half_of_the_file_descriptors(path, reader, monkeypatch):
    limits = {"value": 2 * (n_open() + 3)}
    monkeypatch.setattr(mapped_windows, "max_open_files", lambda: limits["value"])
    assert reader.map(ALL_CHUNKS) is not None
    assert reader.map(ALL_CHUNKS) is not None  # which are counted once
    before = n_open()
    other = open_chunks(path)
    read_chunks(other, range(other.n_chunks))
    assert other.map(ALL_CHUNKS) is None
    assert n_open() == before
    limits["value"] += 6
    assert other.map(ALL_CHUNKS) is not None


def test_a_process_whose_addresses_are_limited_maps_nothing(reader, monkeypatch):
    monkeypatch.setattr(mapped_windows, "has_limited_memory", lambda: True)
    assert reader.map(ALL_CHUNKS) is None


def test_maps_that_cannot_all_be_made_are_given_back(path, reader, monkeypatch):
    before = n_open()
    assert reader.map(ALL_CHUNKS[:3]) is not None
    (path / "signals/c/2/0/0").write_bytes(b"")
    assert reader.map(ALL_CHUNKS) is None
    assert n_open() == before


def test_a_reader_that_was_sent_to_another_process_maps_again(reader):
    reader.map(ALL_CHUNKS)
    copied = pickle.loads(pickle.dumps(reader))
    assert copied.map(ALL_CHUNKS) is None  # nothing was verified there
    read_chunks(copied, range(copied.n_chunks))
    np.testing.assert_array_equal(copy(copied.map(ALL_CHUNKS)), SMALL.signals[ROWS])


@pytest.mark.parametrize("byte", [0, SIZE - 1])
def test_a_window_that_changed_after_it_was_verified_is_an_error(path, mapped, byte):
    with (path / "signals/c/1/0/0").open("r+b") as shard:
        shard.seek(4 * SIZE + 4 + SIZE + byte)  # chunk 4, window 1: row 17
        value = shard.read(1)[0]
        shard.seek(-1, os.SEEK_CUR)
        shard.write(bytes([value ^ 1]))
    np.testing.assert_array_equal(copy(mapped, np.array([16, 18])), SMALL.signals[[16, 18]])
    with pytest.raises(DamagedStoreError, match=r"chunk 4 of signals .* does not match"):
        copy(mapped)


def test_a_file_that_was_cut_short_is_an_error_and_does_not_end_the_process(path, mapped):
    shard = path / "signals/c/1/0/0"
    os.truncate(shard, 4 * SIZE + 4 + 2 * SIZE)  # in chunk 4, after row 17
    whole = np.array([0, 12, 16, 17])
    np.testing.assert_array_equal(copy(mapped, whole), SMALL.signals[whole])
    for size in (4 * SIZE + 4 + 2 * SIZE, SIZE, 0):
        os.truncate(shard, size)
        with pytest.raises(DamagedStoreError, match=r"chunk 4 of signals .* is cut short"):
            copy(mapped, np.array([18]))


def test_a_file_that_was_cut_short_or_removed_is_not_mapped_again(path, reader):
    reader.map(ALL_CHUNKS)
    shard = path / "signals/c/1/0/0"
    os.truncate(shard, SIZE)
    with pytest.raises(DamagedStoreError, match=r"chunk 3 of signals .* is cut short"):
        copy(reader.map(ALL_CHUNKS), np.array([14]))
    shard.unlink()
    assert reader.map(ALL_CHUNKS) is None


def test_a_shard_that_is_missing_is_an_error_when_it_is_read_ahead(path, mapped):
    (path / "signals/c/1/0/0").unlink()
    mapped.read_ahead(np.array([0, 6]))
    with pytest.raises(DamagedStoreError, match=r"chunk 3 of signals .* is missing"):
        mapped.read_ahead(ALL_CHUNKS)


def test_a_shard_that_was_replaced_is_mapped_again_and_compared(path, reader, mapped):
    shard = path / "signals/c/1/0/0"
    shutil.copy(shard, path / "same")
    (path / "same").replace(shard)
    np.testing.assert_array_equal(copy(reader.map(ALL_CHUNKS)), SMALL.signals[ROWS])
    other = bytearray(shard.read_bytes())
    other[: 4 * SIZE] = bytes(4 * SIZE)
    (path / "other").write_bytes(other)
    (path / "other").replace(shard)
    np.testing.assert_array_equal(copy(mapped), SMALL.signals[ROWS])  # of the file as it was
    with pytest.raises(DamagedStoreError, match=r"chunk 3 of signals .* does not match"):
        copy(reader.map(ALL_CHUNKS))


@pytest.mark.parametrize(
    ("kind", "is_mapped"), [("xfs", True), ("nfs4", False), ("tmpfs", False), ("fuse.sshfs", False)]
)
def test_only_disks_of_this_machine_are_mapped(path, reader, monkeypatch, kind, is_mapped):
    set_type(monkeypatch, path, kind)
    assert (reader.map(ALL_CHUNKS) is not None) == is_mapped


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no second file system")
def test_a_shard_on_another_file_system_is_not_mapped(path, reader):
    shard = path / "signals/c/1/0/0"
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        if Path(elsewhere).stat().st_dev == path.stat().st_dev:
            pytest.skip("no second file system")
        shutil.copy(shard, elsewhere)
        shard.unlink()
        shard.symlink_to(Path(elsewhere) / shard.name)
        assert reader.map(ALL_CHUNKS) is None


def test_integers_and_small_windows_are_not_mapped(tmp_path, reader, monkeypatch):
    small_store.write(tmp_path / "int16.zarr", SMALL, resolution=0.125)
    integers = open_chunks(tmp_path / "int16.zarr")
    read_chunks(integers, range(integers.n_chunks))
    assert integers.map(ALL_CHUNKS[:1]) is None
    monkeypatch.setattr("bids_dl.store.signals.direct_windows.MIN_DIRECT_BYTES", SIZE + 1)
    assert reader.map(ALL_CHUNKS) is None


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
