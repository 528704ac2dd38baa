"""Compare the sizes of chunk objects with the shape of their array, before memory is allocated.

The shape of an array is a number that anybody can write. The size of an object is not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from bids_dl.remote.checksum import CHECKSUM_BYTES
from bids_dl.remote.location import Location
from bids_dl.store.array_objects import chunk_objects
from bids_dl.store.checking.root_check import find_codec_problem

MAX_TEXT_BYTES = 400_000_000  # of a chunk of 100,000 texts, such as HED strings
LENGTH_BYTES = 4  # before each text, and before all texts of a chunk
MAX_UNCHECKED_ROWS = 1_000_000  # on a server, where each size costs a request


def check_object_sizes(
    location: Location, name: str, metadata: Mapping[str, Any], rows: slice
) -> None:
    """Check that a column, or another small array, can have as many rows as its metadata says.

    Parameters
    ----------
    location
        Location of the store. If it is on a server, only large arrays are checked.
    metadata
        `zarr.json` of the array.
    rows
        Ascending rows that will be read; only their chunks are checked.

    Raises
    ------
    ValueError
        An object has another size, or the array has codecs that the format does not name.
    FileNotFoundError
        An object is missing.
    """
    problem = find_codec_problem(metadata)
    if problem:
        raise ValueError(problem)
    if metadata["codecs"][0]["name"] == "sharding_indexed":
        return  # its chunks have a limit of their own
    if not location.is_local and metadata["shape"][0] <= MAX_UNCHECKED_ROWS:
        return
    grid = metadata["chunk_grid"]["configuration"]["chunk_shape"]
    first, last = rows.start // grid[0], -(-rows.stop // grid[0])
    for item in chunk_objects(name, metadata)[first:last]:
        _check_size(location, item, metadata["data_type"], math.prod(grid))


def _check_size(location: Location, item: str, data_type: str, n_values: int) -> None:
    """Compare the size of one object with its number of values."""
    try:
        size = location.size(item)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"{item} is missing") from None
    if data_type == "string":
        expected = LENGTH_BYTES * (1 + n_values) + CHECKSUM_BYTES
        is_possible = expected <= size <= MAX_TEXT_BYTES
    else:
        expected = np.dtype(data_type).itemsize * n_values + CHECKSUM_BYTES
        is_possible = size == expected
    if is_possible and data_type == "string":
        # the decoder allocates memory for as many texts as the first number says
        is_possible = int.from_bytes(location.read(item, 0, LENGTH_BYTES), "little") == n_values
    if not is_possible:
        raise ValueError(f"{item} has {size} bytes, which do not hold {n_values} values")
