"""A chunk as it is stored: its byte range, its memory, and its decompression."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bids_dl.remote.byte_range import ByteRange, Bytes
from bids_dl.store.format import SIGNALS
from bids_dl.store.signals.chunk_layout import ChunkLayout
from bids_dl.store.signals.window_copies import Destination, block_memory

BLOSC_HEADER = Struct("<4I")
"""Header of blosc 1: versions and flags, then bytes of the numbers, of a block and of the chunk.

See https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst.
"""


class BytesRead(NamedTuple):
    """Bytes of a chunk that were read, as stored, and those that held windows of destinations."""

    read: int
    used: int

    @classmethod
    def of_whole_chunk(
        cls, size: int, destinations: Sequence[Destination], windows_per_chunk: int
    ) -> BytesRead:
        """Create the bytes of a chunk that was read whole."""
        n_used = sum([len(target.chunk_rows) for target in destinations])
        return cls(size, round(size * n_used / windows_per_chunk))


class Scratch(NamedTuple):
    """Memory of one read, reused by the next, so that it stays in the processor's cache."""

    content: Bytes  # a chunk as it is stored
    numbers: npt.NDArray[Any] | None  # and decompressed; None if chunks are not compressed
    microvolts: npt.NDArray[np.float32]  # and converted, a block of windows at a time

    @classmethod
    def of_layout(cls, layout: ChunkLayout) -> Scratch:
        """Allocate memory for any chunk of an array. It is touched when it is used."""
        content = np.empty(layout.max_stored_bytes, np.uint8)
        microvolts = block_memory(layout.chunk_shape)
        if layout.is_compressed:
            return cls(content, np.empty(layout.chunk_shape, layout.dtype), microvolts)
        return cls(content, None, microvolts)


class StoredChunk(NamedTuple):
    """A chunk and its byte range."""

    number: int
    byte_range: ByteRange

    @classmethod
    def at_any_place(cls, layout: ChunkLayout, number: int) -> StoredChunk:
        """Create a chunk whose byte range is only needed to name its shard."""
        name = layout.object_name(number // layout.chunks_per_shard)
        return cls(number, ByteRange(name, 0, layout.max_stored_bytes))

    def __str__(self) -> str:
        return f"chunk {self.number} of {SIGNALS} (in {self.byte_range.name})"


def decompress(content: Bytes, numbers: npt.NDArray[Any]) -> None:
    """Decode a chunk of blosc into an array of its size.

    Raises
    ------
    ValueError, RuntimeError
        The bytes are no such chunk.
    """
    from numcodecs import blosc  # here, because stores of float32 do not need it

    if len(content) < BLOSC_HEADER.size:
        raise ValueError("it is shorter than a header")
    _, size, _, stored = BLOSC_HEADER.unpack(content[: BLOSC_HEADER.size].tobytes())
    if size != numbers.nbytes or stored != len(content):
        raise ValueError("the header belongs to other bytes")
    blosc.decompress(content, numbers)
