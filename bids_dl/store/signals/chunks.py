"""Read windows of ``signals`` into given arrays, and verify each chunk.

zarr-python reads the chunks only if they have codecs that are not supported here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import cached_property
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from bids_dl.remote.byte_range import Bytes
from bids_dl.remote.caching.cache import Cache
from bids_dl.remote.checksum import CHECKSUM_BYTES, crc32c, crc32c_of_parts
from bids_dl.remote.location import Location
from bids_dl.remote.ranges import RangeReader
from bids_dl.store.checking.identity import UNKNOWN_STORE, StoreIdentity
from bids_dl.store.format import SIGNALS
from bids_dl.store.read_errors import ReadErrors
from bids_dl.store.signals.chunk_checksums import Checksums
from bids_dl.store.signals.chunk_errors import ChunkErrors
from bids_dl.store.signals.chunk_layout import (
    ChunkLayout,
    parse_chunk_layout,
    scale_factor,
    windows_per_chunk,
)
from bids_dl.store.signals.direct_windows import (
    arrays_of_chunk,
    has_single_windows,
    is_direct,
)
from bids_dl.store.signals.local_bytes import ShardFiles, fill_arrays
from bids_dl.store.signals.mapped_windows import MappedShards, MappedWindows
from bids_dl.store.signals.requested_chunks import RequestedChunks
from bids_dl.store.signals.shard_index import ShardIndexes
from bids_dl.store.signals.stored_chunk import BytesRead, Scratch, StoredChunk, decompress
from bids_dl.store.signals.verified_windows import place_verified_windows, read_verified_windows
from bids_dl.store.signals.window_checksums import WindowChecksums, running_checksums
from bids_dl.store.signals.window_copies import Change, Destination, copy_windows, place_windows
from bids_dl.store.signals.zarr_chunks import ZarrChunks


class ChunkReader:
    """Reads chunks of a store's ``signals``.

    Any thread may read. No file stays open between two reads, except those of maps.

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
        errors = ReadErrors(location, identity.root_sha256)
        self._errors = ChunkErrors(errors, self.shape[0], self.windows_per_chunk)
        self._spare: deque[Scratch] = deque()
        self._zarr_chunks = ZarrChunks(location)
        self._window_checksums = WindowChecksums(self.n_chunks, self.windows_per_chunk)
        self._layout = parse_chunk_layout(metadata)
        self._checksums: Checksums | None = None
        if self._layout is not None:
            if self._layout.is_checked and self._layout.is_index_checked:
                self._checksums = identity.checksums
            self._indexes = ShardIndexes(self._layout, self._ranges, self._errors, self._checksums)
            self._maps = MappedShards(location, self._layout)

    @property
    def n_chunks(self) -> int:
        """Number of chunks."""
        return -(-self.shape[0] // self.windows_per_chunk)

    @cached_property
    def is_local(self) -> bool:
        """True if the store is on disk."""
        return self.location.is_local

    def map(self, chunks: npt.NDArray[np.int64]) -> MappedWindows | None:
        """Map chunks (n_chunks,), None unless all were verified and can be mapped."""
        layout = self._layout
        if layout is None or not self.is_local or not has_single_windows(layout):
            return None
        verified = self._window_checksums
        if not verified.knows(chunks).all():
            return None
        shards = self._maps.map(np.unique(chunks // layout.chunks_per_shard).tolist())
        if shards is None:
            return None
        return MappedWindows(self.location, layout, shards, verified, self._errors)

    @property
    def int16_resolution(self) -> float | None:
        """µV of one integer if windows can be read as int16, else None."""
        if self._layout is None or self._layout.dtype != np.int16:
            return None
        return self._layout.scale

    @property
    def can_request(self) -> bool:
        """True if chunks can be requested before they are read."""
        return self._layout is not None and self._ranges.can_request

    def load_indexes(self, chunks: Sequence[int]) -> None:
        """Read the indexes of the shards of chunks at once. Errors are those of `read`."""
        if self._layout is not None:
            self._indexes.load(chunks)

    def request(self, chunks: Sequence[int]) -> RequestedChunks:
        """Request chunks of a server, to be read by any thread. Close them if they are not read.

        Raises
        ------
        ValueError
            `can_request` is false.
        DamagedStoreError, StoreError
            The index of a shard cannot be read.
        """
        if self._layout is None:
            raise ValueError(f"{self.location.url}: chunks with codecs of zarr-python")
        ranges = self._indexes.byte_ranges(sorted(chunks))
        stored = [byte_range for byte_range in ranges if byte_range is not None]
        return RequestedChunks(ranges, self._ranges.request(stored))

    def read(
        self,
        chunks: Sequence[int],
        destinations: Sequence[Sequence[Destination]],
        change: Change | None = None,
        requested: RequestedChunks | None = None,
    ) -> list[BytesRead]:
        """Read and verify chunks, and copy their windows into batches.

        Parameters
        ----------
        chunks
            Numbers of the chunks.
        destinations
            Destinations of the windows of each chunk; other windows of it are skipped.
        change
            Changes float32 windows in place before they are copied, given their rows of the store.
        requested
            These chunks, if they were requested before.

        Returns
        -------
        list of BytesRead
            Bytes of the chunks, in any order. Once a chunk on disk was verified, only the windows
            with a destination are read if these are few.

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
            return [self._read_with_zarr(chunk, targets, change) for chunk, targets in pairs]
        scratch = self._take_scratch(layout)
        try:
            if self.is_local:
                return self._read_local(layout, scratch, chunks, destinations, change)
            return self._read_remote(layout, scratch, chunks, destinations, change, requested)
        finally:
            self._spare.append(scratch)

    def _read_local(
        self,
        layout: ChunkLayout,
        scratch: Scratch,
        chunks: Sequence[int],
        destinations: Sequence[Sequence[Destination]],
        change: Change | None,
    ) -> list[BytesRead]:
        """Read chunks from disk, one after the other."""
        sizes = []
        with ShardFiles(self.location) as files:
            if change is None:
                known, others = self._read_verified(layout, files, chunks, destinations)
                sizes += known
                chunks = [chunks[index] for index in others]
                destinations = [destinations[index] for index in others]
            ranges = self._indexes.byte_ranges(chunks)
            for chunk, byte_range, targets in zip(chunks, ranges, destinations, strict=True):
                if byte_range is None:
                    sizes.append(self._copy_fill_value(layout, chunk, targets, change))
                    continue
                stored = StoredChunk(chunk, byte_range)
                if change is None and is_direct(layout, targets):
                    sizes.append(self._read_directly(layout, files, scratch, stored, targets))
                    continue
                content = scratch.content[: byte_range.size]
                self._fill(files, stored, [content], content.nbytes)
                values = self._decode(layout, content, scratch, stored)
                changed = self._change_of(chunk, change)
                copy_windows(values, targets, layout.scale, changed, scratch.microvolts)
                n_bytes = byte_range.size
                sizes.append(BytesRead.of_whole_chunk(n_bytes, targets, self.windows_per_chunk))
        return sizes

    def _read_remote(
        self,
        layout: ChunkLayout,
        scratch: Scratch,
        chunks: Sequence[int],
        destinations: Sequence[Sequence[Destination]],
        change: Change | None,
        requested: RequestedChunks | None,
    ) -> list[BytesRead]:
        """Request chunks at once, in the order of the store, and receive one after the other."""
        by_number = sorted(zip(chunks, destinations, strict=True), key=itemgetter(0))
        in_order = [chunk for chunk, _ in by_number]
        ranges = requested.ranges if requested else self._indexes.byte_ranges(in_order)
        sizes = []
        reads: list[tuple[StoredChunk, Sequence[Destination], list[npt.NDArray[Any]]]] = []
        may_be_direct = change is None and self._ranges.cache is None
        for byte_range, (chunk, targets) in zip(ranges, by_number, strict=True):
            if byte_range is None:
                sizes.append(self._copy_fill_value(layout, chunk, targets, change))
                continue
            arrays: list[npt.NDArray[Any]] = [scratch.content[: byte_range.size]]
            if may_be_direct and is_direct(layout, targets):
                arrays = arrays_of_chunk(layout, scratch, place_windows(targets))
            reads.append((StoredChunk(chunk, byte_range), targets, arrays))
        memory = [arrays for _, _, arrays in reads]
        if requested is None:
            filled = self._ranges.fill([stored.byte_range for stored, _, _ in reads], memory)
        else:
            filled = self._ranges.receive(requested.stored, memory)
        with closing(filled):
            for failure, (stored, targets, arrays) in zip(filled, reads, strict=True):
                if failure is not None:
                    raise self._errors.from_failure(failure, stored)
                if len(arrays) > 1:
                    if layout.is_checked:
                        self._errors.check(stored, crc32c_of_parts(arrays[:-1]), arrays[-1])
                else:
                    values = self._decode(layout, arrays[0], scratch, stored)
                    changed = self._change_of(stored.number, change)
                    copy_windows(values, targets, layout.scale, changed, scratch.microvolts)
                n_bytes = stored.byte_range.size
                sizes.append(BytesRead.of_whole_chunk(n_bytes, targets, self.windows_per_chunk))
        return sizes

    def _copy_fill_value(
        self,
        layout: ChunkLayout,
        chunk: int,
        destinations: Sequence[Destination],
        change: Change | None,
    ) -> BytesRead:
        """Copy the windows of a chunk that is not stored, because all its numbers are equal."""
        values = np.full(layout.chunk_shape, layout.fill, layout.dtype)
        copy_windows(values, destinations, layout.scale, self._change_of(chunk, change))
        return BytesRead(0, 0)

    def _change_of(self, chunk: int, change: Change | None) -> Change | None:
        """Return a change that takes positions within a chunk in place of rows of the store."""
        if change is None:
            return None
        first_row = chunk * self.windows_per_chunk
        return lambda windows, positions: change(windows, positions + first_row)

    def _fill(
        self,
        files: ShardFiles,
        stored: StoredChunk,
        arrays: Sequence[npt.NDArray[Any]],
        size: int,
    ) -> None:
        """Fill arrays with the ``size`` bytes of a chunk on disk.

        The file is regular, because the index of its shard was read.
        """
        byte_range = stored.byte_range
        try:
            fill_arrays(files.open(byte_range.name), byte_range.start, arrays, size)
        except (OSError, EOFError) as failure:
            raise self._errors.from_failure(failure, stored) from None

    def _read_directly(
        self,
        layout: ChunkLayout,
        files: ShardFiles,
        scratch: Scratch,
        stored: StoredChunk,
        destinations: Sequence[Destination],
    ) -> BytesRead:
        """Read windows from the file into their batches, without a copy in between.

        The bytes are verified in their batches, while they are in the processor's cache.
        """
        placed = place_windows(destinations)
        arrays = arrays_of_chunk(layout, scratch, placed)
        self._fill(files, stored, arrays, layout.max_stored_bytes)
        if layout.is_checked:
            self._verify_windows(stored, arrays[:-1], arrays[-1])
        n_bytes = stored.byte_range.size
        return BytesRead(n_bytes, round(n_bytes * len(placed) / self.windows_per_chunk))

    def _verify_windows(
        self, stored: StoredChunk, windows: Sequence[npt.NDArray[Any]], trailer: Bytes
    ) -> None:
        """Verify a chunk on disk, given its windows, and remember the checksum of each."""
        checksums = running_checksums(windows)
        self._errors.check(stored, checksums[-1], trailer)
        self._window_checksums.add(stored.number, stored.byte_range.start, checksums)

    def _read_verified(
        self,
        layout: ChunkLayout,
        files: ShardFiles,
        chunks: Sequence[int],
        destinations: Sequence[Sequence[Destination]],
    ) -> tuple[list[BytesRead], Sequence[int]]:
        """Read the windows of chunks that were verified before, if only few of each are used.

        Return their bytes, and the indices of the other chunks.
        """
        verified = self._window_checksums
        placed = place_verified_windows(layout, verified, chunks, destinations)
        n_bytes = read_verified_windows(layout, verified, files, placed, self._errors)
        return [BytesRead(n_bytes, n_bytes)] if n_bytes else [], placed.others

    def _decode(
        self, layout: ChunkLayout, content: Bytes, scratch: Scratch, stored: StoredChunk
    ) -> npt.NDArray[Any]:
        """Verify and decode a chunk. The result is in ``scratch`` or in ``content``."""
        if layout.is_checked:
            trailer = content[-CHECKSUM_BYTES:]
            content = content[:-CHECKSUM_BYTES]
            if self.is_local and has_single_windows(layout):
                windows = list(content.reshape(layout.chunk_shape[0], -1))
                self._verify_windows(stored, windows, trailer)
            else:
                self._errors.check(stored, crc32c(content), trailer)
        if scratch.numbers is None:
            return content.view(layout.dtype).reshape(layout.chunk_shape)
        try:
            decompress(content, scratch.numbers)
        except (ValueError, RuntimeError) as failure:
            raise self._errors.from_failure(failure, stored) from None
        return scratch.numbers

    def _read_with_zarr(
        self, chunk: int, destinations: Sequence[Destination], change: Change | None
    ) -> BytesRead:
        """Read a chunk with zarr-python. The bytes are those of the decoded chunk."""
        start, stop = self._errors.rows(chunk)
        try:
            values = self._zarr_chunks.read(start, stop)
        except (OSError, ValueError, RuntimeError) as failure:
            subject = f"chunk {chunk} of {SIGNALS}"
            raise self._errors.store.from_failure(failure, subject, (start, stop)) from failure
        copy_windows(values, destinations, self._scale, self._change_of(chunk, change))
        return BytesRead.of_whole_chunk(values.nbytes, destinations, self.windows_per_chunk)

    def _take_scratch(self, layout: ChunkLayout) -> Scratch:
        """Take memory that no other thread uses."""
        try:
            return self._spare.pop()
        except IndexError:
            return Scratch.of_layout(layout)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_spare": deque()}
