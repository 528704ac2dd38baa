"""Where the chunks of ``signals`` lie and how they are coded, from its `zarr.json`: what is read without zarr-python."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bids_dl.remote.checksum import CHECKSUM_BYTES
from bids_dl.store.format import SIGNALS

DTYPES = ("float32", "int16")
CHAINS = (
    ["bytes"],
    ["bytes", "crc32c"],
    ["bytes", "blosc"],
    ["bytes", "blosc", "crc32c"],
)  # of a chunk's codecs
BLOSC_OVERHEAD = 16  # bytes that blosc adds at most


@dataclass(frozen=True)
class ChunkLayout:
    """A sharded array of float32 or int16 whose chunks hold whole windows."""

    chunk_shape: tuple[int, int, int]
    chunks_per_shard: int
    dtype: np.dtype[Any]
    scale: float  # µV from one number to the next
    compressed: bool  # by blosc
    checked: bool  # a CRC32C follows each chunk
    index_checked: bool
    index_at_end: bool
    fill: float
    prefix: str  # of an object's name
    separator: str

    @cached_property
    def index_bytes(self) -> int:
        return 16 * self.chunks_per_shard + CHECKSUM_BYTES * self.index_checked

    @cached_property
    def decoded_bytes(self) -> int:
        """Bytes of a chunk without compression and checksum."""
        return self.dtype.itemsize * math.prod(self.chunk_shape)

    @cached_property
    def most_bytes(self) -> int:
        """Bytes of a chunk as it is stored, at most."""
        return self.decoded_bytes + BLOSC_OVERHEAD * self.compressed + CHECKSUM_BYTES * self.checked

    @cached_property
    def is_plain(self) -> bool:
        """Whether a chunk holds its windows as a stream hands them out, one after the other."""
        return self.dtype == np.float32 and self.scale == 1 and not self.compressed

    def fits(self, size: int) -> bool:
        """Whether a stored chunk can have so many bytes."""
        return (
            CHECKSUM_BYTES < size <= self.most_bytes if self.compressed else size == self.most_bytes
        )

    def name(self, shard: int) -> str:
        """Name of a shard's object, relative to the store."""
        return f"{SIGNALS}/{self.prefix}{self.separator.join((str(shard), '0', '0'))}"


def layout(metadata: Mapping[str, Any]) -> ChunkLayout | None:
    """How to read ``signals`` without zarr-python; None where something in its `zarr.json` is not known here."""
    sharding, grid, keys = (
        _sharding(metadata),
        metadata["chunk_grid"],
        metadata["chunk_key_encoding"],
    )
    if sharding is None or sys.byteorder != "little" or grid["name"] != "regular":
        return None
    codecs, index_codecs = (_chain(sharding[key]) for key in ("codecs", "index_codecs"))
    chunk, fill = tuple(sharding["chunk_shape"]), metadata["fill_value"]
    if (
        codecs is None
        or index_codecs is None
        or "blosc" in index_codecs
        or metadata["data_type"] not in DTYPES
    ):
        return None
    if chunk[1:] != tuple(metadata["shape"][1:]) or not isinstance(fill, int | float):
        return None
    default = keys["name"] == "default"
    return ChunkLayout(
        chunk_shape=chunk,
        chunks_per_shard=grid["configuration"]["chunk_shape"][0] // chunk[0],
        dtype=np.dtype(metadata["data_type"]),
        scale=scale_factor(metadata),
        compressed="blosc" in codecs,
        checked="crc32c" in codecs,
        index_checked="crc32c" in index_codecs,
        index_at_end=sharding.get("index_location", "end") == "end",
        fill=float(fill),
        prefix="c" + keys.get("configuration", {}).get("separator", "/") if default else "",
        separator=keys.get("configuration", {}).get("separator", "/" if default else "."),
    )


def can_be_kept(metadata: Mapping[str, Any]) -> bool:
    """Whether each chunk and each index ends in its CRC32C, so that a copy of it can be trusted."""
    known = layout(metadata)
    return known is not None and known.checked and known.index_checked


def windows_per_chunk(metadata: Mapping[str, Any]) -> int:
    """Windows that are read and decoded together."""
    sharding = _sharding(metadata)
    shape = (
        sharding["chunk_shape"]
        if sharding
        else metadata["chunk_grid"]["configuration"]["chunk_shape"]
    )
    return int(shape[0])


def scale_factor(metadata: Mapping[str, Any]) -> float:
    """µV from one number to the next, as CF conventions name it."""
    return float(metadata.get("attributes", {}).get("scale_factor", 1.0))


def _sharding(metadata: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Configuration of the sharding codec, where it is the only one."""
    codecs = metadata["codecs"]
    return (
        codecs[0]["configuration"]
        if len(codecs) == 1 and codecs[0]["name"] == "sharding_indexed"
        else None
    )


def _chain(codecs: Sequence[Mapping[str, Any]]) -> list[str] | None:
    """Names of the codecs of little-endian numbers; None for any other chain."""
    names = [codec["name"] for codec in codecs]
    little = bool(codecs) and codecs[0].get("configuration", {}).get("endian") == "little"
    return names if little and names in CHAINS else None
