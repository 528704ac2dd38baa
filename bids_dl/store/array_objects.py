"""Objects of arrays: their names, and the SHA-256 by which the root ties them to the store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bids_dl.store.format import ARRAY_SHA256, SIGNALS


def array_digests(
    objects: Mapping[str, Mapping[str, Any]], arrays: Mapping[str, Any]
) -> dict[str, list[str]]:
    """Return the SHA-256 of each chunk object of all arrays but ``signals``.

    The root has them, so that a reader of a column notices that an object is not the one written.

    Parameters
    ----------
    objects
        Entries of the manifest by object name.
    arrays
        `zarr.json` of each array by name.

    Returns
    -------
    dict
        For each array, the SHA-256 of its objects in the order of their numbers.
    """
    digests = {}
    for name, metadata in arrays.items():
        if name != SIGNALS:
            names = chunk_objects(name, metadata)
            digests[name] = [objects[item]["sha256"] for item in names if item in objects]
    return digests


def chunk_objects(name: str, metadata: Mapping[str, Any]) -> list[str]:
    """Return the names of the chunk objects of an array with several chunks in its first dimension.

    Examples
    --------
    >>> grid = {"configuration": {"chunk_shape": [100, 24]}}
    >>> chunk_objects("recording_mean", {"shape": [150, 24], "chunk_grid": grid})
    ['recording_mean/c/0/0', 'recording_mean/c/1/0']
    """
    n_rows, *others = metadata["shape"]
    chunk_rows = metadata["chunk_grid"]["configuration"]["chunk_shape"][0]
    n_chunks = -(-n_rows // chunk_rows)
    return ["/".join([name, "c", str(i), *["0"] * len(others)]) for i in range(n_chunks)]


def expected_sha256(root: Mapping[str, Any]) -> dict[str, str]:
    """Return the SHA-256 of each object that a root has, by object name.

    Parameters
    ----------
    root
        Root `zarr.json` of the store; the one of an older bids_dl has none.

    Raises
    ------
    ValueError
        The root has more or fewer of them than an array has objects.
    """
    sha256: dict[str, str] = {}
    arrays = root["consolidated_metadata"]["metadata"]
    for name, digests in root["attributes"].get(ARRAY_SHA256, {}).items():
        if name not in arrays:
            continue
        sha256.update(zip(chunk_objects(name, arrays[name]), digests, strict=True))
    return sha256
