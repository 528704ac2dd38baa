"""Windows of ``signals`` into given memory, each chunk checked; zarr-python stays for codecs unknown here."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence, Set
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cached_property
from io import FileIO
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import zarr
from numcodecs import blosc

from bids_dl.errors import DamagedStoreError, StoreError
from bids_dl.remote.byte_range import ByteRange
from bids_dl.remote.cache import Cache, fetch_through
from bids_dl.remote.checksum import CHECKSUM_BYTES, crc32c, has_valid_crc32c, stored_crc32c
from bids_dl.remote.location import Location
from bids_dl.remote.ranges import Bytes, fill, open_local
from bids_dl.store.chunk_layout import ChunkLayout, layout, scale_factor, windows_per_chunk
from bids_dl.store.format import SIGNALS
from bids_dl.store.zarr_store import LocationStore

Indices = npt.NDArray[np.int64]
Index = npt.NDArray[np.uint64]  # (chunks_per_shard, 2): offset and size of each chunk of a shard
ABSENT = (1 << 64) - 1  # offset and length of a chunk that is all fill value
ABSENT_OBJECT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
LARGE_WINDOW = 131_072  # bytes, from which a window is read to where it is wanted; so many at a time, which caches hold
BLOSC_HEADER = np.dtype(
    [("kind", "<u4"), ("size", "<u4"), ("block", "<u4"), ("stored", "<u4")]
)  # in bytes


class Part(NamedTuple):
    """Windows of one chunk that go to one array.

    Attributes
    ----------
    places
        (n,): which windows of the chunk, ascending, each once.
    slots
        (n,): where they go in ``into``.
    into
        (n_slots, n_chans, n_times): float32, filled in µV; or int16, filled with the numbers of the store.
    """

    places: Indices
    slots: Indices
    into: npt.NDArray[Any]


class Scratch(NamedTuple):
    """Memory that a read works in and the next one uses again, so that it stays in the processor's cache."""

    content: Bytes  # a chunk as it is stored
    numbers: npt.NDArray[Any] | None  # and decompressed


class ChunkReader:
    """Reads chunks of a store's ``signals``; any thread may, and nothing stays open between two reads.

    Parameters
    ----------
    location
        Of the store. A process opens its own.
    metadata
        `zarr.json` of ``signals``.
    cache
        Of what is read; None where the store is local. Only for a layout that `can_be_kept`.

    Attributes
    ----------
    shape
        (n_windows, n_chans, n_times).
    windows_per_chunk
        Windows that are read and decoded together; the last chunk of a store may hold fewer.
    """

    def __init__(
        self, location: Location, metadata: Mapping[str, Any], cache: Cache | None = None
    ) -> None:
        self.location, self._cache = location, cache
        self.shape: tuple[int, int, int] = tuple(metadata["shape"])
        self.windows_per_chunk = windows_per_chunk(metadata)
        self._layout = layout(metadata)
        self._scale = scale_factor(metadata)
        self._indexes: dict[int, Index] = {}  # by shard
        self._claims: dict[int, Future[Index]] = {}  # each by the thread that reads it
        self._spare: deque[Scratch] = deque()

    @cached_property
    def _array(self) -> zarr.Array[Any]:
        return zarr.open_array(LocationStore(self.location.child(SIGNALS)), mode="r")

    @property
    def n_chunks(self) -> int:
        return -(-self.shape[0] // self.windows_per_chunk)

    @property
    def is_local(self) -> bool:
        return self.location.is_local

    @property
    def whole_number(self) -> float | None:
        """µV of one of the store's numbers where they can be asked for as int16."""
        return (
            self._layout.scale
            if self._layout is not None and self._layout.dtype == np.int16
            else None
        )

    def read(self, chunks: Sequence[int], wanted: Sequence[Sequence[Part]]) -> list[int]:
        """Read and check chunks, and put the windows of each where they are wanted; bytes of each as it is stored.

        Raises
        ------
        DamagedStoreError
            A chunk is missing, or its bytes are not the ones that were written.
        StoreError
            The store could not be reached.
        """
        if self._layout is None:
            return [
                self._read_with_zarr(chunk, parts)
                for chunk, parts in zip(chunks, wanted, strict=True)
            ]
        layout = self._layout
        indexes = self._load_indexes(layout, {chunk // layout.chunks_per_shard for chunk in chunks})
        requests = [self._request(layout, indexes, chunk) for chunk in chunks]
        stored = [
            (chunk, request)
            for chunk, request in zip(chunks, requests, strict=True)
            if request is not None
        ]
        straight = (
            self.is_local
            and layout.is_plain
            and layout.decoded_bytes >= LARGE_WINDOW * self.windows_per_chunk
        )
        try:
            scratch = self._spare.pop()
        except IndexError:
            scratch = _scratch(layout)
        try:
            contents = self._contents(stored, scratch)
            for chunk, request, parts in zip(chunks, requests, wanted, strict=True):
                if request is None:
                    _deliver(
                        np.full(layout.chunk_shape, layout.fill, layout.dtype), parts, layout.scale
                    )
                elif straight:
                    self._read_straight(layout, scratch, (chunk, request), parts)
                else:
                    _deliver(
                        self._decoded(layout, next(contents), scratch, (chunk, request)),
                        parts,
                        layout.scale,
                    )
        finally:
            self._spare.append(scratch)
        return [0 if request is None else request.size for request in requests]

    def _contents(
        self, stored: Sequence[tuple[int, ByteRange]], scratch: Scratch
    ) -> Iterator[Bytes]:
        """Content of each chunk in turn, good until the next."""
        if not self.is_local:
            contents = fetch_through(self._cache, self.location, [request for _, request in stored])
            for (chunk, request), content in zip(stored, contents, strict=True):
                if isinstance(content, Exception):
                    raise self._failure(content, _named(chunk, request), self._rows(chunk))
                yield content
            return
        for chunk, request in stored:
            content = scratch.content[: request.size]
            with self._opened((chunk, request)) as file:
                fill(file, content)
            yield content

    @contextmanager
    def _opened(self, place: tuple[int, ByteRange]) -> Iterator[FileIO]:
        """The file of a chunk, at its first byte; what fails while it is open names the chunk."""
        try:
            with open_local(self.location, place[1]) as file:
                yield file
        except (OSError, EOFError) as failure:
            raise self._failure(failure, _named(*place), self._rows(place[0])) from None

    def _read_straight(
        self,
        layout: ChunkLayout,
        scratch: Scratch,
        place: tuple[int, ByteRange],
        parts: Sequence[Part],
    ) -> None:
        """Large windows from the file to where they are wanted, checked while they are in the processor's cache."""
        end = layout.decoded_bytes
        windows = list(
            scratch.content[:end].reshape(self.windows_per_chunk, -1)
        )  # what nobody wants stays here
        for places, slots, into in parts:
            for number, slot in zip(places.tolist(), slots.tolist(), strict=True):
                windows[number] = into[slot].reshape(-1).view(np.uint8)
        checksum, found = scratch.content[end : end + CHECKSUM_BYTES * layout.checked], 0
        with self._opened(place) as file:
            for window in windows:
                for start in range(0, len(window), LARGE_WINDOW):
                    piece = window[start : start + LARGE_WINDOW]
                    fill(file, piece)
                    found = crc32c(piece, found) if layout.checked else found
            fill(file, checksum)
        if layout.checked and found != stored_crc32c(checksum):
            raise self._mismatch(place)

    def _decoded(
        self, layout: ChunkLayout, content: Bytes, scratch: Scratch, place: tuple[int, ByteRange]
    ) -> npt.NDArray[Any]:
        """Numbers of a chunk, in ``scratch`` or in ``content``."""
        if layout.checked:
            if not has_valid_crc32c(content):
                raise self._mismatch(place)
            content = content[:-CHECKSUM_BYTES]
        if scratch.numbers is None:
            return content.view(layout.dtype).reshape(layout.chunk_shape)
        try:
            header = np.frombuffer(content, BLOSC_HEADER, 1)[0]
            if (header["size"], header["stored"]) != (layout.decoded_bytes, len(content)):
                raise ValueError("the header belongs to other bytes")
            blosc.decompress(content, scratch.numbers)
        except (ValueError, RuntimeError) as failure:
            raise self._failure(failure, _named(*place), self._rows(place[0])) from None
        return scratch.numbers

    def _request(
        self, layout: ChunkLayout, indexes: Mapping[int, Index], chunk: int
    ) -> ByteRange | None:
        """What to fetch for a chunk; None where it is all fill value and was not stored."""
        shard, inside = divmod(chunk, layout.chunks_per_shard)
        offset, size = indexes[shard][inside].tolist()
        if offset == ABSENT and size == ABSENT:
            return None
        request = ByteRange(layout.name(shard), offset, size)
        if not layout.fits(size):
            raise self._damaged(f"{_named(chunk, request)} has {size} bytes", self._rows(chunk))
        return request

    def _load_indexes(self, layout: ChunkLayout, shards: Set[int]) -> Mapping[int, Index]:
        """Have the indexes of some shards; each is asked for once, by the thread that comes first."""
        missing = sorted(shard for shard in shards if shard not in self._indexes)
        if not missing:
            return self._indexes
        start = -layout.index_bytes if layout.index_at_end else 0
        claims: dict[int, Future[Index]] = {shard: Future() for shard in missing}
        try:
            held = {shard: self._claims.setdefault(shard, claim) for shard, claim in claims.items()}
            mine = [shard for shard in missing if held[shard] is claims[shard]]
            requests = [ByteRange(layout.name(shard), start, layout.index_bytes) for shard in mine]
            for shard, content in zip(
                mine, fetch_through(self._cache, self.location, requests), strict=True
            ):
                claims[shard].set_result(self._index(layout, shard, content))
        except BaseException as failure:
            told = (
                failure
                if isinstance(failure, Exception)
                else StoreError(f"{self.location.url}: reading was interrupted")
            )
            for shard, claim in claims.items():
                if self._claims.get(shard) is claim and not claim.done():
                    del self._claims[shard]  # so that another loop tries again
                    claim.set_exception(told)
            raise
        self._indexes |= {shard: index.result() for shard, index in held.items()}
        return self._indexes

    def _index(self, layout: ChunkLayout, shard: int, content: Bytes | Exception) -> Index:
        """(chunks_per_shard, 2): offset and size of each chunk of a shard."""
        rows = (
            self._rows(shard * layout.chunks_per_shard)[0],
            self._rows((shard + 1) * layout.chunks_per_shard - 1)[1],
        )
        if isinstance(content, Exception):
            raise self._failure(content, f"shard {layout.name(shard)}", rows)
        if layout.index_checked and not has_valid_crc32c(content):
            raise self._damaged(
                f"the index of shard {layout.name(shard)} does not match its checksum", rows
            )
        return content[: 16 * layout.chunks_per_shard].view("<u8").reshape(-1, 2)

    def _read_with_zarr(self, chunk: int, parts: Sequence[Part]) -> int:
        start, stop = self._rows(chunk)
        try:
            values = np.asarray(self._array[start:stop])
        except (OSError, ValueError, RuntimeError) as failure:
            raise self._failure(failure, f"chunk {chunk} of {SIGNALS}", (start, stop)) from failure
        _deliver(values, parts, self._scale)
        return values.nbytes

    def _rows(self, chunk: int) -> tuple[int, int]:
        """First window of a chunk and the first behind it."""
        start = min(chunk * self.windows_per_chunk, self.shape[0])
        return start, min(start + self.windows_per_chunk, self.shape[0])

    def _failure(
        self, failure: Exception, what: str, rows: tuple[int, int]
    ) -> DamagedStoreError | StoreError:
        if isinstance(failure, ABSENT_OBJECT):
            return self._damaged(f"{what} is missing", rows)
        if isinstance(failure, EOFError):
            return self._damaged(f"{what} is cut short", rows)
        if isinstance(failure, ValueError | RuntimeError):
            return self._damaged(f"{what} cannot be decoded", rows)
        if isinstance(failure, StoreError):
            return StoreError(f"{self.location.url}: {failure}")
        return StoreError(
            f"{self.location.url}: {what} cannot be read ({type(failure).__name__}); see that the store can be reached"
        )

    def _mismatch(self, place: tuple[int, ByteRange]) -> DamagedStoreError:
        return self._damaged(f"{_named(*place)} does not match its checksum", self._rows(place[0]))

    def _damaged(self, what: str, rows: tuple[int, int]) -> DamagedStoreError:
        names = self._recordings(rows)
        listed = (
            f", of {', '.join(names[:5])}"
            + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            if names
            else ""
        )
        return DamagedStoreError(
            f"{self.location.url}: {what}; it holds windows {rows[0]} to {rows[1] - 1}{listed}. Fetch or convert the store again"
        )

    def _recordings(self, rows: tuple[int, int]) -> list[str]:
        """Names of the recordings of some windows; none where this column is damaged too."""
        try:
            column = zarr.open_array(LocationStore(self.location.child("recording")), mode="r")
            names = np.asarray(column[slice(*rows)])
        except (OSError, ValueError, KeyError, RuntimeError, StoreError):
            return []
        return list(dict.fromkeys(map(str, names)))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_array"} | {
            "_spare": deque(),
            "_indexes": {},
            "_claims": {},
        }


def _deliver(values: npt.NDArray[Any], parts: Sequence[Part], scale: float) -> None:
    """Put windows where they are wanted. A chunk is as long as any, whatever of it lies within the store."""
    for places, slots, into in parts:
        windows = values if len(places) == len(values) else values[places]
        if scale != 1 and into.dtype == np.float32:
            windows = np.multiply(windows, np.float32(scale), dtype=np.float32)
        into[slots] = windows


def _named(chunk: int, request: ByteRange) -> str:
    return f"chunk {chunk} of {SIGNALS} (in {request.name})"


def _scratch(layout: ChunkLayout) -> Scratch:
    return Scratch(
        np.empty(layout.most_bytes, np.uint8),
        np.empty(layout.chunk_shape, layout.dtype) if layout.compressed else None,
    )
