"""Arrays of windows in shards: their metadata, which zarr-python writes, and their compression."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import zarr
from numcodecs.blosc import Blosc
from zarr.codecs import BloscCodec, Crc32cCodec

from bids_dl.config.stages import StoreConfig
from bids_dl.store.format import ARRAYS
from bids_dl.store.signals.chunk_layout import choose_chunking
from bids_dl.store.signals.shards import ShardEncoder
from bids_dl.store.zarr_store import LocationStore

SHUFFLES = {"noshuffle": Blosc.NOSHUFFLE, "bitshuffle": Blosc.BITSHUFFLE}


@dataclass(frozen=True, slots=True)
class Compression:
    """Compression by blosc, whose parameters have the names of zarr-python.

    Examples
    --------
    >>> import numpy as np
    >>> len(SMALL.compressor()(np.zeros(1000, bool))) < 100
    True
    """

    cname: Literal["lz4", "zstd"]
    shuffle: Literal["noshuffle", "bitshuffle"]
    clevel: int = 5

    def codec(self, itemsize: int) -> BloscCodec:
        """Return the codec of zarr-python for numbers of ``itemsize`` bytes."""
        return BloscCodec(
            cname=self.cname, clevel=self.clevel, shuffle=self.shuffle, typesize=itemsize
        )

    def compressor(self) -> Callable[[Any], bytes]:
        """Return the function by which the codec compresses an array.

        It uses one thread, because zarr-python sets ``numcodecs.blosc.use_threads``.
        """
        blosc = Blosc(cname=self.cname, clevel=self.clevel, shuffle=SHUFFLES[self.shuffle])
        compress: Callable[[Any], bytes] = blosc.encode
        return compress


FAST_TO_DECODE = Compression("lz4", "bitshuffle")  # over bit planes
SMALL = Compression("zstd", "noshuffle")


@dataclass(frozen=True)
class ShardedArray:
    """An array of windows. Each chunk has a CRC32C.

    Attributes
    ----------
    name
        Name in `ARRAYS`.
    shape
        (n_windows, n_chans, n_times).
    compression
        Compression of each chunk; None stores chunks as they are.
    """

    name: str
    shape: tuple[int, int, int]
    dtype: str
    attributes: Mapping[str, Any]
    compression: Compression | None = None

    def create(self, objects: LocationStore, config: StoreConfig) -> ShardEncoder:
        """Write the metadata of the array, and return the encoder of its shards."""
        dtype = np.dtype(self.dtype)
        chunk, shard = choose_chunking(self.shape, config, itemsize=dtype.itemsize)
        compress = None
        codecs: list[Any] = [Crc32cCodec()]
        if self.compression is not None:
            compress = self.compression.compressor()
            codecs.insert(0, self.compression.codec(dtype.itemsize))
        zarr.create_array(
            objects,
            shape=self.shape,
            chunks=(chunk, *self.shape[1:]),
            shards=(shard, *self.shape[1:]),
            dtype=dtype,
            filters=None,
            compressors=codecs,
            fill_value=dtype.type(0),
            dimension_names=ARRAYS[self.name].dimensions,
            attributes=dict(self.attributes),
            zarr_format=3,
        )
        return ShardEncoder((chunk, *self.shape[1:]), dtype, shard // chunk, compress)
