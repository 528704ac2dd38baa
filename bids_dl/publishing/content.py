"""Bytes of a finished store, each object compared with the manifest while it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from bids_dl.errors import DamagedStoreError
from bids_dl.publishing.object_order import order_objects
from bids_dl.remote.location import Location
from bids_dl.store import Store
from bids_dl.store.checking.integrity import check_content
from bids_dl.store.checking.manifest import parse_manifest
from bids_dl.store.format import CARD, MANIFEST, ROOT, is_valid_root
from bids_dl.store.json_objects import MAX_JSON_BYTES

MAX_EXCESS_BYTES = 1_000_000  # of an object that is read although it is too large, to tell its size


@dataclass(frozen=True, slots=True)
class ObjectEntry:
    """Size and SHA-256 of an object, by which copies are compared.

    Attributes
    ----------
    name
        Name of the object within the store.
    n_bytes
        Size.
    sha256
        SHA-256 in hexadecimal.
    """

    name: str
    n_bytes: int
    sha256: str


@dataclass(frozen=True, eq=False)
class StoreContent:
    """All objects of a finished store, manifest and root last.

    Attributes
    ----------
    store
        The store.
    entries
        Entry of each object by name, in the order in which they are copied.
    manifest
        Bytes of `manifest.json`.
    edited_card
        Bytes of a README.md that its owner has edited, None if it is the one written.
    """

    store: Store
    entries: Mapping[str, ObjectEntry]
    manifest: bytes = field(repr=False)
    edited_card: bytes | None = field(default=None, repr=False)

    @property
    def content(self) -> str:
        """Content identifier of the store."""
        return str(self.store.attributes["content"])

    @property
    def root_sha256(self) -> str:
        """SHA-256 of the root, which identifies the store with its documents."""
        return self.entries[ROOT].sha256

    @property
    def n_bytes(self) -> int:
        """Bytes of all objects."""
        return sum(entry.n_bytes for entry in self.entries.values())

    @cached_property
    def location(self) -> Location:
        """Location of the store."""
        return self.store.location

    def with_card(self, card: bytes) -> StoreContent:
        """Return the same store with another README.md, as its owner may edit it."""
        entry = ObjectEntry(CARD, len(card), hashlib.sha256(card).hexdigest())
        return replace(self, entries={**self.entries, CARD: entry}, edited_card=card)

    def read(self, name: str) -> bytes:
        """Read an object, and compare it with its entry.

        Raises
        ------
        DamagedStoreError
            The object is missing, cannot be read, or is not the one that was written.
        """
        if name == MANIFEST:
            return self.manifest
        if name == CARD and self.edited_card is not None:
            return self.edited_card
        return read_object(self.location, self.entries[name])


def read_object(location: Location, entry: ObjectEntry) -> bytes:
    """Read an object and compare it with its entry.

    Parameters
    ----------
    location
        Location of the store.
    entry
        Entry of the object in the manifest.

    Raises
    ------
    DamagedStoreError
        The object is missing, cannot be read, or has another size or SHA-256.
    """
    problem = "is missing"
    try:
        content = location.read(entry.name, max_bytes=entry.n_bytes + MAX_EXCESS_BYTES)
        problem = find_difference(content, entry)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        problem = f"cannot be read ({error.strerror or type(error).__name__})"
    if problem:
        raise damaged_object(location, entry.name, problem)
    return content


def find_difference(content: bytes, entry: ObjectEntry) -> str:
    """Return how bytes differ from an entry, "" if they do not.

    Examples
    --------
    >>> find_difference(b"ab", ObjectEntry("a", 3, ""))
    'has 2 bytes, the manifest says 3'
    """
    if len(content) != entry.n_bytes:
        return f"has {len(content)} bytes, the manifest says {entry.n_bytes}"
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        return "differs from the object written (SHA-256 mismatch)"
    return ""


def damaged_object(location: Location, name: str, problem: str) -> DamagedStoreError:
    """Return the error for an object that is not the one written."""
    return DamagedStoreError(
        f"{location.url}: {name} {problem}; run `bids-dl verify` to see all damage, and get the "
        "store again"
    )


def read_content(store: Store) -> StoreContent:
    """Read the manifest of a store, and check that it belongs to its root.

    Parameters
    ----------
    store
        An opened, so finished store.

    Raises
    ------
    DamagedStoreError
        The manifest is missing, or is not that of this root.
    """
    location = store.location
    try:
        manifest = location.read(MANIFEST, max_bytes=MAX_JSON_BYTES)
    except OSError as error:
        reason = error.strerror or "missing"
        raise damaged_object(location, MANIFEST, f"cannot be read ({reason})") from None
    objects = parse_manifest(manifest)
    if objects is None:
        raise damaged_object(location, MANIFEST, "is not as bids_dl writes it")
    damages = check_content(store.root, objects)
    if damages:
        raise damaged_object(location, damages[0].where, damages[0].problem)
    entries = _list_entries(store, objects, manifest)
    _check_root(store, entries)
    content = StoreContent(store, entries, manifest)
    card = _read_edited_card(location, entries)
    return content if card is None else content.with_card(card)


def _list_entries(
    store: Store, objects: Mapping[str, Mapping[str, Any]], manifest: bytes
) -> dict[str, ObjectEntry]:
    """Return the entries of all objects in the order in which they are copied."""
    arrays = store.root["consolidated_metadata"]["metadata"]
    entries = {}
    for name in order_objects([*objects, MANIFEST], arrays):
        if name == MANIFEST:
            entries[name] = ObjectEntry(name, len(manifest), hashlib.sha256(manifest).hexdigest())
        else:
            entries[name] = ObjectEntry(name, objects[name]["bytes"], objects[name]["sha256"])
    return entries


def _check_root(store: Store, entries: Mapping[str, ObjectEntry]) -> None:
    """Raise unless the root is that of the manifest and was not replaced meanwhile."""
    if ROOT not in entries:
        raise damaged_object(store.location, MANIFEST, f"does not list {ROOT}")
    content = read_object(store.location, entries[ROOT])
    if not is_valid_root(content, store.attributes):
        raise damaged_object(store.location, ROOT, "was replaced meanwhile")


def _read_edited_card(location: Location, entries: Mapping[str, ObjectEntry]) -> bytes | None:
    """Return README.md if it is not the one written, which its owner may edit."""
    if CARD not in entries:
        return None
    try:
        content = location.read(CARD, max_bytes=MAX_JSON_BYTES)
    except OSError:
        return None  # reported when it is copied
    return content if find_difference(content, entries[CARD]) else None
