"""Windows of verified chunks are read alone, in the order of the files, and compared again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import small_store
from small_store import SmallStore

from bids_dl.errors import DamagedStoreError
from bids_dl.remote.location import Location
from bids_dl.store import open_store
from bids_dl.store.signals import verified_windows
from bids_dl.store.signals.chunks import ChunkReader
from bids_dl.store.signals.window_copies import Destination

# 30 windows: 8 chunks in 3 shards
SMALL = SmallStore(n_subjects=3, per_recording=5, per_chunk=4, chunks_per_shard=3)
SIZE = small_store.WINDOW_BYTES
CHUNKS = [7, 0, 4, 1, 3]  # of all shards, in no order


@pytest.fixture
def path(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setattr("bids_dl.store.signals.direct_windows.MIN_DIRECT_BYTES", 1)
    small_store.write(tmp_path / "small.zarr", SMALL)
    return tmp_path / "small.zarr"


@pytest.fixture
def reader(path) -> ChunkReader:
    """A reader that has verified all chunks."""
    store = open_store(path)
    reader = ChunkReader(Location(str(path)), store.metadata("signals"))
    batch = np.zeros((1, *reader.shape[1:]), np.float32)
    one = [Destination(np.array([0]), np.array([0]), batch)]
    reader.read(range(reader.n_chunks), [one] * reader.n_chunks)
    return reader


def place(reader: ChunkReader, rows: list[int]) -> tuple[np.ndarray, list[list[Destination]]]:
    """Return a batch and the destinations of the same rows of each of `CHUNKS` in it."""
    batch = np.zeros((len(CHUNKS) * len(rows), *reader.shape[1:]), np.float32)
    starts = range(0, len(batch), len(rows))
    slots = [start + np.arange(len(rows)) for start in starts]
    return batch, [[Destination(np.array(rows), slot, batch)] for slot in slots]


def test_windows_of_many_chunks_arrive_at_their_destinations(reader, monkeypatch):
    starts = []
    fill = verified_windows.fill_arrays

    def fill_and_note(file, start, arrays, size):
        starts.append(start)
        fill(file, start, arrays, size)

    monkeypatch.setattr(verified_windows, "fill_arrays", fill_and_note)
    batch, destinations = place(reader, [0, 1])
    assert reader.read(CHUNKS, destinations) == [(10 * SIZE, 10 * SIZE)]
    rows = [4 * chunk + row for chunk in CHUNKS for row in (0, 1)]
    np.testing.assert_array_equal(batch, SMALL.signals[rows])
    stride = 4 * SIZE + 4  # of chunks in a shard
    two_chunks = [0, SIZE, stride, stride + SIZE]
    assert starts == [*two_chunks, *two_chunks, stride, stride + SIZE]  # 0, 1; 3, 4; 7


def test_a_chunk_may_be_read_twice_at_once_and_into_two_batches(reader):
    left, right = np.zeros((2, 2, *reader.shape[1:]), np.float32)
    first = [Destination(np.array([1]), np.array([0]), left)]
    second = [
        Destination(np.array([1]), np.array([1]), right),
        Destination(np.array([2]), np.array([0]), right),
    ]
    reader.read([4, 4], [first, second])
    np.testing.assert_array_equal(left[0], SMALL.signals[17])
    np.testing.assert_array_equal(right, SMALL.signals[[18, 17]])


def test_chunks_of_which_many_windows_are_used_are_read_whole(reader):
    batch, destinations = place(reader, [0, 1, 2])
    sizes = reader.read(CHUNKS[1:], destinations[1:])
    assert [size.read for size in sizes] == [4 * SIZE + 4] * 4
    rows = [4 * chunk + row for chunk in CHUNKS[1:] for row in range(3)]
    np.testing.assert_array_equal(batch[3:], SMALL.signals[rows])


@pytest.mark.parametrize("action", ["remove", "cut"])
def test_a_shard_that_has_changed_is_an_error_that_names_the_chunk(path, reader, action):
    shard = path / "signals/c/1/0/0"
    if action == "remove":
        shard.unlink()
    else:
        shard.write_bytes(shard.read_bytes()[: SIZE // 2])
    _, destinations = place(reader, [0])
    problem = "is missing" if action == "remove" else "is cut short"
    with pytest.raises(DamagedStoreError, match=rf"chunk 3 of signals .* {problem}"):
        reader.read(CHUNKS, destinations)
