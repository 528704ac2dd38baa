"""Compare the manifest of a store with its root and with the objects that exist."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from bids_dl.config.json_schema import find_violation
from bids_dl.input import parse_json
from bids_dl.remote.location import Location
from bids_dl.store.array_objects import chunk_objects
from bids_dl.store.checking.damage import Damage, Remark
from bids_dl.store.checking.root_schema import DOCUMENT_SCHEMAS
from bids_dl.store.format import (
    CARD,
    DOCUMENTS,
    MANIFEST,
    ROOT,
    UNFINISHED,
    array_name,
    document_digests,
    to_json,
)
from bids_dl.wording import count

Entries = Mapping[str, Mapping[str, Any]]
"""Bytes and SHA-256 of each object by name, as in the manifest."""

UNCHECKED_DOCUMENTS = (
    "an older bids_dl wrote this store: a document, such as LICENSE, that was changed together "
    "with manifest.json is not found"
)


def parse_manifest(content: bytes) -> dict[str, dict[str, Any]] | None:
    """Return the entries of a manifest, or None if it is not as the format writes it.

    Equal entries have equal bytes, so a manifest is refused if it would be written otherwise.
    """
    try:
        parsed = parse_json(content)
    except ValueError:
        return None
    if find_violation(parsed, DOCUMENT_SCHEMAS[MANIFEST]):
        return None
    objects: dict[str, dict[str, Any]] = parsed["objects"]
    if any(set(entry) != {"bytes", "sha256"} for entry in objects.values()):
        return None
    if to_json({"objects": dict(sorted(objects.items()))}) != content:
        return None
    return objects


def check_listed(arrays: Mapping[str, Any], objects: Entries) -> Iterator[Damage]:
    """Check that the manifest lists the objects of each array, and no others.

    Parameters
    ----------
    arrays
        `zarr.json` of each array by name, from the root.
    """
    listed: dict[str, set[str]] = {name: set() for name in arrays}
    for name in objects:
        if array_name(name) in arrays:
            listed[array_name(name)].add(name)
    for array, metadata in arrays.items():
        expected = {f"{array}/{ROOT}", *chunk_objects(array, metadata)}
        missing = expected - listed[array]
        if missing:
            objects_of = f"{count(len(missing), 'object')} of {array}"
            yield Damage(MANIFEST, f"does not list {objects_of}, such as {min(missing)}")
        extra = listed[array] - expected
        if extra:
            objects_of = f"{count(len(extra), 'object')} beyond the shape of {array}"
            yield Damage(MANIFEST, f"lists {objects_of}, such as {min(extra)}")


def check_documents(
    attributes: Mapping[str, Any], arrays: Mapping[str, Any], objects: Entries
) -> Iterator[Damage]:
    """Check that manifest and root have the same SHA-256 for each document.

    Parameters
    ----------
    attributes
        Attributes of the root. Those of an older store do not cover the documents.
    arrays
        `zarr.json` of each array by name.
    """
    stated = attributes.get(DOCUMENTS)
    if stated is None:
        return
    listed = document_digests(objects, arrays)
    for name in sorted({*stated, *listed}):
        if name not in stated:
            yield Damage(MANIFEST, f"lists {name}, which is no document of this store")
        elif name not in listed:
            yield Damage(MANIFEST, f"does not list {name}, which is a document of this store")
        elif stated[name] != listed[name]:
            problem = f"has another SHA-256 for {name} than the root; both were changed together"
            yield Damage(MANIFEST, problem)


def find_unexpected(
    location: Location, objects: Entries, arrays: Collection[str]
) -> tuple[list[Damage], list[Remark]]:
    """Find objects that the manifest does not list.

    Within the folder of an array they are damage. Others, such as `.gitattributes` or `.git/`, are
    never read, so they are remarks: one for a folder.

    Parameters
    ----------
    arrays
        Names of the arrays.
    """
    names = _list_local(location.folder, arrays) if location.is_local else location.list()
    damages: list[Damage] = []
    foreign: dict[str, int] = {}
    for name in sorted(set(names) - objects.keys() - {MANIFEST, UNFINISHED}):
        folder, separator, _ = name.partition("/")
        if separator and folder in arrays:
            damages.append(Damage(name, "unexpected object: not listed in the manifest"))
        else:
            key = folder + separator
            foreign[key] = foreign.get(key, 0) + (not name.endswith("/"))
    remarks = []
    for name, number in foreign.items():
        files = f" ({count(number, 'file')})" if name.endswith("/") and number else ""
        remarks.append(Remark(name, f"not part of the store{files}"))
    return damages, remarks


def edited_card(problem: str) -> Remark:
    """Return the remark for a README.md that differs from the one written."""
    return Remark(CARD, f"edited after the store was written ({problem})")


def _list_local(folder: Path, arrays: Collection[str]) -> Iterator[str]:
    """Yield the names of files in a folder and in the folders of its arrays.

    Other folders are named, with a slash, but not entered: they may be large. Links to folders are
    not followed, because they may lead in a circle.
    """
    for entry in os.scandir(folder):
        if entry.name in arrays:
            for parent, _, files in os.walk(entry.path):
                for file in files:
                    yield Path(parent, file).relative_to(folder).as_posix()
        elif entry.is_dir(follow_symlinks=False):
            yield f"{entry.name}/"
        else:
            yield entry.name
