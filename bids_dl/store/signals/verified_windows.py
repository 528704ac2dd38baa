"""Read few windows of chunks on disk that were verified before, and nothing else of these chunks.

A stream of few windows spends more time on steps per chunk than on bytes. So the windows of many
chunks are looked up at once, and read in the order of the files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bids_dl.remote.checksum import extend_crc32c
from bids_dl.store.signals.chunk_errors import ChunkErrors
from bids_dl.store.signals.chunk_layout import ChunkLayout
from bids_dl.store.signals.direct_windows import is_direct
from bids_dl.store.signals.local_bytes import ShardFiles, fill_arrays
from bids_dl.store.signals.stored_chunk import StoredChunk
from bids_dl.store.signals.window_checksums import WindowChecksums
from bids_dl.store.signals.window_copies import Destination

MAX_SPARSE_SHARE = 0.5  # of the windows of a chunk; above it, the whole chunk is read at once


class PlacedWindows(NamedTuple):
    """Windows of verified chunks, and the other chunks."""

    chunks: list[int]  # of each window
    rows: list[int]  # position of each window in its chunk
    windows: list[npt.NDArray[Any]]  # memory of each window
    others: Sequence[int]  # indices of the chunks that must be read whole


def place_verified_windows(
    layout: ChunkLayout,
    verified: WindowChecksums,
    chunks: Sequence[int],
    destinations: Sequence[Sequence[Destination]],
) -> PlacedWindows:
    """Return the windows that can be read without the rest of their chunks.

    These are few windows of verified chunks, which are read straight into their batches.
    """
    are_known = verified.knows(np.array(chunks, np.int64)).tolist()
    if not any(are_known):
        return PlacedWindows([], [], [], range(len(chunks)))
    others: list[int] = []
    placed = PlacedWindows([], [], [], others)
    max_windows = MAX_SPARSE_SHARE * layout.chunk_shape[0]
    direct: set[int] = set()  # id() of batches
    for index, (chunk, targets) in enumerate(zip(chunks, destinations, strict=True)):
        n_windows = sum([len(target.chunk_rows) for target in targets])
        if not are_known[index] or n_windows > max_windows:
            others.append(index)
            continue
        if not direct.issuperset([id(target.batch) for target in targets]):
            if not is_direct(layout, targets):
                others.append(index)
                continue
            direct.update(id(target.batch) for target in targets)
        placed.chunks.extend([chunk] * n_windows)
        for rows, batch_rows, batch in targets:
            placed.rows.extend(rows.tolist())
            placed.windows.extend(map(batch.__getitem__, batch_rows.tolist()))
    return placed


def read_verified_windows(
    layout: ChunkLayout,
    verified: WindowChecksums,
    files: ShardFiles,
    placed: PlacedWindows,
    errors: ChunkErrors,
) -> int:
    """Read windows, and compare each with the one that was verified. Return the bytes read.

    Raises
    ------
    DamagedStoreError
        A window differs, or its shard is missing or cut short.
    StoreError
        A shard cannot be read.
    """
    if not placed.chunks:
        return 0
    size = layout.window_bytes
    chunks = np.array(placed.chunks)
    rows = np.array(placed.rows)
    known = verified.lookup(chunks, rows, size)
    shards = (chunks // layout.chunks_per_shard).tolist()
    opened = -1
    file = -1
    chunk = placed.chunks[0]
    try:
        for i in np.lexsort((rows, chunks)).tolist():  # in the order of the files
            chunk = placed.chunks[i]
            window = placed.windows[i]
            if shards[i] != opened:
                opened = shards[i]
                file = files.open(layout.object_name(opened))
            fill_arrays(file, known.starts[i], [window], size)
            if extend_crc32c(known.before[i], window) != known.after[i]:
                raise errors.mismatch(StoredChunk.at_any_place(layout, chunk))
    except (OSError, EOFError) as failure:
        stored = StoredChunk.at_any_place(layout, chunk)
        raise errors.from_failure(failure, stored) from None
    return size * len(chunks)
