"""Chunks of ``signals`` into given memory, checked. The layout is parsed once; zarr-python stays for codecs unknown here."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import google_crc32c
import numpy as np
import numpy.typing as npt
import zarr

from bids_dl.errors import DamagedStoreError, StoreError
from bids_dl.store.format import SIGNALS
from bids_dl.store.location import Location
from bids_dl.store.ranges import Bytes, Request, fetch
from bids_dl.store.reader import zarr_store

Signals = npt.NDArray[np.float32]
ABSENT = (1 << 64) - 1  # offset and length of a chunk that is all fill value
CHECKSUM_BYTES = 4
ABSENT_OBJECT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the chunks of a sharded, uncompressed float32 array lie: what is read without zarr-python."""

    chunks_per_shard: int
    chunk_bytes: int  # without the checksum
    checked: bool  # a CRC32C follows each chunk
    index_checked: bool
    index_at_end: bool
    fill: float
    prefix: str  # of an object's name
    separator: str

    @property
    def index_bytes(self) -> int:
        return 16 * self.chunks_per_shard + CHECKSUM_BYTES * self.index_checked

    def name(self, shard: int) -> str:
        """Name of a shard's object, relative to the store."""
        return f"{SIGNALS}/{self.prefix}{self.separator.join((str(shard), '0', '0'))}"


class ChunkReader:
    """Reads chunks of a store's ``signals``; any thread may, and nothing stays open between two reads.

    Parameters
    ----------
    location
        Of the store. A process opens its own.
    metadata
        `zarr.json` of ``signals``.
    recordings
        Name of the recording of each window, for messages.

    Attributes
    ----------
    shape
        (n_windows, n_chans, n_times).
    windows_per_chunk
        Windows that are read and decoded together; the last chunk of a store may hold fewer.
    """

    def __init__(self, location: Location, metadata: Mapping[str, Any], *, recordings: npt.NDArray[Any]) -> None:
        self.location = location
        self.shape: tuple[int, int, int] = tuple(metadata["shape"])
        self.windows_per_chunk = windows_per_chunk(metadata)
        self._recordings = recordings
        self._layout = layout(metadata)
        self._indexes: dict[int, npt.NDArray[np.uint64]] = {}
        self._scale = float(metadata.get("attributes", {}).get("scale_factor", 1.0))

    @cached_property
    def _array(self) -> zarr.Array[Any]:
        return zarr.open_array(zarr_store(self.location.child(SIGNALS), read_only=True), mode="r")

    @property
    def n_chunks(self) -> int:
        return -(-self.shape[0] // self.windows_per_chunk)

    @property
    def is_local(self) -> bool:
        return self.location.is_local

    def read(self, chunks: Sequence[int], slots: Sequence[Signals]) -> None:
        """Read chunks, each into its slot: C-contiguous float32 (windows_per_chunk, n_chans, n_times), in µV.

        What lies behind the last window of the store is undefined.

        Raises
        ------
        DamagedStoreError
            A chunk is missing, or its bytes are not the ones that were written.
        StoreError
            The store could not be reached.
        """
        if self._layout is None:
            for chunk, slot in zip(chunks, slots, strict=True):
                self._read_with_zarr(chunk, slot)
            return
        self._load_indexes(self._layout, sorted({chunk // self._layout.chunks_per_shard for chunk in chunks}))
        requests: dict[int, Request] = {}
        for chunk, slot in zip(chunks, slots, strict=True):
            if (request := self._request(self._layout, chunk, slot)) is not None:
                requests[chunk] = request
        failures = fetch(self.location, list(requests.values()))
        for (chunk, request), failure in zip(requests.items(), failures, strict=True):
            if failure is not None:
                raise self._failure(failure, f"chunk {chunk} of {SIGNALS} (in {request.name})", self._rows(chunk))
            if self._layout.checked and not _holds(*request.parts):
                raise self._damaged(f"chunk {chunk} of {SIGNALS} (in {request.name}) does not match its checksum", self._rows(chunk))

    def _request(self, layout: Layout, chunk: int, slot: Signals) -> Request | None:
        """What to fetch for a chunk; None where it is all fill value and was not stored."""
        shard, inside = divmod(chunk, layout.chunks_per_shard)
        offset, length = (int(value) for value in self._indexes[shard][inside])
        if offset == ABSENT and length == ABSENT:
            slot[...] = layout.fill
            return None
        if length != layout.chunk_bytes + CHECKSUM_BYTES * layout.checked:
            raise self._damaged(f"chunk {chunk} of {SIGNALS} (in {layout.name(shard)}) has {length} bytes", self._rows(chunk))
        parts = [slot.reshape(-1).view(np.uint8)]
        if layout.checked:
            parts.append(np.empty(CHECKSUM_BYTES, np.uint8))
        return Request(layout.name(shard), offset, tuple(parts))

    def _load_indexes(self, layout: Layout, shards: Sequence[int]) -> None:
        missing = [shard for shard in shards if shard not in self._indexes]
        buffers = [np.empty(layout.index_bytes, np.uint8) for _ in missing]
        start = -layout.index_bytes if layout.index_at_end else 0
        requests = [Request(layout.name(shard), start, (buffer,)) for shard, buffer in zip(missing, buffers, strict=True)]
        for shard, buffer, failure in zip(missing, buffers, fetch(self.location, requests), strict=True):
            rows = (self._rows(shard * layout.chunks_per_shard)[0], self._rows((shard + 1) * layout.chunks_per_shard - 1)[1])
            if failure is not None:
                raise self._failure(failure, f"shard {layout.name(shard)}", rows)
            if layout.index_checked and not _holds(buffer[:-CHECKSUM_BYTES], buffer[-CHECKSUM_BYTES:].copy()):
                raise self._damaged(f"the index of shard {layout.name(shard)} does not match its checksum", rows)
            self._indexes[shard] = buffer[: 16 * layout.chunks_per_shard].view("<u8").reshape(-1, 2)

    def _read_with_zarr(self, chunk: int, slot: Signals) -> None:
        start, stop = self._rows(chunk)
        try:
            values = self._array[start:stop]
        except (OSError, ValueError, RuntimeError) as failure:
            raise self._failure(failure, f"chunk {chunk} of {SIGNALS}", (start, stop)) from failure
        np.multiply(values, np.float32(self._scale), out=slot[: stop - start], casting="unsafe")

    def _rows(self, chunk: int) -> tuple[int, int]:
        """First window of a chunk and the first behind it."""
        start = min(chunk * self.windows_per_chunk, self.shape[0])
        return start, min(start + self.windows_per_chunk, self.shape[0])

    def _failure(self, failure: Exception, what: str, rows: tuple[int, int]) -> DamagedStoreError | StoreError:
        if isinstance(failure, ABSENT_OBJECT):
            return self._damaged(f"{what} is missing", rows)
        if isinstance(failure, EOFError):
            return self._damaged(f"{what} is cut short", rows)
        if isinstance(failure, ValueError | RuntimeError):
            return self._damaged(f"{what} cannot be decoded", rows)
        return StoreError(f"{self.location.url}: {what} cannot be read ({type(failure).__name__}); see that the store can be reached")

    def _damaged(self, what: str, rows: tuple[int, int]) -> DamagedStoreError:
        hit = list(dict.fromkeys(self._recordings[slice(*rows)]))
        names = ", ".join(hit[:5]) + (f" and {len(hit) - 5} more" if len(hit) > 5 else "")
        return DamagedStoreError(
            f"{self.location.url}: {what}; it holds windows {rows[0]} to {rows[1] - 1}, of {names}. Fetch or convert the store again"
        )


def _holds(content: Bytes, checksum: Bytes) -> bool:
    """Whether the CRC32C of some bytes is the one stored."""
    return bool(google_crc32c.value(content) == checksum.view("<u4")[0])


def windows_per_chunk(metadata: Mapping[str, Any]) -> int:
    """Windows that are read and decoded together."""
    sharding = _sharding(metadata)
    shape = sharding["chunk_shape"] if sharding else metadata["chunk_grid"]["configuration"]["chunk_shape"]
    return int(shape[0])


def layout(metadata: Mapping[str, Any]) -> Layout | None:
    """How to read ``signals`` without zarr-python; None where something in its `zarr.json` is not known here."""
    sharding, grid, keys = _sharding(metadata), metadata["chunk_grid"], metadata["chunk_key_encoding"]
    if sharding is None or sys.byteorder != "little" or grid["name"] != "regular":
        return None
    codecs, index_codecs = (_plain(sharding[key]) for key in ("codecs", "index_codecs"))
    chunk, whole = tuple(sharding["chunk_shape"]), tuple(metadata["shape"][1:])
    known = metadata["data_type"] == "float32" and metadata.get("attributes", {}).get("scale_factor", 1) == 1
    if not known or codecs is None or index_codecs is None or chunk[1:] != whole or not isinstance(metadata["fill_value"], int | float):
        return None
    default = keys["name"] == "default"
    return Layout(
        chunks_per_shard=grid["configuration"]["chunk_shape"][0] // chunk[0],
        chunk_bytes=4 * math.prod(chunk),
        checked=codecs,
        index_checked=index_codecs,
        index_at_end=sharding.get("index_location", "end") == "end",
        fill=float(metadata["fill_value"]),
        prefix="c" + keys.get("configuration", {}).get("separator", "/") if default else "",
        separator=keys.get("configuration", {}).get("separator", "/" if default else "."),
    )


def _sharding(metadata: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Configuration of the sharding codec, where it is the only one."""
    codecs = metadata["codecs"]
    return codecs[0]["configuration"] if len(codecs) == 1 and codecs[0]["name"] == "sharding_indexed" else None


def _plain(codecs: Sequence[Mapping[str, Any]]) -> bool | None:
    """Whether a CRC32C follows the little-endian bytes; None for any other chain of codecs."""
    names = [codec["name"] for codec in codecs]
    little = bool(codecs) and codecs[0].get("configuration", {}).get("endian") == "little"
    return len(names) == 2 if little and names in (["bytes"], ["bytes", "crc32c"]) else None
