"""Check, before the root is written, that a store consists of the objects that were written."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from bids_dl.errors import DamagedStoreError
from bids_dl.remote.location import Location
from bids_dl.store.array_objects import chunk_objects
from bids_dl.store.format import UNFINISHED
from bids_dl.wording import count


def check_complete(
    location: Location, objects: Mapping[str, Mapping[str, Any]], arrays: Mapping[str, Any]
) -> None:
    """Check that the objects at a location are exactly those that were written.

    Somebody else may have removed, replaced or added objects meanwhile.

    Parameters
    ----------
    objects
        Bytes and SHA-256 of each object that was written, by name.
    arrays
        `zarr.json` of each array by name.

    Raises
    ------
    DamagedStoreError
        An object of an array is missing or has another size, or there is an unknown object.
    """
    sizes = location.sizes()
    for array, metadata in arrays.items():
        names = chunk_objects(array, metadata)
        complete = 0
        for name in names:
            if name in objects and sizes.get(name) == objects[name]["bytes"]:
                complete += 1
        if complete != len(names):
            raise DamagedStoreError(
                f"{location.url}: {array} has {complete} of {count(len(names), 'object')}; "
                "convert again"
            )
    unknown = sorted(sizes.keys() - objects.keys() - {UNFINISHED})
    if unknown:
        raise DamagedStoreError(
            f"{location.url}: somebody else has added {unknown[0]!r}; remove it and convert again"
        )


def flush(location: Location, names: Sequence[str]) -> None:
    """Flush objects to disk, because a power failure must not leave a root without its arrays.

    Parameters
    ----------
    location
        A location on disk.
    names
        Names of the objects.
    """
    for name in names:
        descriptor = os.open(location.path(name), os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
