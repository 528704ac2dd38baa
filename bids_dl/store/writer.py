"""Write a store, root last: until then a reader refuses it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import zarr
from zarr.codecs import Crc32cCodec

from bids_dl.config import StoreConfig
from bids_dl.errors import DamagedStoreError, StoreError
from bids_dl.store.format import DIMENSIONS, FORMAT, MANIFEST, ROOT, SIGNALS, UNFINISHED, VERSION, Column, root_object, sizes, to_json
from bids_dl.store.location import Location
from bids_dl.store.reader import zarr_store

Signals = npt.NDArray[np.float32]
ROWS_PER_CHUNK = 100_000  # of the window table


def begin(location: Location, plan: str) -> None:
    """Claim an empty place, or one where a store was left unfinished, for a plan (its digest).

    Raises
    ------
    StoreError
        Something else is there.
    """
    names = location.list()
    if names and UNFINISHED not in names:
        raise StoreError(f"{location.url}: holds {names[0]!r} and is no bids-dl store; choose a DEST of its own")
    location.remove()
    location.write(UNFINISHED, to_json({"format": FORMAT, "format_version": VERSION, "plan": plan}))


def write_signals(
    location: Location, shape: tuple[int, int, int], blocks: Iterator[Signals], config: StoreConfig, *, say: Callable[[int], None]
) -> None:
    """Write ``signals`` shard by shard.

    Parameters
    ----------
    shape
        (n_windows, n_chans, n_times) of the whole array.
    blocks
        Windows in the order of the store, µV, in pieces of any number of windows.
    say
        Called with the number of windows written since the last call.
    """
    chunk, shard = sizes(shape, config)
    array = zarr.create_array(
        zarr_store(location.child(SIGNALS)),
        shape=shape,
        chunks=(chunk, *shape[1:]),
        shards=(shard, *shape[1:]),
        dtype=config.dtype,
        filters=None,
        compressors=[Crc32cCodec()],
        fill_value=0,
        dimension_names=DIMENSIONS,
        attributes={"units": "uV", "long_name": "EEG signal"},
        zarr_format=3,
        config={"write_empty_chunks": True},  # a shard that is not there is damage
    )
    start = 0
    for piece in _regroup(blocks, shard):
        array[start : start + len(piece)] = piece
        start += len(piece)
        say(len(piece))
    if start != shape[0]:
        raise StoreError(f"{location.url}: {start} windows came for an array of {shape[0]}; this is a bug, please report it")


def write_column(location: Location, column: Column) -> None:
    """Write one small array; text as the Zarr data type ``string``."""
    text = column.values.dtype == object
    shape = column.values.shape
    array = zarr.create_array(
        zarr_store(location.child(column.name)),
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


def finish(location: Location, attributes: Mapping[str, Any], arrays: Sequence[str], documents: Mapping[str, bytes]) -> None:
    """Write the documents, the manifest and, last, the root object that makes the store whole; it lists the arrays in the order given.

    Raises
    ------
    DamagedStoreError
        An object of an array is not there.
    """
    for name, content in documents.items():
        location.write(name, content)
    names = [name for name in location.list() if name not in {UNFINISHED, MANIFEST, ROOT}]
    metadata = {name: json.loads(location.read(f"{name}/{ROOT}")) for name in arrays}
    _check_complete(location, metadata, names)
    root = root_object({"format": FORMAT, "format_version": VERSION, "finished": True, **attributes}, metadata)
    objects = {name: _entry(location.read(name)) for name in names} | {ROOT: _entry(root)}
    location.write(MANIFEST, to_json({"objects": dict(sorted(objects.items()))}))
    location.write(ROOT, root)
    location.remove(UNFINISHED)


def _check_complete(location: Location, arrays: Mapping[str, Any], names: Sequence[str]) -> None:
    """Every array has as many objects as its shape asks for; fewer where somebody removed them meanwhile."""
    for array, metadata in arrays.items():
        parts = metadata["chunk_grid"]["configuration"]["chunk_shape"]
        wanted = math.prod(-(-size // part) for size, part in zip(metadata["shape"], parts, strict=True))
        there = sum(name.startswith(f"{array}/c/") for name in names)
        if there != wanted:
            raise DamagedStoreError(f"{location.url}: {array} has {there} of {wanted} objects; convert again")


def _entry(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


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
