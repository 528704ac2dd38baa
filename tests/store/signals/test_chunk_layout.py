"""Sizes of chunks and shards."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bids_dl.config.stages import StoreConfig
from bids_dl.store.signals.chunk_layout import choose_chunking


@given(
    n_windows=st.integers(1, 10**6),
    n_chans=st.integers(1, 300),
    n_times=st.integers(1, 10_000),
    chunk_bytes=st.integers(1, 10**6),
    shard_bytes=st.integers(1, 10**8),
)
def test_shards_are_whole_chunks_and_chunks_whole_windows(
    n_windows, n_chans, n_times, chunk_bytes, shard_bytes
):
    config = StoreConfig(chunk_bytes=chunk_bytes, shard_bytes=shard_bytes)
    chunk, shard = choose_chunking((n_windows, n_chans, n_times), config)
    window_bytes = 4 * n_chans * n_times
    assert shard % chunk == 0
    assert chunk == 1 or chunk * window_bytes <= 1.5 * chunk_bytes
    assert shard == chunk or shard * window_bytes <= shard_bytes
    assert shard < n_windows + chunk


def test_chunks_are_near_half_a_megabyte_and_shards_64_to_128():
    chunk, shard = choose_chunking((100_000, 64, 256), StoreConfig())
    assert 0.4e6 < chunk * 64 * 256 * 4 < 0.6e6
    assert 64e6 < shard * 64 * 256 * 4 < 128e6
