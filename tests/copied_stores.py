"""State of the copies of a store: no store, or a whole one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from bids_dl.publishing.content import StoreContent
from bids_dl.store.format import CARD


def is_store(objects: Mapping[str, bytes]) -> bool:
    """Return whether a reader would open the objects."""
    return "zarr.json" in objects


def assert_whole(objects: Mapping[str, bytes], content: StoreContent, *, card: bool = True) -> None:
    """Check that objects are those of a store, and no others.

    Parameters
    ----------
    card
        Whether README.md must be that of the store too.
    """
    assert sorted(objects) == sorted(content.entries)
    for name, entry in content.entries.items():
        if card or name != CARD:
            assert hashlib.sha256(objects[name]).hexdigest() == entry.sha256, name


def assert_none_or_whole(objects: Mapping[str, bytes], content: StoreContent) -> None:
    """Check that nobody can open a part of a store."""
    if is_store(objects):
        missing = set(content.entries) - set(objects)
        assert not missing
