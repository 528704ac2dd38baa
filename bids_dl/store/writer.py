"""Write a store, root object last: a reader refuses a store without its root."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import zarr
from zarr.codecs import Crc32cCodec

from bids_dl.config.stages import StoreConfig
from bids_dl.errors import StoreError
from bids_dl.remote.byte_range import Bytes
from bids_dl.remote.disk_files import write_file
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
from bids_dl.store.signals.chunk_checksums import Checksums
from bids_dl.store.signals.sharded_array import FAST_TO_DECODE, SMALL, ShardedArray
from bids_dl.store.signals.shards import ShardEncoder, Windows
from bids_dl.store.zarr_store import LocationStore
from bids_dl.wording import count

ROWS_PER_CHUNK = 100_000  # of the window table
SHARD_UPLOADS = 2  # shards uploaded at a time while the next one is encoded
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
        """Write an object."""
        self.location.write(name, content)
        self._register(name, content)

    def write_pieces(self, name: str, pieces: Iterator[Bytes]) -> None:
        """Write an object of an array on disk, piece by piece."""
        sha256 = hashlib.sha256()
        n_bytes = 0

        def hashed() -> Iterator[memoryview]:
            nonlocal n_bytes
            for piece in pieces:
                sha256.update(piece.data)
                n_bytes += len(piece)
                yield piece.data

        try:
            write_file(self.location.folder / name, hashed())
        except FileNotFoundError:  # another conversion may have removed what is not complete
            self.check_marker()
            raise
        self.objects[name] = {"bytes": n_bytes, "sha256": sha256.hexdigest()}

    def zarr_store(self, array: str) -> LocationStore:
        """Return the store through which zarr-python writes an array."""

        def register(key: str, content: bytes) -> None:
            self._register(f"{array}/{key}", content)

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
    attributes: dict[str, Any] = dict(ARRAYS[SIGNALS].attributes)
    if resolution is None:
        array = ShardedArray(SIGNALS, shape, "float32", attributes)
    else:
        attributes["scale_factor"] = resolution
        array = ShardedArray(SIGNALS, shape, "int16", attributes, FAST_TO_DECODE)
    checksums = _write_array(store, array, batches, config, on_progress)
    write_column(store, make_column(SIGNALS_CRC32C, np.stack(checksums)))


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
    attributes = dict(ARRAYS[DROPOUT].attributes)
    array = ShardedArray(DROPOUT, shape, "bool", attributes, SMALL)
    _write_array(store, array, batches, config, lambda _: None)


def _write_array(
    store: StoreWriter,
    array: ShardedArray,
    batches: Iterator[Windows],
    config: StoreConfig,
    on_progress: Callable[[int], None],
) -> list[Checksums]:
    """Write an array shard by shard, and return the checksums of its chunks.

    Raises
    ------
    StoreError
        The number of windows differs from the shape, or another conversion writes here.
    """
    encoder = array.create(store.zarr_store(array.name), config)
    write = _write_on_disk if store.location.is_local else _upload
    write(store, array.name, encoder, batches, on_progress)
    if encoder.n_windows != array.shape[0]:
        raise StoreError(
            f"{store.location.url}: got {count(encoder.n_windows, 'window')} for an array of "
            f"{array.shape[0]}; this is a bug, please report it"
        )
    return encoder.checksums


def _write_on_disk(
    store: StoreWriter,
    array: str,
    encoder: ShardEncoder,
    batches: Iterator[Windows],
    on_progress: Callable[[int], None],
) -> None:
    """Write each shard while it is encoded."""
    for shard, pieces in enumerate(encoder.encode(batches)):
        n_before = encoder.n_windows
        store.write_pieces(_object_name(array, shard), pieces)
        on_progress(encoder.n_windows - n_before)


def _upload(
    store: StoreWriter,
    array: str,
    encoder: ShardEncoder,
    batches: Iterator[Windows],
    on_progress: Callable[[int], None],
) -> None:
    """Encode each shard while others are uploaded."""
    pending: deque[tuple[int, Future[None]]] = deque()

    def wait_until(limit: int) -> None:
        """Wait until at most ``limit`` shards are being uploaded."""
        while len(pending) > limit:
            n_windows, uploaded = pending.popleft()
            uploaded.result()
            on_progress(n_windows)

    with ThreadPoolExecutor(SHARD_UPLOADS) as pool:
        for shard, pieces in enumerate(encoder.encode(batches)):
            n_before = encoder.n_windows
            content = b"".join([piece.tobytes() for piece in pieces])
            wait_until(SHARD_UPLOADS - 1)
            store.check_marker()
            uploaded = pool.submit(store.write, _object_name(array, shard), content)
            pending.append((encoder.n_windows - n_before, uploaded))
        wait_until(0)


def _object_name(array: str, shard: int) -> str:
    return f"{array}/c/{shard}/0/0"


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
