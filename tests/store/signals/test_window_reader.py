"""Windows are read in any order, and each chunk once while it is cached."""

from __future__ import annotations

import numpy as np
import pytest
import small_store
from small_store import WINDOW_BYTES, SmallStore

from bids_dl.store import open_store
from bids_dl.store.signals.chunks import ChunkReader
from bids_dl.store.signals.window_reader import WindowReader

SMALL = SmallStore()


class CountingReader(ChunkReader):
    """Reader that records the chunks that were read."""

    def read(self, chunks, destinations):
        self.numbers = [*getattr(self, "numbers", []), *chunks]
        return super().read(chunks, destinations)


def open_counting(path) -> CountingReader:
    store = open_store(path)
    return CountingReader(store.location, store.metadata("signals"))


@pytest.mark.parametrize("resolution", [None, 0.01])
@pytest.mark.parametrize("rows", [[0], [69, 3, 3, 4], range(70), []])
def test_windows_come_in_the_order_asked_for(tmp_path, resolution, rows):
    signals = small_store.write(tmp_path / "a.zarr", SMALL, resolution=resolution)
    rows = np.array(rows, np.int64)
    read = WindowReader(open_counting(tmp_path / "a.zarr")).read(rows)
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, signals[rows])


def test_neighbours_of_a_window_cost_no_second_read(tmp_path):
    small_store.write(tmp_path / "a.zarr", SMALL)
    chunks = open_counting(tmp_path / "a.zarr")
    reader = WindowReader(chunks)
    for row in (8, 9, 10, 0, 11):
        reader.read(np.array([row]))
    assert chunks.numbers == [2, 0]


def test_the_cache_keeps_the_chunks_that_were_read_last(tmp_path):
    small_store.write(tmp_path / "a.zarr", SMALL)
    chunks = open_counting(tmp_path / "a.zarr")
    reader = WindowReader(chunks, cache_bytes=2 * SMALL.per_chunk * WINDOW_BYTES)
    for row in (0, 4, 0, 8, 0, 4):
        reader.read(np.array([row]))
    assert chunks.numbers == [0, 1, 2, 1]
