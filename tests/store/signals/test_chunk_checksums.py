"""Checksums of shards are those that zarr-python wrote."""

from __future__ import annotations

import google_crc32c
import numpy as np
import pytest
import small_store
import zarr
from misplaced_objects import read_index
from small_store import SmallStore

from bids_dl.store import open_store
from bids_dl.store.signals.chunk_checksums import checksums_shape, shard_checksums

SMALL = SmallStore(n_subjects=3, per_recording=5, per_chunk=4, chunks_per_shard=3)  # 30 windows


@pytest.mark.parametrize("resolution", [None, 0.125])
def test_a_store_has_the_checksum_of_every_chunk_and_every_index(tmp_path, resolution):
    path = tmp_path / "a.zarr"
    small_store.write(path, SMALL, resolution=resolution)
    store = open_store(path)
    checksums = store.read("signals_crc32c")
    n_shards = 3 if resolution is None else 2  # a shard of int16 holds twice as many windows
    assert checksums.shape == checksums_shape(store.metadata("signals")) == (n_shards, 4)
    for shard in range(n_shards):
        name = f"signals/c/{shard}/0/0"
        content = (path / name).read_bytes()
        for chunk, (offset, size) in enumerate(read_index(path, name).tolist()):
            if offset == 2**64 - 1:
                assert checksums[shard, chunk] == 0
            else:
                bytes_of_chunk = content[offset : offset + size - 4]
                assert checksums[shard, chunk] == google_crc32c.value(bytes_of_chunk)
        assert checksums[shard, 3] == google_crc32c.value(content[-16 * 3 - 4 : -4])
    assert checksums[-1, 2] == 0  # the last shard has room for chunks that are not stored


def test_the_checksums_are_an_array_that_zarr_reads(tmp_path):
    small_store.write(tmp_path / "a.zarr", SMALL)
    array = zarr.open_group(tmp_path / "a.zarr", mode="r")["signals_crc32c"]
    assert array.dtype == np.uint32
    assert array.metadata.dimension_names == ("shard", "checksum")


@pytest.mark.parametrize("size", [0, 3, 51])
def test_bytes_shorter_than_an_index_are_no_shard(size):
    with pytest.raises(ValueError, match=f"a shard of {size} bytes has no index"):
        shard_checksums(bytes(size), 3)
