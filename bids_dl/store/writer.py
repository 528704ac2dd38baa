"""Write a store, root last: until then a reader refuses it."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from bids_dl.config.stages import StoreConfig
from bids_dl.errors import DamagedStoreError, StoreError
from bids_dl.remote.location import Location
from bids_dl.store.format import (
    DIMENSIONS,
    DROPOUT,
    FORMAT,
    MANIFEST,
    ROOT,
    SIGNALS,
    UNFINISHED,
    VERSION,
    Column,
    content_id,
    root_object,
    sizes,
    to_json,
)
from bids_dl.store.zarr_store import LocationStore

Signals = npt.NDArray[Any]  # float32 or int16
ROWS_PER_CHUNK = 100_000  # of the window table
UPLOADS = 2  # shards under way to a server while the next one is put together


@dataclass(frozen=True)
class StoreWriter:
    """A store that is being written, and what its objects are: noted as they go out, so that none has to be read again.

    Attributes
    ----------
    objects
        Bytes and SHA-256 of each object so far.
    arrays
        `zarr.json` of each array so far, in the order written.
    """

    location: Location
    marker: bytes = field(repr=False)
    objects: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    arrays: dict[str, Any] = field(default_factory=dict, repr=False)

    def write(self, name: str, content: bytes) -> None:
        """Write an object that is no part of an array."""
        self.location.write(name, content)
        self._note(name, content)

    def array(self, name: str) -> LocationStore:
        """Where zarr-python writes an array."""
        return LocationStore(
            self.location.child(name), lambda key, content: self._note(f"{name}/{key}", content)
        )

    @property
    def content(self) -> str:
        """The content identifier of the arrays so far."""
        return content_id(self.objects, self.arrays)

    def check_ours(self) -> None:
        """See that no other conversion has begun to write here.

        Raises
        ------
        StoreError
            One has; it goes on, this one ends.
        """
        try:
            there = self.location.read(UNFINISHED)
        except FileNotFoundError:
            there = b""
        if there != self.marker:
            raise StoreError(
                f"{self.location.url}: another conversion has begun to write here; wait for it, or choose another DEST"
            )

    def _note(self, name: str, content: bytes) -> None:
        self.objects[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        array, _, rest = name.rpartition("/")
        if rest == ROOT and array:
            self.arrays[array] = json.loads(content)


def begin(location: Location, plan: str) -> StoreWriter:
    """Claim an empty place, or one where a store was left unfinished, for a plan (its digest).

    Raises
    ------
    StoreError
        Something else is there.
    """
    names = location.list()
    if names and UNFINISHED not in names:
        raise StoreError(
            f"{location.url}: holds {names[0]!r} and is no bids-dl store; choose a DEST of its own"
        )
    draft = StoreWriter(
        location,
        to_json({"format": FORMAT, "format_version": VERSION, "plan": plan, "writer": uuid4().hex}),
    )
    location.write(
        UNFINISHED, draft.marker
    )  # before anything is removed: a run killed in between leaves a place that can be claimed
    location.remove_all([name for name in names if name != UNFINISHED])
    location.drop_uploads()
    return draft


def write_signals(
    draft: StoreWriter,
    shape: tuple[int, int, int],
    blocks: Iterator[Signals],
    config: StoreConfig,
    *,
    step: float | None = None,
    say: Callable[[int], None],
) -> None:
    """Write ``signals`` shard by shard; to a server while the next is put together.

    Parameters
    ----------
    shape
        (n_windows, n_chans, n_times) of the whole array.
    blocks
        Windows in the order of the store, in pieces of any number of windows: float32 in µV, or int16 in steps.
    step
        µV from one whole number to the next, where ``blocks`` are whole numbers.
    say
        Called with the number of windows written since the last call.
    """
    itemsize = 4 if step is None else 2
    chunk, shard = sizes(shape, config, itemsize=itemsize)
    array = zarr.create_array(
        draft.array(SIGNALS),
        shape=shape,
        chunks=(chunk, *shape[1:]),
        shards=(shard, *shape[1:]),
        dtype="float32" if step is None else "int16",
        filters=None,
        compressors=[Crc32cCodec()] if step is None else [_blosc(), Crc32cCodec()],
        fill_value=0,
        dimension_names=DIMENSIONS,
        attributes={"units": "uV", "long_name": "EEG signal"}
        | ({} if step is None else {"scale_factor": step}),
        zarr_format=3,
        config={"write_empty_chunks": True},  # a shard that is not there is damage
    )
    _fill(draft, array, blocks, say)


def write_mask(
    draft: StoreWriter, shape: tuple[int, int, int], blocks: Iterator[Signals], config: StoreConfig
) -> None:
    """Write ``dropout``: true where a sample of ``signals`` is one of a silent stretch; hardly anything once compressed."""
    chunk, shard = sizes(shape, config, itemsize=1)
    array = zarr.create_array(
        draft.array(DROPOUT),
        shape=shape,
        chunks=(chunk, *shape[1:]),
        shards=(shard, *shape[1:]),
        dtype="bool",
        filters=None,
        compressors=[
            BloscCodec(cname="zstd", clevel=5, shuffle="noshuffle", typesize=1),
            Crc32cCodec(),
        ],
        fill_value=False,
        dimension_names=DIMENSIONS,
        attributes={"long_name": "amplifier or link was silent; short stretches of it are imputed"},
        zarr_format=3,
        config={"write_empty_chunks": True},
    )
    _fill(draft, array, blocks, lambda _: None)


def _fill(
    draft: StoreWriter,
    array: zarr.Array[Any],
    blocks: Iterator[Signals],
    say: Callable[[int], None],
) -> None:
    """Write an array shard by shard; to a server while the next is put together."""
    start, local, shard = 0, draft.location.is_local, (array.shards or array.chunks)[0]
    waiting: deque[tuple[int, Future[None]]] = deque()

    def settle(most: int) -> None:
        while len(waiting) > most:
            count, written = waiting.popleft()
            written.result()
            say(count)

    with ThreadPoolExecutor(1 if local else UPLOADS) as pool:
        for piece in _regroup(blocks, shard):
            if not local:
                draft.check_ours()
            waiting.append(
                (
                    len(piece),
                    pool.submit(array.__setitem__, slice(start, start + len(piece)), piece),
                )
            )
            start += len(piece)
            settle(0 if local else UPLOADS - 1)
        settle(0)
    if start != array.shape[0]:
        raise StoreError(
            f"{draft.location.url}: {start} windows came for an array of {array.shape[0]}; this is a bug, please report it"
        )


def _blosc() -> BloscCodec:
    """LZ4 over bit planes: quick to decode. Zarr-python runs it in threads of its own, where blosc takes one: bytes repeat."""
    return BloscCodec(cname="lz4", clevel=5, shuffle="bitshuffle", typesize=2)


def write_column(draft: StoreWriter, column: Column) -> None:
    """Write one small array; text as the Zarr data type ``string``."""
    text = column.values.dtype == object
    shape = column.values.shape
    array = zarr.create_array(
        draft.array(column.name),
        shape=shape,
        chunks=(max(1, min(shape[0], ROWS_PER_CHUNK)), *shape[1:]),
        dtype="string" if text else column.values.dtype,
        filters=None,
        compressors=[Crc32cCodec()],
        dimension_names=column.dimensions,
        attributes=dict(column.attributes),
        zarr_format=3,
        config={"write_empty_chunks": True},
    )
    array[...] = column.values


def write_columns(draft: StoreWriter, columns: Sequence[Column]) -> None:
    """Write small arrays; to a server many at a time, so that latency hides."""
    with ThreadPoolExecutor(1 if draft.location.is_local else 8) as pool:
        list(pool.map(lambda column: write_column(draft, column), columns))


def finish(
    draft: StoreWriter,
    attributes: Mapping[str, Any],
    arrays: Sequence[str],
    documents: Mapping[str, bytes],
) -> None:
    """Write the documents, the manifest and, last, the root object that makes the store whole; it lists the arrays in the order given.

    Raises
    ------
    DamagedStoreError
        What is there is not what was written.
    StoreError
        Another conversion has begun to write here.
    """
    location = draft.location
    for name, content in documents.items():
        draft.write(name, content)
    metadata = {name: draft.arrays[name] for name in arrays}
    _check_complete(draft, metadata)
    said = {"format": FORMAT, "format_version": VERSION, "finished": True, "content": draft.content}
    root = root_object(said | dict(attributes), metadata)
    objects = draft.objects | {
        ROOT: {"bytes": len(root), "sha256": hashlib.sha256(root).hexdigest()}
    }
    if location.is_local:
        _flush(location, list(draft.objects))
    location.drop_uploads()  # begun by a request whose answer was lost
    draft.check_ours()
    location.write(MANIFEST, to_json({"objects": dict(sorted(objects.items()))}))
    location.write(ROOT, root)
    location.remove(UNFINISHED)


def _check_complete(draft: StoreWriter, arrays: Mapping[str, Any]) -> None:
    """Every object of every array was written, and is there in its length: somebody may have removed or replaced some meanwhile."""
    there = draft.location.sizes()
    for array, metadata in arrays.items():
        parts = metadata["chunk_grid"]["configuration"]["chunk_shape"]
        wanted = math.prod(
            -(-size // part) for size, part in zip(metadata["shape"], parts, strict=True)
        )
        names = [name for name in draft.objects if name.startswith(f"{array}/c/")]
        found = sum(there.get(name) == draft.objects[name]["bytes"] for name in names)
        if found != wanted:
            raise DamagedStoreError(
                f"{draft.location.url}: {array} has {found} of {wanted} objects; convert again"
            )
    if more := sorted(there.keys() - draft.objects.keys() - {UNFINISHED}):
        raise DamagedStoreError(
            f"{draft.location.url}: somebody else has put {more[0]!r} there; remove it and convert again"
        )


def _flush(location: Location, names: Sequence[str]) -> None:
    """See that the disk has everything before the root says so: a power failure must not leave a root without its arrays."""
    for name in names:
        descriptor = os.open(location.path(name), os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _regroup(blocks: Iterator[Signals], size: int) -> Iterator[Signals]:
    """The same windows in pieces of ``size``, the last one shorter."""
    waiting: list[Signals] = []
    count = 0
    for block in blocks:
        rest = block
        while count + len(rest) >= size:
            cut = size - count
            yield np.concatenate([*waiting, rest[:cut]])
            rest, waiting, count = rest[cut:], [], 0
        if len(rest):
            waiting.append(rest)
            count += len(rest)
    if waiting:
        yield np.concatenate(waiting)


def text(values: Sequence[str]) -> npt.NDArray[Any]:
    """Text as a store's column takes it."""
    return np.array(list(values), dtype=object)


def reopen(location: Location) -> None:
    """Mark a finished store as one to be written again; from here on readers refuse it."""
    location.write(UNFINISHED, to_json({"format": FORMAT, "format_version": VERSION}))
    location.remove(ROOT)
