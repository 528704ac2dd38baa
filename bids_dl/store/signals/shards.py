"""Encode windows into the shards of a Zarr array, chunk by chunk: no shard is held in memory.

A shard consists of chunks, then their index, each followed by its CRC32C, as the codec
`sharding_indexed` specifies
(https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/index.html). The bytes are
those of zarr-python, which copies a shard four times and takes more than twice the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

import numpy as np
import numpy.typing as npt

from bids_dl.remote.byte_range import Bytes, as_bytes
from bids_dl.remote.checksum import CHECKSUM_BYTES, crc32c
from bids_dl.store.signals.chunk_checksums import Checksums
from bids_dl.store.signals.chunk_layout import NOT_STORED

Windows = npt.NDArray[Any]  # (n, n_chans, n_times): float32, int16 or bool
Compressor = Callable[[Windows], bytes]


@dataclass
class ShardEncoder:
    """Encodes windows into shards.

    Attributes
    ----------
    chunk_shape
        (windows, n_chans, n_times). Numbers are stored little-endian.
    compress
        Compresses a chunk; None stores it as it is.
    checksums
        Checksums of the shards so far, as `signals_crc32c` has them.
    n_windows
        Number of windows encoded so far.
    """

    chunk_shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks_per_shard: int
    compress: Compressor | None = None
    checksums: list[Checksums] = field(default_factory=list)
    n_windows: int = 0

    def encode(self, batches: Iterator[Windows]) -> Iterator[Iterator[Bytes]]:
        """Yield the bytes of each shard, piece by piece.

        A piece must be used before the next is asked for, and a shard before the next.

        Parameters
        ----------
        batches
            Windows in the order of the array, (n, n_chans, n_times) with any n.
        """
        chunks = regroup(batches, np.empty(self.chunk_shape, self.dtype.newbyteorder("<")))
        for first in chunks:
            yield self._encode_shard(chain([first], islice(chunks, self.chunks_per_shard - 1)))

    def _encode_shard(self, chunks: Iterator[Windows]) -> Iterator[Bytes]:
        """Yield the chunks of a shard and its index, each followed by its checksum."""
        index = np.full((self.chunks_per_shard, 2), NOT_STORED, "<u8")
        checksums = np.zeros(self.chunks_per_shard + 1, np.uint32)
        offset = 0
        for number, chunk in enumerate(chunks):
            content = self._encode_chunk(chunk)
            checksums[number] = checksum = crc32c(content)
            self.n_windows += len(chunk)
            yield content
            yield _trailer(checksum)
            index[number] = offset, len(content) + CHECKSUM_BYTES
            offset += len(content) + CHECKSUM_BYTES
        content = as_bytes(index)
        checksums[-1] = checksum = crc32c(content)
        self.checksums.append(checksums)
        yield content
        yield _trailer(checksum)

    def _encode_chunk(self, windows: Windows) -> Bytes:
        """Return the bytes of a chunk, filled up with zeros if it is the last one."""
        if len(windows) < self.chunk_shape[0]:
            chunk = np.zeros(self.chunk_shape, windows.dtype)
            chunk[: len(windows)] = windows
        else:
            chunk = windows
        if self.compress is None:
            return as_bytes(chunk)
        return np.frombuffer(self.compress(chunk), np.uint8)


def regroup(batches: Iterator[Windows], buffer: Windows) -> Iterator[Windows]:
    """Copy windows into a buffer, and yield it each time that it is full.

    At the end it may be filled in part. Windows are copied as they arrive, so that the memory of a
    batch is free for the next one: new memory takes longer to get than to fill.

    Examples
    --------
    >>> batches = iter([np.zeros(3), np.zeros(4)])
    >>> [len(windows) for windows in regroup(batches, np.empty(5))]
    [5, 2]
    """
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
                n_filled = 0
    if n_filled:
        yield buffer[:n_filled]


def _trailer(checksum: int) -> Bytes:
    return as_bytes(np.array(checksum, "<u4"))
