"""Compare all objects of a store with its manifest, and find the windows a damaged one affects."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bids_dl.errors import BidsDlError
from bids_dl.input import parse_json
from bids_dl.remote.cancellation import request_threads
from bids_dl.remote.checksum import CHECKSUM_BYTES, has_valid_crc32c
from bids_dl.remote.location import Location
from bids_dl.store.array_objects import array_digests
from bids_dl.store.checking.damage import Damage, Remark, Rows
from bids_dl.store.checking.manifest import (
    check_documents,
    check_listed,
    edited_card,
    find_unexpected,
    parse_manifest,
)
from bids_dl.store.checking.root_check import find_root_problem
from bids_dl.store.format import (
    ARRAY_SHA256,
    CARD,
    MANIFEST,
    ROOT,
    SIGNALS,
    SIGNALS_CRC32C,
    array_name,
    content_id,
)
from bids_dl.store.json_objects import MAX_JSON_BYTES
from bids_dl.store.reader import open_store
from bids_dl.store.signals.chunk_checksums import Checksums, shard_checksums
from bids_dl.store.signals.chunk_layout import ENTRY_BYTES, NOT_STORED

MAX_EXCESS_BYTES = 1_000_000  # of an object that is read whole, although it is too large
PARALLEL_OBJECTS = 4  # in memory at a time, each up to the size of a shard
LARGE_BYTES = 128_000_000  # of an object that is read in parts; a shard of `bids-dl` has 96 MB

ProgressCallback = Callable[[int, int], None]
"""Called with the bytes read so far and the bytes of all objects."""


@dataclass(frozen=True, slots=True)
class ObjectCheck:
    """Result of the comparison of all objects with the manifest.

    Attributes
    ----------
    damages
        Damaged, missing and unexpected objects, without recordings.
    remarks
        An edited README.md, and files that are not part of the store.
    objects
        Entries of the manifest by object name; empty if the manifest cannot be used.
    """

    damages: list[Damage]
    remarks: list[Remark] = field(default_factory=list)
    objects: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _DamagedObject:
    """An object whose bytes are wrong, with those bytes if it exists."""

    name: str
    problem: str
    content: bytes | None = None

    @property
    def is_readable(self) -> bool:
        """True if the object exists and could be read."""
        return self.content is not None


def check_objects(location: Location, *, on_progress: ProgressCallback) -> ObjectCheck:
    """Read every object of a store and compare it with the manifest.

    Objects behind http(s) cannot be listed, so unexpected objects are not found there.
    """
    try:
        objects = parse_manifest(location.read(MANIFEST, max_bytes=MAX_JSON_BYTES))
    except FileNotFoundError:
        problem = "is missing; without it no other object can be checked"
        return ObjectCheck([Damage(MANIFEST, problem)])
    except OSError as error:
        problem = f"cannot be read ({error.strerror}); without it no other object can be checked"
        return ObjectCheck([Damage(MANIFEST, problem)])
    if objects is None:
        problem = "is not as bids_dl writes it; without it no other object can be checked"
        return ObjectCheck([Damage(MANIFEST, problem)])
    damages: list[Damage] = []
    remarks: list[Remark] = []
    root = _read_root(location)
    arrays = root["consolidated_metadata"]["metadata"] if root else {}
    checksums = _read_checksums(location)
    for damaged in _damaged_objects(location, objects, checksums, on_progress):
        if damaged.name == CARD and damaged.is_readable:
            remarks.append(edited_card(damaged.problem))
            damages.append(Damage(CARD, damaged.problem, is_remark=True))
            continue
        for problem, rows in _affected_windows(damaged, arrays, checksums):
            damages.append(Damage(damaged.name, problem, rows))
    if not location.is_web:  # the hub has listings
        unexpected, foreign = find_unexpected(location, objects, _array_names(objects))
        damages += unexpected
        remarks += foreign
    if root:
        damages += check_content(root, objects)
    return ObjectCheck(damages, remarks, objects)


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


def _damaged_objects(
    location: Location,
    objects: Mapping[str, Mapping[str, Any]],
    checksums: Checksums | None,
    on_progress: ProgressCallback,
) -> Iterator[_DamagedObject]:
    """Read all objects of the manifest, and yield those that are damaged or missing."""
    total = sum(entry["bytes"] for entry in objects.values())
    n_read = 0

    def check(name: str) -> _DamagedObject | None:
        expected = _expected_checksums(checksums, name)
        return _check_object(location, name, objects[name], expected)

    with request_threads(PARALLEL_OBJECTS) as pool:
        for entry, damaged in zip(objects.values(), pool.map(check, objects), strict=True):
            n_read += entry["bytes"]
            on_progress(n_read, total)
            if damaged:
                yield damaged


def _read_checksums(location: Location) -> Checksums | None:
    """Return the checksums of ``signals``, or None if the store has none or they are damaged."""
    try:
        return open_store(location.url, storage_options=location.storage_options).identity.checksums
    except BidsDlError:
        return None  # the damaged object is reported by its SHA-256


def _expected_checksums(checksums: Checksums | None, name: str) -> Checksums | None:
    """Return the checksums of an object, or None if it is no shard of ``signals``."""
    number = _object_number(name)
    if checksums is None or array_name(name) != SIGNALS or number is None:
        return None
    return checksums[number] if number < len(checksums) else None


def _object_number(name: str) -> int | None:
    """Return the number in the first dimension of a chunk object: 3 of ``signals/c/3/0/0``."""
    number = name.partition("/c/")[2].partition("/")[0]
    return int(number) if re.fullmatch("[0-9]{1,9}", number) else None


def _check_object(
    location: Location,
    name: str,
    entry: Mapping[str, Any],
    checksums: Checksums | None,
) -> _DamagedObject | None:
    """Read an object, and compare it with its entry in the manifest and with its checksums."""
    try:
        if location.is_local and location.size(name) > LARGE_BYTES:
            return _check_large_object(location, name, entry)
        # a server may send without end
        max_bytes = None if location.is_local else entry["bytes"] + MAX_EXCESS_BYTES
        content = location.read(name, max_bytes=max_bytes)
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
    if checksums is not None and not _has_checksums(content, checksums):
        problem = f"differs from the object written ({SIGNALS_CRC32C} has other checksums)"
        return _DamagedObject(name, problem, content)
    return None


def _check_large_object(
    location: Location, name: str, entry: Mapping[str, Any]
) -> _DamagedObject | None:
    """Compare an object on disk with its entry in the manifest, in parts that fit into memory."""
    size = location.size(name)
    if size != entry["bytes"]:
        return _DamagedObject(name, f"has {size} bytes, the manifest says {entry['bytes']}")
    sha256 = hashlib.sha256()
    for start in range(0, size, LARGE_BYTES):
        sha256.update(location.read(name, start, start + LARGE_BYTES))
    if sha256.hexdigest() != entry["sha256"]:
        return _DamagedObject(name, "differs from the object written (SHA-256 mismatch)")
    return None


def _has_checksums(shard: bytes, expected: Checksums) -> bool:
    """Return whether the chunks and the index of a shard end with the expected checksums."""
    n_chunks = len(expected) - 1
    try:
        stated = shard_checksums(shard, n_chunks)
    except ValueError:
        return False
    return bool(np.array_equal(stated, expected)) and _has_chunks_inside(shard, n_chunks)


def _has_chunks_inside(shard: bytes, n_chunks: int) -> bool:
    """Return whether the index of a shard has no chunk beyond the bytes of the shard."""
    end = len(shard) - ENTRY_BYTES * n_chunks - CHECKSUM_BYTES
    entries = np.frombuffer(shard, "<u8", 2 * n_chunks, end).reshape(-1, 2)
    stored = entries[entries[:, 0] != NOT_STORED]
    sizes_fit = bool((stored <= end).all())
    return sizes_fit and bool((stored.sum(axis=1) <= end).all())


def _read_root(location: Location) -> Mapping[str, Any] | None:
    """Return the root, or None if it cannot be used. It may differ from its own SHA-256."""
    try:
        root: Mapping[str, Any] = parse_json(location.read(ROOT, max_bytes=MAX_JSON_BYTES))
    except (OSError, ValueError):
        return None
    return None if find_root_problem(root) else root


def _array_names(objects: Mapping[str, Any]) -> set[str]:
    """Return the names of the arrays that the manifest lists objects of."""
    return {array_name(name) for name in objects} - {""}


def _affected_windows(
    damaged: _DamagedObject, arrays: Mapping[str, Any], checksums: Checksums | None
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
    number = _object_number(damaged.name)
    if number is None:
        return [(damaged.problem, None)]
    start = number * n_rows
    stop = min(start + n_rows, metadata["shape"][0])
    is_sharded = metadata["codecs"][0]["name"] == "sharding_indexed"
    if not is_sharded or damaged.content is None:
        return [(damaged.problem, (start, stop))]
    expected = _expected_checksums(checksums, damaged.name)
    chunks = _damaged_chunks(damaged.content, metadata, expected)
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


def _damaged_chunks(
    content: bytes, metadata: Mapping[str, Any], expected: Checksums | None
) -> list[int] | None:
    """Return the chunks of a shard that differ from their checksums, or from the expected ones.

    None if the index of the shard does not match its checksum.
    """
    chunk_rows = metadata["codecs"][0]["configuration"]["chunk_shape"][0]
    n_chunks = metadata["chunk_grid"]["configuration"]["chunk_shape"][0] // chunk_rows
    index_bytes = ENTRY_BYTES * n_chunks + CHECKSUM_BYTES
    index = content[-index_bytes:]
    if len(index) != index_bytes or not has_valid_crc32c(index):
        return None
    entries = np.frombuffer(index[:-CHECKSUM_BYTES], "<u8").reshape(-1, 2)
    stated = shard_checksums(content, n_chunks)
    damaged = []
    for chunk, (offset, size) in enumerate(entries.tolist()):
        is_intact = offset == NOT_STORED or has_valid_crc32c(content[offset : offset + size])
        is_expected = expected is None or stated[chunk] == expected[chunk]
        if not (is_intact and is_expected):
            damaged.append(chunk)
    return damaged


def check_content(
    root: Mapping[str, Any], objects: Mapping[str, Mapping[str, Any]]
) -> list[Damage]:
    """Check that manifest and root have the same identifiers of content and documents."""
    attributes = root["attributes"]
    arrays = root["consolidated_metadata"]["metadata"]
    stated = attributes.get("content")
    computed = content_id(objects, arrays)
    if stated == computed:
        damages = list(check_listed(arrays, objects)) or _check_array_digests(root, objects)
        return [*damages, *check_documents(attributes, arrays, objects)]
    problem = (
        f"belongs to another store: its arrays have the content identifier {computed[:16]}, "
        f"the root says {str(stated)[:16]}"
    )
    return [Damage(MANIFEST, problem)]


def _check_array_digests(
    root: Mapping[str, Any], objects: Mapping[str, Mapping[str, Any]]
) -> list[Damage]:
    """Check that manifest and root have the same SHA-256 for the objects of small arrays."""
    stated = root["attributes"].get(ARRAY_SHA256)
    if stated is None:
        return []  # an older bids_dl wrote the store
    damages = []
    for name, digests in array_digests(objects, root["consolidated_metadata"]["metadata"]).items():
        if stated.get(name) != digests:
            problem = f"the root has other SHA-256 for the objects of {name} than the manifest"
            damages.append(Damage(name, problem))
    return damages
