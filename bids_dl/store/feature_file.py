"""Files of features: a small Zarr group of arrays over windows, which xarray opens."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec

from bids_dl.errors import StoreError
from bids_dl.remote.location import Location
from bids_dl.store.format import ROOT, ROOT_SHA256, Column, build_root
from bids_dl.store.zarr_store import LocationStore

CHUNK_BYTES = 16_000_000  # read in a tenth of a second, and few enough objects
MAX_ROOT_BYTES = 100_000_000  # thousands of columns take a few
FAILURES = (OSError, ValueError, KeyError, TypeError, RuntimeError, MemoryError)
"""Errors of reading a file that is not one of these."""


def write_feature_file(
    folder: Path, columns: Sequence[Column], attributes: Mapping[str, Any]
) -> None:
    """Write arrays and attributes as one Zarr group, the root object last.

    Parameters
    ----------
    folder
        Empty or new folder.
    columns
        Arrays with the names of their dimensions: numbers, or text as ``str`` objects.
    attributes
        Attributes of the group, which JSON can hold.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> column = Column("features", np.zeros((3, 2), np.float32), ("window", "feature"))
    >>> with TemporaryDirectory() as folder:
    ...     write_feature_file(Path(folder), [column], {"format": "example"})
    ...     columns, attributes = read_feature_file(Path(folder))
    >>> columns["features"].values.shape, columns["features"].dimensions, attributes["format"]
    ((3, 2), ('window', 'feature'), 'example')
    """
    location = Location(str(folder))
    arrays: dict[str, Any] = {}
    for column in columns:
        _write_array(location, column)
        arrays[column.name] = json.loads(location.read(f"{column.name}/{ROOT}"))
    location.write(ROOT, build_root(attributes, arrays))


def read_feature_file(folder: Path) -> tuple[dict[str, Column], dict[str, Any]]:
    """Read all arrays and the attributes of a Zarr group that `write_feature_file` wrote.

    Raises
    ------
    StoreError
        There is no such group, or it is damaged.
    """
    if not folder.is_dir():
        raise StoreError(f"{folder}: no such folder; name a file of `bids-dl embed`")
    location = Location(str(folder))
    try:
        root = json.loads(location.read(ROOT, max_bytes=MAX_ROOT_BYTES))
        names = list(root["consolidated_metadata"]["metadata"])
        group = zarr.open_group(LocationStore(location), mode="r", zarr_format=3)
        columns = {name: _read_array(group, name) for name in names}
    except FAILURES as error:
        reason = getattr(error, "strerror", None) or error
        raise StoreError(f"{folder}: not a file of `bids-dl embed` ({reason})") from error
    attributes = dict(group.attrs)
    attributes.pop(ROOT_SHA256, None)
    return columns, attributes


def _write_array(location: Location, column: Column) -> None:
    """Write an array whose chunks hold whole rows of its dimension ``window``."""
    values = column.values
    is_text = values.dtype == object
    array = zarr.create_array(
        LocationStore(location.child(column.name), lambda *_: None),
        shape=values.shape,
        chunks=_choose_chunks(column),
        dtype="string" if is_text else values.dtype,
        filters=None,
        compressors=[Crc32cCodec()],
        dimension_names=column.dimensions,
        attributes=dict(column.attributes),
        zarr_format=3,
        config={"write_empty_chunks": True},  # because a missing chunk is damage
    )
    if values.size:
        array[...] = values


def _choose_chunks(column: Column) -> tuple[int, ...]:
    """Return the shape of the chunks: some windows, with all their features."""
    shape = [max(1, size) for size in column.values.shape]
    axis = column.dimensions.index("window") if "window" in column.dimensions else 0
    chunk = [1 if position < axis else size for position, size in enumerate(shape)]
    row_bytes = column.values.dtype.itemsize * int(np.prod(chunk[axis + 1 :]))
    chunk[axis] = max(1, min(shape[axis], CHUNK_BYTES // row_bytes))
    return tuple(chunk)


def _read_array(group: zarr.Group, name: str) -> Column:
    """Read an array with the names of its dimensions."""
    array = group[name]
    if not isinstance(array, zarr.Array):
        raise ValueError(f"{name} is no array")
    values = np.asarray(array[...])
    if values.dtype.kind not in "biuf":
        values = values.astype(object)
    dimensions = tuple(map(str, getattr(array.metadata, "dimension_names", None) or ()))
    return Column(name, values, dimensions, dict(array.attrs))
