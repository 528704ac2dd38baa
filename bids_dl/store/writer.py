"""Write a store, root object last: a reader refuses a store without its root."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from bids_dl.config.stages import StoreConfig
from bids_dl.errors import StoreError
from bids_dl.remote.location import PROBE_FILE, Location
from bids_dl.store.array_objects import array_digests
from bids_dl.store.checking.completeness import check_complete, flush
from bids_dl.store.format import (
    ARRAY_SHA256,
    ARRAYS,
    DOCUMENTS,
    DROPOUT,
    FORMAT,
    FORMAT_VERSION,
    MANIFEST,
    ROOT,
    SIGNALS,
    SIGNALS_CRC32C,
    UNFINISHED,
    Column,
    build_root,
    content_id,
    document_digests,
    make_column,
    to_json,
)
from bids_dl.store.signals.chunk_checksums import ShardChecksums
from bids_dl.store.signals.chunk_layout import choose_chunking
from bids_dl.store.signals.shards import Windows, write_shards
from bids_dl.store.zarr_store import LocationStore, WriteCallback
from bids_dl.wording import count

ROWS_PER_CHUNK = 100_000  # of the window table
SHARD_UPLOADS = 2  # shards uploaded at a time while the next one is assembled
COLUMN_UPLOADS = 8  # small arrays uploaded at a time, because each costs several round trips


@dataclass(frozen=True)
class StoreWriter:
    """An unfinished store, with size and SHA-256 of each object that was written.

    They are computed before the upload, so that no object has to be read again.

    Attributes
    ----------
    marker
        Content of `unfinished.json`; it identifies this writer.
    objects
        Bytes and SHA-256 of each object so far, as in the manifest.
    arrays
        `zarr.json` of each array so far, in the order written.
    """

    location: Location
    marker: bytes = field(repr=False)
    objects: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    arrays: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def create(cls, location: Location, plan_digest: str) -> StoreWriter:
        """Start a store at an empty location, or at one with an unfinished store.

        All objects of an unfinished store are removed.

        Parameters
        ----------
        plan_digest
            Digest of `plan.json`.

        Raises
        ------
        StoreError
            The location holds something else, or cannot be written to.
        """
        names = location.list()
        foreign = [name for name in names if not PROBE_FILE.fullmatch(name)]
        if foreign and UNFINISHED not in names:
            raise StoreError(
                f"{location.url}: exists and is not a bids-dl store (contains {foreign[0]!r}); "
                "choose an empty destination"
            )
        marker = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "plan": plan_digest,
            "writer": uuid4().hex,
        }
        store = cls(location, to_json(marker))
        # before anything is removed, so that a run killed in between leaves a location that the
        # next one accepts
        location.write(UNFINISHED, store.marker)
        location.remove_all([name for name in names if name != UNFINISHED])
        location.abort_uploads()
        return store

    def write(self, name: str, content: bytes) -> None:
        """Write an object that belongs to no array."""
        self.location.write(name, content)
        self._register(name, content)

    def zarr_store(self, array: str, on_object: WriteCallback | None = None) -> LocationStore:
        """Return the store through which zarr-python writes an array.

        Parameters
        ----------
        on_object
            Called with name and bytes of each object of the array after it was written.
        """

        def register(key: str, content: bytes) -> None:
            self._register(f"{array}/{key}", content)
            if on_object is not None:
                on_object(key, content)

        return LocationStore(self.location.child(array), register)

    @property
    def content(self) -> str:
        """Content identifier of the arrays so far."""
        return content_id(self.objects, self.arrays)

    def check_marker(self) -> None:
        """Check that no other conversion has started to write to this location.

        Raises
        ------
        StoreError
            Another conversion has replaced `unfinished.json`. It continues, this one ends.
        """
        try:
            marker = self.location.read(UNFINISHED)
        except FileNotFoundError:
            marker = b""
        if marker != self.marker:
            raise StoreError(
                f"{self.location.url}: another conversion has started to write here; "
                "wait for it, or choose another DEST"
            )

    def _register(self, name: str, content: bytes) -> None:
        """Record size and SHA-256 of an object, and the metadata if it is that of an array."""
        self.objects[name] = _manifest_entry(content)
        array, _, file = name.rpartition("/")
        if file == ROOT and array:
            self.arrays[array] = json.loads(content)


def _manifest_entry(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def write_signals(
    store: StoreWriter,
    shape: tuple[int, int, int],
    batches: Iterator[Windows],
    config: StoreConfig,
    *,
    resolution: float | None = None,
    on_progress: Callable[[int], None],
) -> None:
    """Write ``signals`` shard by shard, then the checksums of all chunks.

    On a server, a shard is uploaded while the next is assembled.

    Parameters
    ----------
    shape
        (n_windows, n_chans, n_times) of the whole array.
    batches
        Windows in the order of the store, (n, n_chans, n_times) with any n: float32 in µV, or int16
        in multiples of ``resolution``.
    resolution
        µV of one integer if ``batches`` are int16.
    on_progress
        Called with the number of windows written since the last call.

    Raises
    ------
    StoreError
        The number of windows differs from ``shape``, or another conversion writes here.
    """
    row = ARRAYS[SIGNALS]
    attributes: dict[str, Any] = dict(row.attributes)
    checksum = Crc32cCodec()
    if resolution is None:
        dtype = "float32"
        compressors: list[Any] = [checksum]
    else:
        dtype = "int16"
        # LZ4 over bit planes decodes fast. Blosc runs with one thread, so that bytes repeat;
        # zarr-python calls it in several threads.
        compressors = [
            BloscCodec(cname="lz4", clevel=5, shuffle="bitshuffle", typesize=2),
            checksum,
        ]
        attributes["scale_factor"] = resolution
    chunk, shard = choose_chunking(shape, config, itemsize=np.dtype(dtype).itemsize)
    checksums = ShardChecksums(shard // chunk)
    array = zarr.create_array(
        store.zarr_store(SIGNALS, checksums.collect),
        shape=shape,
        chunks=(chunk, *shape[1:]),
        shards=(shard, *shape[1:]),
        dtype=dtype,
        filters=None,
        compressors=compressors,
        fill_value=0,
        dimension_names=row.dimensions,
        attributes=attributes,
        zarr_format=3,
        config={"write_empty_chunks": True},  # because a missing shard is damage
    )
    _write_shards(store, array, batches, on_progress)
    write_column(store, make_column(SIGNALS_CRC32C, checksums.to_array()))


def write_dropout_mask(
    store: StoreWriter,
    shape: tuple[int, int, int],
    batches: Iterator[Windows],
    config: StoreConfig,
) -> None:
    """Write ``dropout``, which compresses to nearly nothing.

    Parameters
    ----------
    shape
        (n_windows, n_chans, n_times) of the whole array.
    batches
        Masks in the order of the store, (n, n_chans, n_times) with any n: true for samples of a
        dropout.
    """
    row = ARRAYS[DROPOUT]
    chunk, shard = choose_chunking(shape, config, itemsize=1)
    blosc = BloscCodec(cname="zstd", clevel=5, shuffle="noshuffle", typesize=1)
    array = zarr.create_array(
        store.zarr_store(DROPOUT),
        shape=shape,
        chunks=(chunk, *shape[1:]),
        shards=(shard, *shape[1:]),
        dtype="bool",
        filters=None,
        compressors=[blosc, Crc32cCodec()],
        fill_value=False,
        dimension_names=row.dimensions,
        attributes=dict(row.attributes),
        zarr_format=3,
        config={"write_empty_chunks": True},
    )
    _write_shards(store, array, batches, lambda _: None)


def _write_shards(
    store: StoreWriter,
    array: zarr.Array[Any],
    batches: Iterator[Windows],
    on_progress: Callable[[int], None],
) -> None:
    is_local = store.location.is_local
    n_windows = write_shards(
        array,
        batches,
        n_uploads=1 if is_local else SHARD_UPLOADS,
        before_shard=(lambda: None) if is_local else store.check_marker,
        on_progress=on_progress,
    )
    if n_windows != array.shape[0]:
        raise StoreError(
            f"{store.location.url}: got {count(n_windows, 'window')} for an array of "
            f"{array.shape[0]}; this is a bug, please report it"
        )


def text_array(values: Sequence[str]) -> npt.NDArray[Any]:
    """Convert text to the array of ``str`` objects that a `Column` holds."""
    return np.array(list(values), dtype=object)


def write_column(store: StoreWriter, column: Column) -> None:
    """Write one small array. Text has the Zarr data type ``string``."""
    is_text = column.values.dtype == object
    shape = column.values.shape
    array = zarr.create_array(
        store.zarr_store(column.name),
        shape=shape,
        chunks=(max(1, min(shape[0], ROWS_PER_CHUNK)), *shape[1:]),
        dtype="string" if is_text else column.values.dtype,
        filters=None,
        compressors=[Crc32cCodec()],
        dimension_names=column.dimensions,
        attributes=dict(column.attributes),
        zarr_format=3,
        config={"write_empty_chunks": True},
    )
    array[...] = column.values


def write_columns(store: StoreWriter, columns: Sequence[Column]) -> None:
    """Write small arrays, several at a time if the store is on a server."""
    with ThreadPoolExecutor(1 if store.location.is_local else COLUMN_UPLOADS) as pool:
        list(pool.map(lambda column: write_column(store, column), columns))


def finish(
    store: StoreWriter,
    attributes: Mapping[str, Any],
    arrays: Sequence[str],
    documents: Mapping[str, bytes],
) -> None:
    """Write the documents, the manifest and, last, the root object that completes the store.

    Parameters
    ----------
    attributes
        Attributes of the root beside those of the format.
    arrays
        Names of all arrays, in the order in which the root lists them. The checksums of
        ``signals`` follow them.
    documents
        Content of each document by object name.

    Raises
    ------
    DamagedStoreError
        An object is missing, has another size, or was added by somebody else.
    StoreError
        Another conversion has started to write here.
    """
    location = store.location
    for name, content in documents.items():
        store.write(name, content)
    metadata = {name: store.arrays[name] for name in arrays}
    if SIGNALS_CRC32C in store.arrays:
        metadata[SIGNALS_CRC32C] = store.arrays[SIGNALS_CRC32C]
    check_complete(location, store.objects, metadata)
    format_attributes = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "finished": True,
        "content": store.content,
        ARRAY_SHA256: array_digests(store.objects, metadata),
        DOCUMENTS: document_digests(store.objects, metadata),
    }
    # those of the format last, because `attributes` may be copied from another store
    root = build_root({**format_attributes, **attributes, **format_attributes}, metadata)
    objects = {**store.objects, ROOT: _manifest_entry(root)}
    if location.is_local:
        flush(location, list(store.objects))
    location.abort_uploads()  # uploads whose answer was lost and that were started again
    store.check_marker()
    location.write(MANIFEST, to_json({"objects": dict(sorted(objects.items()))}))
    location.write(ROOT, root)
    location.remove(UNFINISHED)


def mark_unfinished(location: Location) -> None:
    """Mark a finished store as one that is written again. From now on readers refuse it."""
    location.write(UNFINISHED, to_json({"format": FORMAT, "format_version": FORMAT_VERSION}))
    location.remove(ROOT)
