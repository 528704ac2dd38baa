"""Read windows of ``signals`` into given arrays, and verify each chunk.

zarr-python reads the chunks only if they have codecs that are not supported here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from io import FileIO
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import zarr
from numcodecs import blosc

from bids_dl.errors import BidsDlError
from bids_dl.remote.byte_range import ByteRange, Bytes
from bids_dl.remote.caching.cache import Cache
from bids_dl.remote.checksum import (
    CHECKSUM_BYTES,
    crc32c,
    stored_crc32c,
)
from bids_dl.remote.location import Location
from bids_dl.remote.ranges import RangeReader, fill, open_local
from bids_dl.store.checking.identity import UNKNOWN_STORE, StoreIdentity
from bids_dl.store.format import SIGNALS
from bids_dl.store.read_errors import ReadErrors, Rows
from bids_dl.store.signals.chunk_checksums import Checksums
from bids_dl.store.signals.chunk_layout import (
    NOT_STORED,
    ChunkLayout,
    parse_chunk_layout,
    scale_factor,
    windows_per_chunk,
)
from bids_dl.store.signals.shard_index import ShardIndexes
from bids_dl.store.zarr_store import LocationStore

Indices = npt.NDArray[np.int64]
DIRECT_BYTES = 131_072
"""Size from which a window is read directly into its batch; so much at a time fits into the
processor's cache."""
BLOSC_HEADER = np.dtype([("kind", "<u4"), ("size", "<u4"), ("block", "<u4"), ("stored", "<u4")])
"""Header of blosc 1, sizes in bytes.

See https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst.
"""


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


class Scratch(NamedTuple):
    """Memory of one read, reused by the next, so that it stays in the processor's cache."""

    content: Bytes  # a chunk as it is stored
    numbers: npt.NDArray[Any] | None  # and decompressed; None if chunks are not compressed


class StoredChunk(NamedTuple):
    """A chunk and its byte range."""

    number: int
    byte_range: ByteRange

    def __str__(self) -> str:
        return f"chunk {self.number} of {SIGNALS} (in {self.byte_range.name})"


class ChunkReader:
    """Reads chunks of a store's ``signals``.

    Any thread may read. No file stays open between two reads.

    Parameters
    ----------
    location
        Location of the store. Each process opens its own reader.
    metadata
        `zarr.json` of ``signals``.
    cache
        Cache of what is read, only if the metadata `is_cacheable`; None if the store is local.
    identity
        What ties the chunks to the store; by default, a chunk is compared with its own checksum
        only.

    Attributes
    ----------
    shape
        (n_windows, n_chans, n_times).
    windows_per_chunk
        Windows that are read and decoded together; the last chunk may hold fewer.
    """

    def __init__(
        self,
        location: Location,
        metadata: Mapping[str, Any],
        cache: Cache | None = None,
        identity: StoreIdentity = UNKNOWN_STORE,
    ) -> None:
        self.location = location
        self.shape: tuple[int, int, int] = tuple(metadata["shape"])
        self.windows_per_chunk = windows_per_chunk(metadata)
        self._scale = scale_factor(metadata)
        self._ranges = RangeReader(location, cache)
        self._errors = ReadErrors(location, identity.root_sha256)
        self._spare: deque[Scratch] = deque()
        self._layout = parse_chunk_layout(metadata)
        self._checksums: Checksums | None = None
        if self._layout is not None:
            if self._layout.is_checked and self._layout.is_index_checked:
                self._checksums = identity.checksums
            self._indexes = ShardIndexes(
                self._layout, self.shape[0], self._ranges, self._errors, self._checksums
            )

    @cached_property
    def _array(self) -> zarr.Array[Any]:
        return zarr.open_array(LocationStore(self.location.child(SIGNALS)), mode="r")

    @property
    def n_chunks(self) -> int:
        """Number of chunks."""
        return -(-self.shape[0] // self.windows_per_chunk)

    @cached_property
    def is_local(self) -> bool:
        """True if the store is on disk."""
        return self.location.is_local

    @property
    def int16_resolution(self) -> float | None:
        """µV of one integer if windows can be read as int16, else None."""
        if self._layout is None or self._layout.dtype != np.int16:
            return None
        return self._layout.scale

    def read(
        self, chunks: Sequence[int], destinations: Sequence[Sequence[Destination]]
    ) -> list[int]:
        """Read and verify chunks, and copy their windows into batches.

        Parameters
        ----------
        chunks
            Numbers of the chunks.
        destinations
            Destinations of the windows of each chunk; other windows of it are skipped.

        Returns
        -------
        list of int
            Bytes of each chunk as it is stored.

        Raises
        ------
        DamagedStoreError
            A chunk is missing, or its bytes differ from those written.
        StoreError
            The store cannot be reached.
        """
        layout = self._layout
        if layout is None:
            pairs = zip(chunks, destinations, strict=True)
            return [self._read_with_zarr(chunk, targets) for chunk, targets in pairs]
        ranges = self._byte_ranges(layout, chunks)
        is_direct = (
            self.is_local
            and layout.is_plain
            and layout.decoded_bytes >= DIRECT_BYTES * self.windows_per_chunk
        )
        scratch = self._take_scratch(layout)
        try:
            contents = self._contents(chunks, ranges, scratch)
            for chunk, byte_range, targets in zip(chunks, ranges, destinations, strict=True):
                if byte_range is None:
                    values = np.full(layout.chunk_shape, layout.fill, layout.dtype)
                    _copy_windows(values, targets, layout.scale)
                    continue
                stored = StoredChunk(chunk, byte_range)
                if is_direct:
                    self._read_directly(layout, scratch, stored, targets)
                else:
                    values = self._decode(layout, next(contents), scratch, stored)
                    _copy_windows(values, targets, layout.scale)
        finally:
            self._spare.append(scratch)
        return [0 if byte_range is None else byte_range.size for byte_range in ranges]

    def _byte_ranges(self, layout: ChunkLayout, chunks: Sequence[int]) -> list[ByteRange | None]:
        """Return the byte range of each chunk, or None if it is all fill value and not stored."""
        indexes = self._indexes.load({chunk // layout.chunks_per_shard for chunk in chunks})
        ranges: list[ByteRange | None] = []
        for chunk in chunks:
            shard, position = divmod(chunk, layout.chunks_per_shard)
            offset, size = indexes[shard][position].tolist()
            if offset == NOT_STORED and size == NOT_STORED:
                ranges.append(None)
                continue
            expected = None
            if self._checksums is not None:
                expected = int(self._checksums[shard, position])
            byte_range = ByteRange(layout.object_name(shard), offset, size, expected)
            if not layout.fits(size):
                stored = StoredChunk(chunk, byte_range)
                raise self._errors.damaged(f"{stored} has {size} bytes", self._rows(chunk))
            ranges.append(byte_range)
        return ranges

    def _contents(
        self, chunks: Sequence[int], ranges: Sequence[ByteRange | None], scratch: Scratch
    ) -> Iterator[Bytes]:
        """Yield the bytes of each stored chunk, valid until the next."""
        stored_chunks = []
        for chunk, byte_range in zip(chunks, ranges, strict=True):
            if byte_range is not None:
                stored_chunks.append(StoredChunk(chunk, byte_range))
        if not self.is_local:
            contents = self._ranges.read([stored.byte_range for stored in stored_chunks])
            for stored, content in zip(stored_chunks, contents, strict=True):
                if isinstance(content, Exception):
                    raise self._read_error(content, stored)
                yield content
            return
        for stored in stored_chunks:
            content = scratch.content[: stored.byte_range.size]
            with self._open(stored) as file:
                fill(file, content)
            yield content

    @contextmanager
    def _open(self, stored: StoredChunk) -> Iterator[FileIO]:
        """Open the file of a chunk at its first byte.

        Failures inside the context name the chunk.
        """
        try:
            # the index of its shard was read before
            with open_local(self.location, stored.byte_range, is_regular=True) as file:
                yield file
        except (OSError, EOFError) as failure:
            raise self._read_error(failure, stored) from None

    def _read_directly(
        self,
        layout: ChunkLayout,
        scratch: Scratch,
        stored: StoredChunk,
        destinations: Sequence[Destination],
    ) -> None:
        """Read large windows from the file into their batches, without a copy in between.

        The checksum is computed while the bytes are in the processor's cache.
        """
        end = layout.decoded_bytes
        # windows without a destination are read into the scratch memory
        windows = list(scratch.content[:end].reshape(self.windows_per_chunk, -1))
        for chunk_rows, batch_rows, batch in destinations:
            for chunk_row, batch_row in zip(chunk_rows.tolist(), batch_rows.tolist(), strict=True):
                windows[chunk_row] = batch[batch_row].reshape(-1).view(np.uint8)
        trailer = scratch.content[end : end + CHECKSUM_BYTES * layout.is_checked]
        checksum = 0
        with self._open(stored) as file:
            for window in windows:
                for start in range(0, len(window), DIRECT_BYTES):
                    part = window[start : start + DIRECT_BYTES]
                    fill(file, part)
                    if layout.is_checked:
                        checksum = crc32c(part, checksum)
            fill(file, trailer)
        if layout.is_checked:
            self._check(stored, checksum, trailer)

    def _decode(
        self, layout: ChunkLayout, content: Bytes, scratch: Scratch, stored: StoredChunk
    ) -> npt.NDArray[Any]:
        """Verify and decode a chunk. The result is in ``scratch`` or in ``content``."""
        if layout.is_checked:
            trailer = content[-CHECKSUM_BYTES:]
            content = content[:-CHECKSUM_BYTES]
            self._check(stored, crc32c(content), trailer)
        if scratch.numbers is None:
            return content.view(layout.dtype).reshape(layout.chunk_shape)
        try:
            header = np.frombuffer(content, BLOSC_HEADER, 1)[0]
            if header["size"] != layout.decoded_bytes or header["stored"] != len(content):
                raise ValueError("the header belongs to other bytes")
            blosc.decompress(content, scratch.numbers)
        except (ValueError, RuntimeError) as failure:
            raise self._read_error(failure, stored) from None
        return scratch.numbers

    def _read_with_zarr(self, chunk: int, destinations: Sequence[Destination]) -> int:
        """Read a chunk with zarr-python. Return its bytes when decoded."""
        start, stop = self._rows(chunk)
        try:
            values = np.asarray(self._array[start:stop])
        except (OSError, ValueError, RuntimeError) as failure:
            subject = f"chunk {chunk} of {SIGNALS}"
            raise self._errors.from_failure(failure, subject, (start, stop)) from failure
        _copy_windows(values, destinations, self._scale)
        return values.nbytes

    def _take_scratch(self, layout: ChunkLayout) -> Scratch:
        """Take memory that no other thread uses."""
        try:
            return self._spare.pop()
        except IndexError:
            content = np.empty(layout.max_stored_bytes, np.uint8)
            numbers = None
            if layout.is_compressed:
                numbers = np.empty(layout.chunk_shape, layout.dtype)
            return Scratch(content, numbers)

    def _rows(self, chunk: int) -> Rows:
        """Return the rows of the window table that a chunk holds."""
        start = min(chunk * self.windows_per_chunk, self.shape[0])
        return start, min(start + self.windows_per_chunk, self.shape[0])

    def _read_error(self, failure: Exception, stored: StoredChunk) -> BidsDlError:
        return self._errors.from_failure(failure, str(stored), self._rows(stored.number))

    def _check(self, stored: StoredChunk, checksum: int, trailer: Bytes) -> None:
        """Compare the checksum of a chunk with its trailer, and with that of the chunk expected."""
        stated = stored_crc32c(trailer)
        if checksum != stated:
            problem = f"{stored} does not match its checksum"
            raise self._errors.damaged(problem, self._rows(stored.number))
        expected = stored.byte_range.crc32c
        if expected is not None and stated != expected:
            raise self._errors.misplaced(str(stored), self._rows(stored.number))

    def __getstate__(self) -> dict[str, Any]:
        state = {**self.__dict__, "_spare": deque()}
        state.pop("_array", None)  # because its connections belong to this process
        return state


def _copy_windows(
    values: npt.NDArray[Any], destinations: Sequence[Destination], scale: float
) -> None:
    """Copy windows of a chunk into their batches. The last chunk is padded to full length."""
    for chunk_rows, batch_rows, batch in destinations:
        windows = values if len(chunk_rows) == len(values) else values[chunk_rows]
        if scale != 1 and batch.dtype == np.float32:
            windows = np.multiply(windows, np.float32(scale), dtype=np.float32)
        batch[batch_rows] = windows
