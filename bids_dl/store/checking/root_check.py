"""Check a root object when a store is opened: its schema, and what a schema cannot express.

A root can match its SHA-256 and still hold values that no reader expects, if somebody else wrote
it. Sizes are checked before memory is allocated for them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from bids_dl.config.json_schema import find_violation
from bids_dl.store.checking.root_schema import ROOT_SCHEMA, SHARDING
from bids_dl.store.format import ARRAY_SHA256, ARRAYS, DIMENSIONS, DROPOUT, SIGNALS

MAX_CHUNK_BYTES = 2**31 - 1  # decoded; blosc allows no more
MAX_CHUNKS_PER_SHARD = 1_000_000
MAX_OBJECTS = 1_000_000  # of all arrays; a shard of `bids-dl` has 96 MB
KNOWN_TYPES = (
    *("bool", "string", "float32", "float64"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)
"""Data types that a column may have."""


def find_root_problem(root: Any) -> str | None:
    """Find what no reader expects in a root object: types, ranges, sizes, codecs, counts.

    Parameters
    ----------
    root
        Parsed root `zarr.json`.

    Returns
    -------
    str or None
        Problem on one line; None if there is none.

    Examples
    --------
    >>> find_root_problem({"attributes": []})
    'consolidated_metadata is missing'
    """
    violation = find_violation(root, ROOT_SCHEMA)
    if violation:
        return violation
    arrays = root["consolidated_metadata"]["metadata"]
    sizes: dict[str, int] = dict(zip(DIMENSIONS, arrays[SIGNALS]["shape"], strict=False))
    for name, array in arrays.items():
        problem = _find_array_problem(name, array) or _find_other_size(array, sizes)
        if problem:
            return f"array {name}: {problem}"
    attributes = root["attributes"]
    for name in attributes["classes"]:
        if arrays.get(name, {}).get("data_type") != "string":
            return f"attributes.classes.{name} has no column of text"
    return _find_wrong_objects(arrays, attributes.get(ARRAY_SHA256, {})) or _find_wrong_count(
        attributes.get("statistics"), sizes
    )


def find_codec_problem(array: Mapping[str, Any]) -> str | None:
    """Find codecs of an array that the format does not name, such as gzip.

    Only the codecs of the format bound the memory that a chunk takes.

    Parameters
    ----------
    array
        `zarr.json` of the array, valid by the schema.
    """
    codecs = array["codecs"]
    names = [codec["name"] for codec in codecs]
    if names == ["sharding_indexed"]:
        return _find_sharding_problem(array, codecs[0].get("configuration", {}))
    expected = ["vlen-utf8" if array["data_type"] == "string" else "bytes", "crc32c"]
    if names != expected or not _is_little_endian(codecs):
        return f"codecs {', '.join(names)}, expected {', '.join(expected)}"
    return None


def _find_array_problem(name: str, array: Mapping[str, Any]) -> str | None:
    """Compare the metadata of an array with its row in `ARRAYS`, or that of a column."""
    n_dims = len(array["shape"])
    chunk_shape = array["chunk_grid"]["configuration"]["chunk_shape"]
    if len(array["dimension_names"]) != n_dims or len(chunk_shape) != n_dims:
        return f"{n_dims} sizes, but {len(array['dimension_names'])} names of dimensions"
    row = ARRAYS.get(name)
    if row is None and array["dimension_names"] != ["window"]:
        return None  # of a later version; it is checked when it is read
    types = row.data_type.split(" or ") if row else KNOWN_TYPES
    if array["data_type"] not in types:
        shown = array["data_type"] if isinstance(array["data_type"], str) else "an extension"
        return f"data type {shown}, expected {' or '.join(types)}"
    if row and tuple(array["dimension_names"]) != row.dimensions:
        names = ", ".join(array["dimension_names"])
        return f"dimensions {names}, expected {', '.join(row.dimensions)}"
    if chunk_shape[1:] != array["shape"][1:]:
        return f"chunks {chunk_shape} do not hold whole rows of {array['shape']}"
    if name == SIGNALS and 0 in array["shape"]:
        return f"shape {array['shape']}, expected at least one window, channel and sample"
    is_sharded = name in (SIGNALS, DROPOUT)
    if is_sharded != (array["codecs"][0]["name"] == "sharding_indexed"):
        return "is not sharded" if is_sharded else "is sharded"
    return find_codec_problem(array)


def _find_sharding_problem(array: Mapping[str, Any], sharding: Mapping[str, Any]) -> str | None:
    """Check the configuration of the sharding codec of ``signals`` or ``dropout``."""
    problem = find_violation(sharding, SHARDING, "sharding_indexed")
    if problem:
        return problem
    names = [codec["name"] for codec in sharding["codecs"]]
    if names not in (["bytes", "crc32c"], ["bytes", "blosc", "crc32c"]):
        return f"codecs {', '.join(names)} of a chunk, expected bytes, blosc, crc32c"
    index_names = [codec["name"] for codec in sharding["index_codecs"]]
    if index_names != ["bytes", "crc32c"]:
        return f"codecs {', '.join(index_names)} of an index, expected bytes, crc32c"
    if not all(map(_is_little_endian, (sharding["codecs"], sharding["index_codecs"]))):
        return "numbers are not little-endian"
    return _find_chunk_problem(array, sharding["chunk_shape"])


def _find_chunk_problem(array: Mapping[str, Any], chunk_shape: list[int]) -> str | None:
    """Check the sizes of the chunks and shards of an array."""
    shard_shape = array["chunk_grid"]["configuration"]["chunk_shape"]
    shape = array["shape"]
    if not chunk_shape[1:] == shard_shape[1:] == shape[1:]:
        return f"chunks {chunk_shape} in shards {shard_shape} do not hold whole windows of {shape}"
    if shard_shape[0] % chunk_shape[0]:
        return f"shards of {shard_shape[0]} windows do not hold whole chunks of {chunk_shape[0]}"
    n_bytes = math.prod(chunk_shape) * np.dtype(array["data_type"]).itemsize
    if n_bytes > MAX_CHUNK_BYTES:
        return f"a chunk has {n_bytes} bytes, expected at most {MAX_CHUNK_BYTES}"
    if shard_shape[0] // chunk_shape[0] > MAX_CHUNKS_PER_SHARD:
        return f"a shard has {shard_shape[0] // chunk_shape[0]} chunks, too many"
    return None


def _is_little_endian(codecs: list[Mapping[str, Any]]) -> bool:
    """Return whether the first codec is not that of numbers in another byte order."""
    first = codecs[0]
    if first["name"] != "bytes":
        return True
    # numbers of one byte, as in `dropout`, have no byte order
    return bool(first.get("configuration", {}).get("endian", "little") == "little")


def _find_other_size(array: Mapping[str, Any], sizes: dict[str, int]) -> str | None:
    """Check that an array agrees with those before it on the size of each dimension."""
    for dimension, size in zip(array["dimension_names"], array["shape"], strict=True):
        expected = sizes.setdefault(dimension, size)
        if expected != size:
            return f"has {size} along {dimension}, other arrays have {expected}"
    return None


def _find_wrong_objects(arrays: Mapping[str, Any], digests: Mapping[str, list[str]]) -> str | None:
    """Check the number of objects of all arrays, and that of their SHA-256."""
    n_objects = {}
    for name, array in arrays.items():
        chunk_shape = array["chunk_grid"]["configuration"]["chunk_shape"]
        grid = zip(array["shape"], chunk_shape, strict=True)
        n_objects[name] = math.prod(-(-size // chunk) for size, chunk in grid)
    total = sum(n_objects.values())
    if total > MAX_OBJECTS:
        return f"the arrays have {total} objects, expected at most {MAX_OBJECTS}"
    for name, of_array in digests.items():
        expected = n_objects.get(name, len(of_array))
        if len(of_array) != expected:
            return (
                f"attributes.{ARRAY_SHA256}.{name} has {len(of_array)} digests, expected {expected}"
            )
    return None


def _find_wrong_count(statistics: Mapping[str, Any] | None, sizes: Mapping[str, int]) -> str | None:
    """Check that the statistics count as many windows and recordings as the arrays have."""
    if statistics is None:
        return None
    splits = statistics["splits"].values()
    counts = {
        "windows": (sum(statistics["windows"].values()), sizes["window"]),
        "splits": (sum(split["windows"] for split in splits), sizes["window"]),
        "recordings": (statistics["recordings"], sizes.get("recording_index")),
    }
    for name, (stated, size) in counts.items():
        if size is not None and stated != size:
            return f"attributes.statistics.{name} counts {stated}, the arrays have {size}"
    return None
