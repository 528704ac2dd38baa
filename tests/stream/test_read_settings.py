from __future__ import annotations

import os

import pytest

from bids_dl.stream.read_settings import (
    chunks_ahead,
    chunks_per_pool,
    default_threads,
    may_read_inline,
)


@pytest.mark.parametrize(
    ("pool_bytes", "chunk_bytes", "n_chunks"),
    [
        (None, 1_000_000, 160),
        (None, 100_000, 640),  # 64 MB at least
        (None, 4_000_000, 64),  # 256 MB at most
        (10_000_000, 1_000_000, 10),
        (1, 1_000_000, 1),
    ],
)
def test_a_pool_has_its_size_in_bytes_and_one_chunk_at_least(pool_bytes, chunk_bytes, n_chunks):
    assert chunks_per_pool(pool_bytes, chunk_bytes) == n_chunks


def test_local_stores_are_read_a_pool_ahead_and_remote_ones_half_a_pool_more():
    assert chunks_ahead(100, is_local=True, shuffle=True) == 100
    assert chunks_ahead(100, is_local=False, shuffle=True) == 150
    assert chunks_ahead(100, is_local=True, shuffle=False) == 32


@pytest.mark.parametrize(
    ("n_cores", "n_workers", "n_threads"), [(1, 1, 1), (4, 1, 3), (64, 1, 4), (8, 4, 1)]
)
def test_workers_share_the_cores_and_leave_one_to_the_loop(
    monkeypatch, n_cores, n_workers, n_threads
):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(n_cores)), raising=False)
    assert default_threads(n_workers, is_local=True) == n_threads
    assert default_threads(n_workers, is_local=False) == 8
    assert may_read_inline(None, n_workers) == (n_threads == 1)
    assert may_read_inline(1, n_workers)
    assert not may_read_inline(2, n_workers)
