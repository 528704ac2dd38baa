"""Read columns and other small arrays from their objects, as docs/store-format.md describes them.

zarr-python reads the same values. It takes longer to import than a column takes to read, and makes
an object of each text, also where a column has few distinct ones.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from bids_dl.remote.cancellation import request_threads
from bids_dl.remote.checksum import CHECKSUM_BYTES, has_valid_crc32c
from bids_dl.remote.location import Location
from bids_dl.store.array_objects import chunk_objects

FETCH_THREADS = 16  # objects of a server fetched at once, because each costs one round trip
LENGTH_BYTES = 4  # before each text, and before all texts of a chunk
FEW_TEXTS = 20_000  # of a chunk; for more, numcodecs is faster by the time its import takes


@dataclass(frozen=True, slots=True, eq=False)
class TextCodes:
    """Values of a column of text.

    Attributes
    ----------
    codes
        int32 (n_rows,): index of the text of each row.
    texts
        Distinct texts, in order of appearance.
    """

    codes: npt.NDArray[np.int32]
    texts: tuple[str, ...]

    def to_array(self) -> npt.NDArray[Any]:
        """Return the texts as ``str`` objects."""
        return np.array([*self.texts, None], object)[self.codes]


def read_numbers(
    location: Location,
    name: str,
    metadata: Mapping[str, Any],
    rows: slice,
    sha256: Mapping[str, str],
) -> npt.NDArray[Any]:
    """Read rows of an array of numbers.

    Parameters
    ----------
    location
        Location of the store.
    name, metadata
        Name of the array, and its `zarr.json`, whose codecs are those of the format.
    rows
        Ascending rows.
    sha256
        SHA-256 that objects must have, by name; those of an older bids_dl have none.

    Raises
    ------
    FileNotFoundError
        An object is missing.
    ValueError
        An object differs from the one written.
    """
    dtype = np.dtype(metadata["data_type"]).newbyteorder("<")
    shape = metadata["chunk_grid"]["configuration"]["chunk_shape"]
    parts = [np.empty((0, *shape[1:]), dtype)]
    for item, content, part_rows in _read_objects(location, name, metadata, rows, sha256):
        if len(content) != dtype.itemsize * math.prod(shape):
            raise ValueError(f"{item} has {len(content)} bytes, which are no {shape} numbers")
        parts.append(np.frombuffer(content, dtype).reshape(shape)[part_rows])
    return np.concatenate(parts).astype(dtype.newbyteorder("="), copy=False)


def read_text(
    location: Location,
    name: str,
    metadata: Mapping[str, Any],
    rows: slice,
    sha256: Mapping[str, str],
) -> TextCodes:
    """Read rows of a column of text. Parameters and errors are those of `read_numbers`."""
    code_of: dict[bytes | str, int] = {}
    size = metadata["chunk_grid"]["configuration"]["chunk_shape"][0]
    parts = [np.empty(0, np.int32)]
    for item, content, part_rows in _read_objects(location, name, metadata, rows, sha256):
        if int.from_bytes(content[:LENGTH_BYTES], "little") != size:
            raise ValueError(f"{item} does not hold {size} texts")
        texts = _split_texts(content, size)[part_rows]
        for text in dict.fromkeys(texts):
            code_of.setdefault(text, len(code_of))
        parts.append(np.fromiter(map(code_of.__getitem__, texts), np.int32, len(texts)))
    decoded = [text if isinstance(text, str) else text.decode() for text in code_of]
    number_of = {text: number for number, text in enumerate(dict.fromkeys(decoded))}
    renumbered = np.array([number_of[text] for text in decoded], np.int32)
    codes = np.concatenate(parts)
    if len(renumbered):
        codes = renumbered[codes]
    return TextCodes(codes, tuple(number_of))


def _split_texts(content: memoryview, size: int) -> list[Any]:
    """Split a chunk into its texts: ``str``, or their UTF-8 if there are few.

    Raises
    ------
    ValueError
        The chunk ends within a text, or after the last one.
    """
    if size > FEW_TEXTS:
        from numcodecs.vlen import VLenUTF8

        texts: list[str] = VLenUTF8().decode(content).tolist()
        return texts
    encoded: list[bytes] = []
    stored = bytes(content)
    start = LENGTH_BYTES
    for _ in range(size):
        end = start + LENGTH_BYTES
        start, end = end, end + int.from_bytes(stored[start:end], "little")
        encoded.append(stored[start:end])
        start = end
    if start != len(stored):
        raise ValueError("the lengths of its texts do not add up")
    return encoded


def _read_objects(
    location: Location,
    name: str,
    metadata: Mapping[str, Any],
    rows: slice,
    sha256: Mapping[str, str],
) -> Iterator[tuple[str, memoryview, slice]]:
    """Yield the name of each object with selected rows, its values, and its selected rows."""
    n_rows = metadata["shape"][0]
    size = metadata["chunk_grid"]["configuration"]["chunk_shape"][0]
    first, stop, step = rows.indices(n_rows)
    if first >= stop:
        return
    numbers = range(first // size, -(-stop // size))
    items = chunk_objects(name, metadata)[numbers.start : numbers.stop]
    read = partial(_read_object, location, sha256)
    if location.is_local or len(items) == 1:
        contents: Iterator[memoryview] = map(read, items)
    else:
        with request_threads(FETCH_THREADS) as threads:
            contents = iter(list(threads.map(read, items)))
    for number, item, content in zip(numbers, items, contents, strict=True):
        start = number * size
        offset = max(0, -(-(start - first) // step)) * step + first - start
        yield item, content, slice(offset, min(stop - start, size, n_rows - start), step)


def _read_object(location: Location, sha256: Mapping[str, str], item: str) -> memoryview:
    """Read the values of an object, and compare them with its checksums."""
    try:
        content = location.read(item)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"{item} is missing") from None
    if item in sha256 and hashlib.sha256(content).hexdigest() != sha256[item]:
        raise ValueError(f"{item} is not the object written there (SHA-256 mismatch)")
    if not has_valid_crc32c(content):
        raise ValueError(f"{item} does not match its checksum")
    return memoryview(content)[:-CHECKSUM_BYTES]
