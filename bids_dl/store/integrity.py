"""Compare all objects of a store with its manifest, and find the windows a damaged one affects."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bids_dl.remote.checksum import CHECKSUM_BYTES, has_valid_crc32c
from bids_dl.remote.location import Location
from bids_dl.store.chunk_layout import ENTRY_BYTES
from bids_dl.store.format import MANIFEST, ROOT, UNFINISHED, array_name, content_id, to_json

PARALLEL_OBJECTS = 4  # in memory at a time, each up to the size of a shard

ProgressCallback = Callable[[int, int], None]
"""Called with the bytes read so far and the bytes of all objects."""

Rows = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that differs from what was written, or contradicts something else.

    Attributes
    ----------
    where
        Name of the object or array, or key of the recording.
    problem
        Description of the damage.
    windows
        First affected row of the window table and the first after the last; None if no windows are
        affected.
    recordings
        Keys of the recordings of these windows.
    """

    where: str
    problem: str
    windows: Rows | None = None
    recordings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _DamagedObject:
    """An object whose bytes are wrong, with those bytes if it exists."""

    name: str
    problem: str
    content: bytes | None = None


def check_objects(
    location: Location, *, on_progress: ProgressCallback
) -> tuple[list[Damage], dict[str, Any]]:
    """Read every object of a store and compare it with the manifest.

    Objects behind http(s) cannot be listed, so unexpected objects are not found there.

    Returns
    -------
    damages
        Damaged, missing and unexpected objects, without recordings.
    objects
        Entries of the manifest by object name; empty if the manifest cannot be used.
    """
    try:
        content = location.read(MANIFEST)
    except FileNotFoundError:
        problem = "is missing; without it no other object can be checked"
        return [Damage(MANIFEST, problem)], {}
    objects = _parse_manifest(content)
    if objects is None:
        problem = "is not as bids_dl writes it; without it no other object can be checked"
        return [Damage(MANIFEST, problem)], {}
    damages = []
    arrays = _array_metadata(location)
    for damaged in _damaged_objects(location, objects, on_progress):
        for problem, rows in _affected_windows(damaged, arrays):
            damages.append(Damage(damaged.name, problem, rows))
    if not location.is_web:
        unexpected = location.sizes().keys() - objects.keys() - {MANIFEST, UNFINISHED}
        problem = "unexpected object: not listed in the manifest"
        damages += [Damage(name, problem) for name in sorted(unexpected)]
    return damages + _check_content_id(location, objects), objects


def with_recordings(damages: list[Damage], read_keys: Callable[[], list[str]]) -> list[Damage]:
    """Add the affected recordings to damages.

    Parameters
    ----------
    read_keys
        Returns the recording key of each window, or nothing if the keys are damaged. It is called
        only if a damage affects windows.
    """
    if not any(damage.windows for damage in damages):
        return damages
    keys = read_keys()
    completed = []
    for damage in damages:
        recordings: tuple[str, ...] = ()
        if damage.windows and keys:
            recordings = tuple(dict.fromkeys(keys[slice(*damage.windows)]))
        completed.append(replace(damage, recordings=recordings or damage.recordings))
    return completed


def _parse_manifest(content: bytes) -> dict[str, dict[str, Any]] | None:
    """Return the entries of a manifest, or None if they would be written as other bytes."""
    try:
        objects: dict[str, dict[str, Any]] = json.loads(content)["objects"]
        if to_json({"objects": dict(sorted(objects.items()))}) != content:
            return None
        for entry in objects.values():
            if set(entry) != {"bytes", "sha256"} or not isinstance(entry["bytes"], int):
                return None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return objects


def _damaged_objects(
    location: Location,
    objects: Mapping[str, Mapping[str, Any]],
    on_progress: ProgressCallback,
) -> Iterator[_DamagedObject]:
    """Read all objects of the manifest, and yield those that are damaged or missing."""
    total = sum(entry["bytes"] for entry in objects.values())
    n_read = 0

    def check(name: str) -> _DamagedObject | None:
        return _check_object(location, name, objects[name])

    with ThreadPoolExecutor(PARALLEL_OBJECTS) as pool:
        for entry, damaged in zip(objects.values(), pool.map(check, objects), strict=True):
            n_read += entry["bytes"]
            on_progress(n_read, total)
            if damaged:
                yield damaged


def _check_object(location: Location, name: str, entry: Mapping[str, Any]) -> _DamagedObject | None:
    """Read an object and compare it with its entry in the manifest."""
    try:
        content = location.read(name)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return _DamagedObject(name, "is missing")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return _DamagedObject(name, f"cannot be read ({reason})")
    if len(content) != entry["bytes"]:
        problem = f"has {len(content)} bytes, the manifest says {entry['bytes']}"
        return _DamagedObject(name, problem, content)
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        problem = "differs from the object written (SHA-256 mismatch)"
        return _DamagedObject(name, problem, content)
    return None


def _array_metadata(location: Location) -> dict[str, Any]:
    """Return the `zarr.json` of all arrays from the root, empty if the root is damaged."""
    try:
        root = json.loads(location.read(ROOT))
        arrays: dict[str, Any] = root["consolidated_metadata"]["metadata"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return arrays


def _affected_windows(
    damaged: _DamagedObject, arrays: Mapping[str, Any]
) -> list[tuple[str, Rows | None]]:
    """Describe the damage of an object and the windows it affects.

    A shard is described by its damaged chunks, one line per chunk.
    """
    array = array_name(damaged.name)
    metadata = arrays.get(array)
    if metadata is None or damaged.name.endswith(ROOT):
        return [(damaged.problem, None)]
    if "window" not in metadata["dimension_names"]:
        return [(damaged.problem, None)]
    n_rows = metadata["chunk_grid"]["configuration"]["chunk_shape"][0]
    number = int(damaged.name.removeprefix(f"{array}/c/").partition("/")[0])
    start = number * n_rows
    stop = min(start + n_rows, metadata["shape"][0])
    is_sharded = metadata["codecs"][0]["name"] == "sharding_indexed"
    if not is_sharded or damaged.content is None:
        return [(damaged.problem, (start, stop))]
    chunks = _damaged_chunks(damaged.content, metadata)
    if chunks is None:
        return [(f"{damaged.problem}; its index is lost", (start, stop))]
    chunk_rows = metadata["codecs"][0]["configuration"]["chunk_shape"][0]
    affected: list[tuple[str, Rows | None]] = []
    for chunk in chunks:
        first = start + chunk * chunk_rows
        last = min(first + chunk_rows, stop)
        if first < last:
            affected.append((f"{damaged.problem}; its chunk {chunk} is damaged", (first, last)))
    return affected or [(f"{damaged.problem}; all its windows are intact", None)]


def _damaged_chunks(content: bytes, metadata: Mapping[str, Any]) -> list[int] | None:
    """Return the chunks of a shard that differ from their checksums.

    None if the index of the shard does.
    """
    chunk_rows = metadata["codecs"][0]["configuration"]["chunk_shape"][0]
    n_chunks = metadata["chunk_grid"]["configuration"]["chunk_shape"][0] // chunk_rows
    index_bytes = ENTRY_BYTES * n_chunks + CHECKSUM_BYTES
    index = content[-index_bytes:]
    if len(index) != index_bytes or not has_valid_crc32c(index):
        return None
    entries = np.frombuffer(index[:-CHECKSUM_BYTES], "<u8").reshape(-1, 2)
    not_stored = np.iinfo(np.uint64).max
    damaged = []
    for chunk, (offset, size) in enumerate(entries):
        if offset == not_stored:
            continue
        if not has_valid_crc32c(content[int(offset) : int(offset) + int(size)]):
            damaged.append(chunk)
    return damaged


def _check_content_id(location: Location, objects: Mapping[str, Mapping[str, Any]]) -> list[Damage]:
    """Check that manifest and root have the same content identifier."""
    try:
        root = json.loads(location.read(ROOT))
        stated = root["attributes"].get("content")
        arrays = root["consolidated_metadata"]["metadata"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []  # the root differs from its own SHA-256, which is reported already
    computed = content_id(objects, arrays)
    if stated == computed:
        return []
    problem = (
        f"belongs to another store: its arrays have the content identifier {computed[:16]}, "
        f"the root says {str(stated)[:16]}"
    )
    return [Damage(MANIFEST, problem)]
