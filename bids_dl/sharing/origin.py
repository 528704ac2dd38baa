"""Addresses from which the sources of a store can be opened again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def address_of(source: Mapping[str, Any]) -> str:
    """Return the address of a source with its version, "" for a local folder.

    Parameters
    ----------
    source
        One of the `sources` of the attributes of a store.

    Examples
    --------
    >>> address_of({"address": "openneuro:ds004362", "version": "1.0.0", "commit": "cab42965"})
    'openneuro:ds004362@1.0.0'
    >>> address_of({"dataset": "ds004362"})
    ''
    """
    address = str(source.get("address", ""))
    if "://" in address:  # its version is the list of its files, which has no name
        return address
    version = source.get("version") or source.get("commit")
    return f"{address}@{version}" if address and version else address
