"""Every object of a store against its manifest, and which windows and recordings a damaged one hits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from bids_dl.remote.checksum import CHECKSUM_BYTES, has_valid_crc32c
from bids_dl.remote.location import Location
from bids_dl.store.format import MANIFEST, ROOT, UNFINISHED, array_of, content_id, to_json

READERS = 4  # objects in memory at a time, of up to a shard's size

Say = Callable[[int, int], None]
"""Told the bytes read so far and those there are."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that is not as it was written, or contradicts something else.

    Attributes
    ----------
    where
        Name of the object, or of the array, or key of the recording.
    windows
        First row of the window table that is hit and the first behind; None where it is no matter of windows.
    recordings
        Keys of the recordings that these windows are from.
    """

    where: str
    problem: str
    windows: tuple[int, int] | None = None
    recordings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Bad:
    """An object whose bytes are wrong, and what of them is there."""

    name: str
    problem: str
    content: bytes | None = None


def check_objects(location: Location, *, say: Say) -> tuple[list[Damage], dict[str, Any]]:
    """Read every object and compare it with the manifest; what is wrong, without its windows, and the manifest's entries.

    What is behind http(s) cannot be listed: there, objects too many are not found.
    """
    try:
        content = location.read(MANIFEST)
    except FileNotFoundError:
        return [Damage(MANIFEST, "is missing; without it no other object can be checked")], {}
    objects = _entries(content)
    if objects is None:
        return [
            Damage(
                MANIFEST, "is not what bids_dl writes; without it no other object can be checked"
            )
        ], {}
    damages = []
    metadata = _metadata(location)
    for bad in _bad_objects(location, objects, say):
        damages += [Damage(bad.name, problem, rows) for problem, rows in _reach(bad, metadata)]
    if not location.is_web:
        more = location.sizes().keys() - objects.keys() - {MANIFEST, UNFINISHED}
        damages += [Damage(name, "is no object of this store") for name in sorted(more)]
    return damages + _check_identifier(location, objects), objects


def named(damages: list[Damage], recordings: Callable[[], list[str]]) -> list[Damage]:
    """The same with the recordings that are hit; ``recordings`` gives the key of each window's, and is asked only if needed."""
    if not any(damage.windows for damage in damages):
        return damages
    keys = recordings()
    return [
        Damage(d.where, d.problem, d.windows, tuple(dict.fromkeys(keys[slice(*d.windows)])))
        if d.windows and keys
        else d
        for d in damages
    ]


def _entries(content: bytes) -> dict[str, dict[str, Any]] | None:
    """Entries of a manifest; None unless it is, byte by byte, what such entries are written as."""
    try:
        manifest = json.loads(content)
        objects: dict[str, dict[str, Any]] = manifest["objects"]
        whole = to_json({"objects": dict(sorted(objects.items()))}) == content
        known = all(
            set(entry) == {"bytes", "sha256"} and isinstance(entry["bytes"], int)
            for entry in objects.values()
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return objects if whole and known else None


def _bad_objects(
    location: Location, objects: Mapping[str, Mapping[str, Any]], say: Say
) -> Iterator[_Bad]:
    total, done = sum(entry["bytes"] for entry in objects.values()), 0
    with ThreadPoolExecutor(READERS) as pool:
        for (_, entry), bad in zip(
            objects.items(),
            pool.map(lambda item: _check(location, *item), objects.items()),
            strict=True,
        ):
            done += entry["bytes"]
            say(done, total)
            if bad:
                yield bad


def _check(location: Location, name: str, entry: Mapping[str, Any]) -> _Bad | None:
    try:
        content = location.read(name)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return _Bad(name, "is missing")
    except OSError as problem:
        return _Bad(name, f"cannot be read ({problem.strerror or type(problem).__name__})")
    if len(content) != entry["bytes"]:
        return _Bad(name, f"has {len(content)} bytes, the manifest says {entry['bytes']}", content)
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        return _Bad(name, "is not what was written (its SHA-256 differs)", content)
    return None


def _metadata(location: Location) -> dict[str, Any]:
    """`zarr.json` of all arrays from the root; nothing where the root is damaged."""
    try:
        found: dict[str, Any] = json.loads(location.read(ROOT))["consolidated_metadata"]["metadata"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return found


def _reach(bad: _Bad, metadata: Mapping[str, Any]) -> list[tuple[str, tuple[int, int] | None]]:
    """What to say of an object and the windows that it holds; of a shard, only those of the chunks that are wrong."""
    array = array_of(bad.name)
    about = metadata.get(array)
    if about is None or bad.name.endswith(ROOT) or "window" not in about["dimension_names"]:
        return [(bad.problem, None)]
    rows = about["chunk_grid"]["configuration"]["chunk_shape"][0]
    start = int(bad.name.removeprefix(f"{array}/c/").partition("/")[0]) * rows
    whole = (start, min(start + rows, about["shape"][0]))
    if about["codecs"][0]["name"] != "sharding_indexed" or bad.content is None:
        return [(bad.problem, whole)]
    chunks = _bad_chunks(bad.content, about)
    if chunks is None:
        return [(f"{bad.problem}; its index is lost", whole)]
    size = about["codecs"][0]["configuration"]["chunk_shape"][0]
    found = [(k, (start + k * size, min(start + (k + 1) * size, whole[1]))) for k in chunks]
    hit = [
        (f"{bad.problem}; chunk {k} of it is wrong", span) for k, span in found if span[0] < span[1]
    ]
    return [*hit] or [(f"{bad.problem}; all its windows are right", None)]


def _bad_chunks(content: bytes, about: Mapping[str, Any]) -> list[int] | None:
    """Numbers of the chunks of a shard that don't match their checksum; None where the index doesn't."""
    inner = about["codecs"][0]["configuration"]["chunk_shape"][0]
    count = about["chunk_grid"]["configuration"]["chunk_shape"][0] // inner
    index = content[-(16 * count + CHECKSUM_BYTES) :]
    if len(index) != 16 * count + CHECKSUM_BYTES or not has_valid_crc32c(index):
        return None
    places = np.frombuffer(index[:-CHECKSUM_BYTES], "<u8").reshape(-1, 2)
    absent = np.iinfo(np.uint64).max
    return [
        k
        for k, (offset, n) in enumerate(places)
        if offset != absent and not has_valid_crc32c(content[int(offset) : int(offset) + int(n)])
    ]


def _check_identifier(location: Location, objects: Mapping[str, Mapping[str, Any]]) -> list[Damage]:
    """Whether the manifest is the one of this root."""
    try:
        root = json.loads(location.read(ROOT))
        said, arrays = root["attributes"].get("content"), root["consolidated_metadata"]["metadata"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []  # the root does not match its own SHA-256, which is said already
    there = content_id(objects, arrays)
    return (
        []
        if said == there
        else [
            Damage(
                MANIFEST,
                f"is of another store: its arrays make {there[:16]}, the root says {str(said)[:16]}",
            )
        ]
    )
