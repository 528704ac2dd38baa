"""A small store for tests of streams, and what their batches contain."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import numpy as np
from small_store import SmallStore

from bids_dl.stream import Batch

SMALL = SmallStore()  # 70 windows: 18 chunks in 6 shards


def batch_rows(batches: Iterable[Batch]) -> list[list[int]]:
    """Return the rows of each batch."""
    return [batch.index.tolist() for batch in batches]


def all_rows(batches: Iterable[Batch]) -> list[int]:
    """Return the rows of all batches in one list."""
    return [row for rows in batch_rows(batches) for row in rows]


def check_signals(batches: Iterable[Batch], signals: np.ndarray = SMALL.signals) -> None:
    """Check that each batch has exactly the signals of its rows, (n_windows, n_chans, n_times)."""
    for batch in batches:
        np.testing.assert_array_equal(batch.signals.numpy(), signals[batch.index.numpy()])


def stream_threads() -> list[str]:
    """Return the names of the running threads of streams."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("bids_dl")]
