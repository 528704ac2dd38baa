"""Checksums of all chunks of ``signals``, which tie each chunk to its place and to its store.

A chunk ends with the checksum of its own bytes. So a chunk in the place of another, or one of an
older store, matches its checksum. It does not match the one that the array `SIGNALS_CRC32C` has for
this place. A reader compares the two numbers, which costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bids_dl.remote.checksum import CHECKSUM_BYTES
from bids_dl.store.signals.chunk_layout import ENTRY_BYTES, NOT_STORED

Checksums = npt.NDArray[np.uint32]
"""(n_shards, chunks_per_shard + 1): checksum of each chunk of a shard, then that of its index."""


def shard_checksums(content: bytes, chunks_per_shard: int) -> Checksums:
    """Return the checksums that a shard contains, as they are stored.

    Parameters
    ----------
    content
        Bytes of the shard, its index at the end.

    Returns
    -------
    ndarray
        uint32 (chunks_per_shard + 1,): one per chunk, 0 for a chunk that is not stored, then that
        of the index.

    Raises
    ------
    ValueError
        The bytes are no such shard.
    """
    index_bytes = ENTRY_BYTES * chunks_per_shard + CHECKSUM_BYTES
    if len(content) < index_bytes:
        raise ValueError(f"a shard of {len(content)} bytes has no index")
    index = content[-index_bytes:]
    entries = np.frombuffer(index[:-CHECKSUM_BYTES], "<u8").reshape(-1, 2)
    checksums = np.zeros(chunks_per_shard + 1, np.uint32)
    for chunk, (offset, size) in enumerate(entries.tolist()):
        if offset != NOT_STORED:
            end = offset + size
            trailer = content[end - CHECKSUM_BYTES : end]
            checksums[chunk] = int.from_bytes(trailer, "little")
    checksums[-1] = int.from_bytes(index[-CHECKSUM_BYTES:], "little")
    return checksums


def checksums_shape(metadata: Mapping[str, Any]) -> tuple[int, int]:
    """Return the shape of the checksums of a sharded array, from its `zarr.json`."""
    shard = metadata["chunk_grid"]["configuration"]["chunk_shape"][0]
    chunk = metadata["codecs"][0]["configuration"]["chunk_shape"][0]
    return -(-metadata["shape"][0] // shard), shard // chunk + 1
