"""Chunks of ``signals``: their sizes, their place in shards and their codecs, from `zarr.json`.

This is all that is needed to read them without zarr-python.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bids_dl.remote.checksum import CHECKSUM_BYTES
from bids_dl.store.format import SIGNALS

if TYPE_CHECKING:
    from bids_dl.config.stages import StoreConfig

KNOWN_DTYPES = ("float32", "int16")
KNOWN_CODECS = (
    ["bytes"],
    ["bytes", "crc32c"],
    ["bytes", "blosc"],
    ["bytes", "blosc", "crc32c"],
)  # of a chunk
MAX_BLOSC_OVERHEAD = 16  # bytes that blosc may add
NOT_STORED = (1 << 64) - 1  # offset and size, in an index, of a chunk that is all fill value
ENTRY_BYTES = 16  # of a chunk in the index of its shard: offset and size, uint64 each


@dataclass(frozen=True)
class ChunkLayout:
    """Layout of a sharded array of float32 or int16 whose chunks hold whole windows.

    Attributes
    ----------
    chunk_shape
        (windows, n_chans, n_times) of a chunk.
    scale
        µV of one number of the store.
    is_compressed
        Whether chunks are compressed by blosc.
    is_checked, is_index_checked
        Whether a CRC32C follows each chunk, and the index of a shard.
    fill
        Value of chunks that are not stored.
    prefix, separator
        Begin an object's name, and separate the numbers within it.
    """

    chunk_shape: tuple[int, int, int]
    chunks_per_shard: int
    dtype: np.dtype[Any]
    scale: float
    is_compressed: bool
    is_checked: bool
    is_index_checked: bool
    index_at_end: bool
    fill: float
    prefix: str
    separator: str

    @cached_property
    def index_bytes(self) -> int:
        """Bytes of the index of a shard, with its checksum."""
        return ENTRY_BYTES * self.chunks_per_shard + CHECKSUM_BYTES * self.is_index_checked

    @cached_property
    def decoded_bytes(self) -> int:
        """Bytes of a chunk without compression and checksum."""
        return self.dtype.itemsize * math.prod(self.chunk_shape)

    @cached_property
    def window_bytes(self) -> int:
        """Bytes of a window without compression."""
        return self.decoded_bytes // self.chunk_shape[0]

    @cached_property
    def max_stored_bytes(self) -> int:
        """Upper limit of the bytes of a stored chunk."""
        overhead = MAX_BLOSC_OVERHEAD * self.is_compressed
        return self.decoded_bytes + overhead + CHECKSUM_BYTES * self.is_checked

    @cached_property
    def is_plain(self) -> bool:
        """True if a chunk is stored as a stream returns its windows: float32 in µV."""
        return self.dtype == np.float32 and self.scale == 1 and not self.is_compressed

    def fits(self, size: int) -> bool:
        """Return whether a stored chunk can have ``size`` bytes."""
        if self.is_compressed:
            return CHECKSUM_BYTES < size <= self.max_stored_bytes
        return size == self.max_stored_bytes

    def object_name(self, shard: int) -> str:
        """Return the name of a shard's object, relative to the store."""
        return f"{SIGNALS}/{self.prefix}{self.separator.join((str(shard), '0', '0'))}"


def choose_chunking(
    shape: tuple[int, int, int], config: StoreConfig, *, itemsize: int = 4
) -> tuple[int, int]:
    """Choose how many windows a chunk and a shard of an array hold.

    A chunk holds whole windows, near ``config.chunk_bytes`` before compression. A shard holds whole
    chunks, at most ``config.shard_bytes`` and no more than the array needs.

    Parameters
    ----------
    shape
        (n_windows, n_chans, n_times).
    itemsize
        Bytes of a sample.

    Returns
    -------
    tuple of int
        Windows per chunk and windows per shard.

    Examples
    --------
    >>> from bids_dl.config.stages import StoreConfig
    >>> choose_chunking((100_000, 64, 256), StoreConfig())
    (8, 1464)
    """
    n_windows, n_chans, n_times = shape
    window_bytes = n_chans * n_times * itemsize
    chunk = max(1, min(round(config.chunk_bytes / window_bytes), n_windows))
    max_chunks = -(-n_windows // chunk)
    chunks_per_shard = max(1, min(config.shard_bytes // (chunk * window_bytes), max_chunks))
    return chunk, chunk * chunks_per_shard


def parse_chunk_layout(metadata: Mapping[str, Any]) -> ChunkLayout | None:
    """Parse the chunk layout of ``signals`` from its `zarr.json`.

    Returns
    -------
    ChunkLayout or None
        None if something in the metadata is not supported here, so that zarr-python must read the
        array.
    """
    sharding = _sharding(metadata)
    grid = metadata["chunk_grid"]
    if sharding is None or sys.byteorder != "little" or grid["name"] != "regular":
        return None
    codecs = _codec_names(sharding["codecs"])
    index_codecs = _codec_names(sharding["index_codecs"])
    if codecs is None or index_codecs is None or "blosc" in index_codecs:
        return None
    chunk_shape = tuple(sharding["chunk_shape"])
    fill = metadata["fill_value"]
    if metadata["data_type"] not in KNOWN_DTYPES or not isinstance(fill, int | float):
        return None
    if chunk_shape[1:] != tuple(metadata["shape"][1:]):
        return None
    prefix, separator = _object_naming(metadata["chunk_key_encoding"])
    return ChunkLayout(
        chunk_shape=chunk_shape,
        chunks_per_shard=grid["configuration"]["chunk_shape"][0] // chunk_shape[0],
        dtype=np.dtype(metadata["data_type"]),
        scale=scale_factor(metadata),
        is_compressed="blosc" in codecs,
        is_checked="crc32c" in codecs,
        is_index_checked="crc32c" in index_codecs,
        index_at_end=sharding.get("index_location", "end") == "end",
        fill=float(fill),
        prefix=prefix,
        separator=separator,
    )


def is_cacheable(metadata: Mapping[str, Any]) -> bool:
    """Return whether each chunk and each index ends with its CRC32C.

    Only then can a copy be verified.
    """
    layout = parse_chunk_layout(metadata)
    return layout is not None and layout.is_checked and layout.is_index_checked


def windows_per_chunk(metadata: Mapping[str, Any]) -> int:
    """Return the number of windows that are read and decoded together."""
    configuration = _sharding(metadata) or metadata["chunk_grid"]["configuration"]
    return int(configuration["chunk_shape"][0])


def scale_factor(metadata: Mapping[str, Any]) -> float:
    """Return the µV of one number: the attribute ``scale_factor`` of the CF conventions."""
    return float(metadata.get("attributes", {}).get("scale_factor", 1.0))


def _sharding(metadata: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the configuration of the sharding codec, or None if it is not the only codec."""
    codecs = metadata["codecs"]
    if len(codecs) != 1 or codecs[0]["name"] != "sharding_indexed":
        return None
    configuration: Mapping[str, Any] = codecs[0]["configuration"]
    return configuration


def _codec_names(codecs: Sequence[Mapping[str, Any]]) -> list[str] | None:
    """Return the names of known codecs of little-endian numbers. None for any others."""
    names = [codec["name"] for codec in codecs]
    if not codecs or codecs[0].get("configuration", {}).get("endian") != "little":
        return None
    return names if names in KNOWN_CODECS else None


def _object_naming(encoding: Mapping[str, Any]) -> tuple[str, str]:
    """Return prefix and separator of the names of chunk objects.

    See "Chunk key encoding" in the Zarr v3 specification.
    """
    configuration = encoding.get("configuration", {})
    if encoding["name"] == "default":
        separator = configuration.get("separator", "/")
        return f"c{separator}", separator
    return "", configuration.get("separator", ".")
