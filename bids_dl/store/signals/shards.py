"""Write a sharded array, shard by shard, uploading one while the next is assembled."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import cycle
from typing import Any

import numpy as np
import numpy.typing as npt
import zarr

Windows = npt.NDArray[Any]  # (n, n_chans, n_times): float32, int16 or bool


def write_shards(
    array: zarr.Array[Any],
    batches: Iterator[Windows],
    *,
    n_uploads: int,
    before_shard: Callable[[], None],
    on_progress: Callable[[int], None],
) -> int:
    """Write windows into an array, one shard after the other.

    Parameters
    ----------
    batches
        Windows in the order of the array, (n, n_chans, n_times) with any n.
    n_uploads
        Shards written at a time; with 1, each is complete before the next is assembled.
    before_shard
        Called before each shard; an exception that it raises ends the writing.
    on_progress
        Called with the number of windows written since the last call.

    Returns
    -------
    int
        Number of windows written.
    """
    shard_windows = (array.shards or array.chunks)[0]
    pending: deque[tuple[int, Future[None]]] = deque()

    def wait_until(limit: int) -> None:
        """Wait until at most ``limit`` shards are being written."""
        while len(pending) > limit:
            n_windows, written = pending.popleft()
            written.result()
            on_progress(n_windows)

    shape = (shard_windows, *array.shape[1:])
    # a buffer is filled again when the upload from it has ended
    buffers = cycle([np.empty(shape, array.dtype) for _ in range(n_uploads)])
    start = 0
    with ThreadPoolExecutor(n_uploads) as pool:
        for windows in regroup(batches, buffers):
            before_shard()
            rows = slice(start, start + len(windows))
            pending.append((len(windows), pool.submit(array.__setitem__, rows, windows)))
            start = rows.stop
            wait_until(n_uploads - 1)
        wait_until(0)
    return start


def regroup(batches: Iterator[Windows], buffers: Iterator[Windows]) -> Iterator[Windows]:
    """Copy windows into one buffer after the other, and yield each when it is full.

    The last one may be shorter. Windows are copied as they arrive, so that the memory of a batch
    is free for the next one: new memory takes longer to get than to fill.

    Examples
    --------
    >>> batches = iter([np.zeros(3), np.zeros(4)])
    >>> [len(windows) for windows in regroup(batches, cycle([np.empty(5)]))]
    [5, 2]
    """
    buffer = next(buffers)
    n_filled = 0
    for batch in batches:
        rest = batch
        while len(rest):
            n_copied = min(len(rest), len(buffer) - n_filled)
            buffer[n_filled : n_filled + n_copied] = rest[:n_copied]
            rest = rest[n_copied:]
            n_filled += n_copied
            if n_filled == len(buffer):
                yield buffer
                buffer = next(buffers)
                n_filled = 0
    if n_filled:
        yield buffer[:n_filled]
