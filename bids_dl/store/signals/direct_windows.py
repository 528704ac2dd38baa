"""Windows of a chunk that can be read one by one, and straight into their batches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bids_dl.remote.byte_range import Array
from bids_dl.store.signals.chunk_layout import ChunkLayout
from bids_dl.store.signals.stored_chunk import Scratch
from bids_dl.store.signals.window_copies import Destination

MIN_DIRECT_BYTES = 4096  # of a window; smaller ones are copied together


def has_single_windows(layout: ChunkLayout) -> bool:
    """Return whether windows in µV can be read one by one, each with a checksum of its own."""
    return layout.is_plain and layout.is_checked and layout.window_bytes >= MIN_DIRECT_BYTES


def is_direct(layout: ChunkLayout, destinations: Sequence[Destination]) -> bool:
    """Return whether the bytes of a chunk are read straight into the batches."""
    if layout.is_compressed or (layout.scale != 1 and layout.dtype == np.float32):
        return False
    if layout.window_bytes < MIN_DIRECT_BYTES:
        return False
    return all(
        batch.dtype == layout.dtype and batch.flags.c_contiguous for _, _, batch in destinations
    )


def arrays_of_chunk(
    layout: ChunkLayout, scratch: Scratch, placed: Sequence[tuple[int, Array]]
) -> list[Array]:
    """Return memory for each window of a chunk as it is stored, and for its checksum.

    Parameters
    ----------
    placed
        Position in the chunk and memory of the windows that are used. The others are read into the
        scratch memory.
    """
    n_windows = layout.chunk_shape[0]
    trailer = scratch.content[layout.decoded_bytes : layout.max_stored_bytes]
    if [row for row, _ in placed] == list(range(n_windows)):
        return [window for _, window in placed] + [trailer]
    windows: list[Array] = list(scratch.content[: layout.decoded_bytes].reshape(n_windows, -1))
    for row, window in placed:
        windows[row] = window
    return [*windows, trailer]
