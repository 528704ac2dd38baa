"""Copy windows of a decoded chunk into their batches, changed on the way if that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]
Change = Callable[[npt.NDArray[np.float32], Indices], None]
"""Changes windows (n, n_chans, n_times) in place, given their rows (n,)."""
BLOCK_BYTES = 1_048_576  # converted at once, so that they stay in the processor's cache


class Destination(NamedTuple):
    """Windows of one chunk that are copied into one array.

    Attributes
    ----------
    chunk_rows
        (n,): positions within the chunk, ascending, each once.
    batch_rows
        (n,): positions in ``batch``.
    batch
        (n_slots, n_chans, n_times): float32, filled in µV; or int16, filled with the numbers of the
        store.
    """

    chunk_rows: Indices
    batch_rows: Indices
    batch: npt.NDArray[Any]


def place_windows(
    destinations: Sequence[Destination],
) -> list[tuple[int, npt.NDArray[Any]]]:
    """Return the position of each window in its chunk, and its memory (n_chans, n_times)."""
    placed: list[tuple[int, npt.NDArray[Any]]] = []
    for chunk_rows, batch_rows, batch in destinations:
        windows = map(batch.__getitem__, batch_rows.tolist())
        placed.extend(zip(chunk_rows.tolist(), windows, strict=True))
    return placed


def copy_windows(
    values: npt.NDArray[Any],
    destinations: Sequence[Destination],
    scale: float = 1,
    change: Change | None = None,
    microvolts: npt.NDArray[np.float32] | None = None,
) -> None:
    """Copy windows of a chunk into their batches. The last chunk is padded to full length.

    Parameters
    ----------
    values
        (windows_per_chunk, n_chans, n_times): numbers of the chunk. With ``change``, their memory
        may be changed.
    destinations
        Destinations of its windows.
    scale
        µV of one number, which float32 batches are multiplied by.
    change
        Changes windows before they are copied to a float32 batch, given their positions within
        the chunk.
    microvolts
        (n, n_chans, n_times): memory for windows that are converted, from `block_memory`. None
        allocates it.
    """
    for chunk_rows, batch_rows, batch in destinations:
        if batch.dtype != np.float32:
            batch[batch_rows] = _select(values, chunk_rows)
            continue
        if microvolts is None:
            microvolts = block_memory(values.shape)
        at_once = len(microvolts)
        for start in range(0, len(chunk_rows), at_once):
            rows = chunk_rows[start : start + at_once]
            windows = _in_microvolts(_select(values, rows), scale, microvolts)
            if change is not None:
                change(windows, rows)
            batch[batch_rows[start : start + at_once]] = windows


def block_memory(shape: Sequence[int]) -> npt.NDArray[np.float32]:
    """Return memory for windows of a chunk (windows_per_chunk, n_chans, n_times).

    These are as many as stay in the processor's cache, at least one.
    """
    n_windows, n_chans, n_times = shape
    at_once = BLOCK_BYTES // max(1, 4 * n_chans * n_times)
    return np.empty((max(1, min(n_windows, at_once)), n_chans, n_times), np.float32)


def _select(values: npt.NDArray[Any], rows: Indices) -> npt.NDArray[Any]:
    """Return windows of a chunk, as a view if they are consecutive."""
    n_rows = len(rows)
    if n_rows == len(values):
        return values
    if n_rows and rows[-1] - rows[0] == n_rows - 1:
        return values[rows[0] : rows[0] + n_rows]
    return values[rows]


def _in_microvolts(
    windows: npt.NDArray[Any], scale: float, microvolts: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return windows that may be changed: themselves, or a copy in µV."""
    if scale == 1 and windows.dtype == np.float32 and windows.flags.writeable:
        return windows
    converted = microvolts[: len(windows)]
    converted[...] = windows
    if scale != 1:
        converted *= np.float32(scale)
    return converted
