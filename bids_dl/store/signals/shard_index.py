"""Indexes of shards: where each chunk is within the object of its shard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
import numpy.typing as npt

from bids_dl.errors import StoreError
from bids_dl.remote.byte_range import ByteRange, Bytes
from bids_dl.remote.checksum import ends_as_expected, has_valid_crc32c
from bids_dl.remote.ranges import RangeReader
from bids_dl.store.read_errors import Rows
from bids_dl.store.signals.chunk_checksums import Checksums
from bids_dl.store.signals.chunk_errors import ChunkErrors
from bids_dl.store.signals.chunk_layout import ENTRY_BYTES, NOT_STORED, ChunkLayout
from bids_dl.store.signals.stored_chunk import StoredChunk

Index = npt.NDArray[np.uint64]  # (chunks_per_shard, 2): offset and size of each chunk of a shard


class ShardIndexes:
    """Indexes of the shards of ``signals``, each read once by the first thread that needs it.

    Parameters
    ----------
    errors
        Errors of its chunks.
    checksums
        Checksums that the indexes must end with; None if they are unknown.
    """

    def __init__(
        self,
        layout: ChunkLayout,
        ranges: RangeReader,
        errors: ChunkErrors,
        checksums: Checksums | None = None,
    ) -> None:
        self._layout = layout
        self._ranges = ranges
        self._errors = errors
        self._checksums = checksums
        self._indexes: dict[int, Index] = {}  # by shard
        self._pending: dict[int, Future[Index]] = {}  # by shard; resolved by the thread that reads

    def byte_ranges(self, chunks: Sequence[int]) -> list[ByteRange | None]:
        """Return the byte range of each chunk, or None if it is all fill value and not stored.

        Errors are those of `load`, also if a chunk has more bytes than it can have.
        """
        layout = self._layout
        indexes = self.load(chunks)
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
                problem = f"{StoredChunk(chunk, byte_range)} has {size} bytes"
                raise self._errors.damaged(problem, chunk)
            ranges.append(byte_range)
        return ranges

    def load(self, chunks: Sequence[int]) -> Mapping[int, Index]:
        """Read the indexes of the shards of chunks at once, and return all that were ever read.

        Raises
        ------
        DamagedStoreError
            An index is missing or damaged.
        StoreError
            The store cannot be reached, or the thread that reads was interrupted.
        """
        shards = {chunk // self._layout.chunks_per_shard for chunk in chunks}
        missing = sorted(shard for shard in shards if shard not in self._indexes)
        if not missing:
            return self._indexes
        candidates: dict[int, Future[Index]] = {shard: Future() for shard in missing}
        futures: dict[int, Future[Index]] = {}
        try:
            for shard, candidate in candidates.items():
                # the first thread's future stays, and this thread then waits for it
                futures[shard] = self._pending.setdefault(shard, candidate)
            claimed = [shard for shard in missing if futures[shard] is candidates[shard]]
            contents = self._ranges.read([self._byte_range(shard) for shard in claimed])
            for shard, content in zip(claimed, contents, strict=True):
                candidates[shard].set_result(self._parse(shard, content))
        except BaseException as failure:
            self._release(candidates, failure)
            raise
        for shard, future in futures.items():
            self._indexes[shard] = future.result()
        return self._indexes

    def _release(self, candidates: Mapping[int, Future[Index]], failure: BaseException) -> None:
        """Report a failure to the threads that wait, and let another loop try again."""
        if isinstance(failure, Exception):
            reported = failure
        else:
            reported = StoreError(f"{self._ranges.location.url}: reading was interrupted")
        for shard, candidate in candidates.items():
            if self._pending.get(shard) is candidate and not candidate.done():
                del self._pending[shard]
                candidate.set_exception(reported)

    def _byte_range(self, shard: int) -> ByteRange:
        size = self._layout.index_bytes
        start = -size if self._layout.index_at_end else 0
        expected = None if self._checksums is None else int(self._checksums[shard, -1])
        return ByteRange(self._layout.object_name(shard), start, size, expected)

    def _parse(self, shard: int, content: Bytes | Exception) -> Index:
        """Return the index of a shard from its bytes, after checking them."""
        name = self._layout.object_name(shard)
        if isinstance(content, Exception):
            raise self._errors.store.from_failure(content, f"shard {name}", self._rows(shard))
        if self._layout.is_index_checked and not has_valid_crc32c(content):
            problem = f"the index of shard {name} does not match its checksum"
            raise self._errors.store.damaged(problem, self._rows(shard))
        if not ends_as_expected(content, self._byte_range(shard)):
            raise self._errors.store.misplaced(f"the index of shard {name}", self._rows(shard))
        entries = content[: ENTRY_BYTES * self._layout.chunks_per_shard]
        return entries.view("<u8").reshape(-1, 2)

    def _rows(self, shard: int) -> Rows:
        """Return the rows of the window table that a shard holds."""
        size = self._layout.chunks_per_shard * self._layout.chunk_shape[0]
        start = min(shard * size, self._errors.n_windows)
        return start, min(start + size, self._errors.n_windows)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_indexes": {}, "_pending": {}}
