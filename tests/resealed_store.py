"""Stores that were changed by somebody who makes every checksum match again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from bids_dl.store.array_objects import array_digests
from bids_dl.store.format import (
    ARRAY_SHA256,
    BLANK_SHA256,
    DOCUMENTS,
    ROOT_SHA256,
    SIGNALS_CRC32C,
    content_id,
    document_digests,
    to_json,
)
from bids_dl.store.signals.chunk_checksums import shard_checksums


def object_entry(content: bytes) -> dict[str, Any]:
    """Return the entry of an object in the manifest."""
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def read_root(store: Path) -> dict[str, Any]:
    """Return the root of a store."""
    root: dict[str, Any] = json.loads((store / "zarr.json").read_text())
    return root


def update_manifest(store: Path, *names: str) -> None:
    """Make the manifest agree with some objects."""
    manifest = json.loads((store / "manifest.json").read_text())
    for name in names:
        manifest["objects"][name] = object_entry((store / name).read_bytes())
    (store / "manifest.json").write_bytes(to_json(manifest))


def write_root(store: Path, root: dict[str, Any]) -> None:
    """Write a root whose SHA-256 matches, and make the manifest agree with it."""
    root["attributes"][ROOT_SHA256] = BLANK_SHA256
    seal_root(store, json.dumps(root, indent=1, ensure_ascii=False).encode() + b"\n")


def seal_root(store: Path, blank_root: bytes) -> None:
    """Write bytes with `BLANK_SHA256` as a root whose SHA-256 matches."""
    sha256 = hashlib.sha256(blank_root).hexdigest()
    (store / "zarr.json").write_bytes(blank_root.replace(BLANK_SHA256.encode(), sha256.encode(), 1))
    update_manifest(store, "zarr.json")


def reseal(store: Path) -> None:
    """Make checksums, manifest and root agree with all objects, as a careful editor would."""
    if (store / SIGNALS_CRC32C).is_dir():
        _update_checksums(store)
    objects = {}
    for path in store.rglob("*"):
        name = path.relative_to(store).as_posix()
        if path.is_file() and name not in {"manifest.json", "zarr.json"}:
            objects[name] = object_entry(path.read_bytes())
    root = read_root(store)
    arrays = root["consolidated_metadata"]["metadata"]
    attributes = root["attributes"]
    attributes["content"] = content_id(objects, arrays)
    if ARRAY_SHA256 in attributes:
        attributes[ARRAY_SHA256] = array_digests(objects, arrays)
    if DOCUMENTS in attributes:
        attributes[DOCUMENTS] = document_digests(objects, arrays)
    objects["zarr.json"] = {}
    (store / "manifest.json").write_bytes(to_json({"objects": dict(sorted(objects.items()))}))
    write_root(store, root)


def _update_checksums(store: Path) -> None:
    """Make `SIGNALS_CRC32C` agree with the shards, as far as they have an index."""
    array = zarr.open_array(store / SIGNALS_CRC32C, mode="r+")
    rows = []
    for shard in range(array.shape[0]):
        content = (store / f"signals/c/{shard}/0/0").read_bytes()
        rows.append(shard_checksums(content, array.shape[1] - 1))
    array[...] = np.stack(rows)
