"""Decide how many threads read, how far ahead they read and how many chunks form a pool."""

from __future__ import annotations

import os
from dataclasses import dataclass

from bids_dl.store.signals.window_copies import Change
from bids_dl.stream.buffers import BatchMemory

REMOTE_THREADS = 8  # each has as many requests under way, and mostly waits
MAX_LOCAL_THREADS = 4
CHUNKS_AHEAD = 32  # read ahead of a loop that takes windows in the order of the store
MIN_POOL_BYTES = 64_000_000
DEFAULT_POOL_CHUNKS = 160  # enough to mix the windows of many people in a batch
MAX_POOL_BYTES = 256_000_000


@dataclass(slots=True)
class Traffic:
    """Bytes that a stream has read so far in this process.

    Attributes
    ----------
    bytes_read
        Bytes of chunks, as stored, from the store or its cache.
    bytes_used
        Part of ``bytes_read`` that held windows of the stream.
    bytes_cached
        Bytes of chunks and indexes of shards that came from the cache and not from the server.
    """

    bytes_read: int = 0
    bytes_used: int = 0
    bytes_cached: int = 0


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """Settings of one iteration over a stream.

    Parameters
    ----------
    threads
        Threads that read and decode.
    may_read_inline
        Whether the threads pause while the loop does little but wait for batches, because the loop
        then reads chunks itself.
    windows_ahead
        Windows read ahead of the loop, if a step does not need more.
    memories
        Memory for the batches, used by no other iteration at the same time: one for each group of
        stores whose windows have the same shape.
    traffic
        Counts of bytes, updated by the iteration.
    change
        Normalizes windows in place, given their rows in the joined table, while they are in the
        processor's cache: when they are read, or converted from int16. None keeps µV.
    mmap
        Whether verified chunks on a local disk are copied from memory maps.
    """

    threads: int
    may_read_inline: bool
    windows_ahead: int
    memories: tuple[BatchMemory, ...]
    traffic: Traffic
    change: Change | None = None
    mmap: bool = True


def default_threads(n_workers: int, *, is_local: bool) -> int:
    """Return the number of reading threads of one of ``n_workers`` processes."""
    return _spare_cores(n_workers) if is_local else REMOTE_THREADS


def may_read_inline(threads: int | None, n_workers: int) -> bool:
    """Return whether a loop that does little but wait may read itself.

    Several cores read faster than the loop alone.

    Parameters
    ----------
    threads
        Threads that the user has asked for.
    n_workers
        Processes that share the cores.
    """
    return (threads or _spare_cores(n_workers)) == 1


def _spare_cores(n_workers: int) -> int:
    """Return the number of cores beside that of the loop, at least one, for each process."""
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    return max(1, min(MAX_LOCAL_THREADS, cores // n_workers - 1))


def chunks_ahead(pool_chunks: int, *, is_local: bool, shuffle: bool) -> int:
    """Return the number of chunks to read ahead of the loop.

    A local store reads what the next pool needs before its first batch. A remote store reads half
    a pool more, to hide latency.
    """
    if not is_local:
        return pool_chunks + pool_chunks // 2
    return pool_chunks if shuffle else min(pool_chunks, CHUNKS_AHEAD)


def chunks_per_pool(pool_bytes: int | None, chunk_bytes: int) -> int:
    """Return the number of chunks that are shuffled together.

    Parameters
    ----------
    pool_bytes
        Size of a pool. None takes `MIN_POOL_BYTES`, or `DEFAULT_POOL_CHUNKS` if they are larger,
        up to `MAX_POOL_BYTES`.
    chunk_bytes
        Size of a chunk as float32.
    """
    if pool_bytes is None:
        pool_bytes = max(MIN_POOL_BYTES, min(DEFAULT_POOL_CHUNKS * chunk_bytes, MAX_POOL_BYTES))
    return max(1, pool_bytes // chunk_bytes)
