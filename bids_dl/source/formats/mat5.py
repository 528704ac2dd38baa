"""Position of the samples in a .set file that MATLAB wrote uncompressed (MAT-file version 5).

Format: MathWorks, "MAT-File Format", chapter "Level 5 MAT-File Format". EEGLAB writes it with
``save -v6``, as one struct ``EEG`` or as one variable for each of its fields.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

HEADER_BYTES = 128
ENDIAN_MARK = slice(126, 128)
TAG_BYTES = 8
ALIGNMENT = 8  # of elements
MI_MATRIX = 14
MI_COMPRESSED = 15
STRUCT_CLASS = 2
COMPLEX_FLAG = 0x800  # of the flags of an array: an imaginary part follows the real one
SAMPLE_TYPES = {7: 4, 9: 8}  # miSINGLE, miDOUBLE -> bytes of a sample
STRUCT_NAME = "EEG"
DATA_NAME = "data"
UNREAD_NAMES = {"times", "icaact"}  # large arrays beside the samples, which MNE does not use
MIN_NUMERIC_CLASS = 6  # of an array; cells, structs, objects and text have lower numbers
MAX_TEXT_BYTES = 100_000  # of names, so that a damaged file is not read as one


@dataclass(frozen=True, slots=True)
class SampleBlock:
    """Samples of a .set file: channels x times, one time after the other.

    Attributes
    ----------
    start
        First byte of the samples.
    sample_bytes
        Bytes of a sample: 4 or 8.
    n_chans, n_times
        Number of channels and of samples of each.
    unread
        Byte ranges of other large arrays that no reader of recordings uses, sorted.
    """

    start: int
    sample_bytes: int
    n_chans: int
    n_times: int
    unread: tuple[tuple[int, int], ...] = ()

    @property
    def stop(self) -> int:
        """First byte after the samples."""
        return self.start + self.sample_bytes * self.n_chans * self.n_times

    def other_ranges(self, n_bytes: int) -> list[tuple[int, int]]:
        """Return the byte ranges of a file that hold neither samples nor unread arrays.

        Examples
        --------
        >>> SampleBlock(200, 4, 2, 100, unread=((1000, 1800),)).other_ranges(2000)
        [(0, 200), (1800, 2000)]
        """
        ranges = []
        position = 0
        for start, stop in sorted([(self.start, self.stop), *self.unread, (n_bytes, n_bytes)]):
            if position < start:
                ranges.append((position, start))
            position = max(position, stop)
        return ranges


@dataclass(frozen=True, slots=True)
class _Element:
    """A data element: its type, and the position and size of its content in bytes."""

    kind: int
    start: int
    size: int
    stop: int  # of the element with its padding


def find_samples(file: BinaryIO) -> SampleBlock | None:
    """Find the samples in an EEGLAB dataset.

    Parameters
    ----------
    file
        The .set file. Only tags and names are read.

    Returns
    -------
    SampleBlock or None
        None if the file is compressed, of another version, or has no such array.
    """
    file.seek(0)
    header = file.read(HEADER_BYTES)
    orders = {b"IM": "<", b"MI": ">"}
    if len(header) < HEADER_BYTES or header[ENDIAN_MARK] not in orders:
        return None
    reader = _ElementReader(file, orders[header[ENDIAN_MARK]])
    try:
        return reader.find_samples()
    except (struct.error, ValueError, StopIteration):  # damaged, or not of this version
        return None


class _ElementReader:
    """Reads the elements of a MAT-file.

    Parameters
    ----------
    order
        Byte order, as in `struct`.
    """

    def __init__(self, file: BinaryIO, order: str) -> None:
        self._file = file
        self._order = order
        self._size = file.seek(0, 2)

    def find_samples(self) -> SampleBlock | None:
        """Find the array ``data``, as a field of ``EEG``, or as a variable."""
        variables: dict[str, _Element] = {}
        for element in self._elements(HEADER_BYTES, self._size):
            if element.kind == MI_COMPRESSED:
                return None
            if element.kind == MI_MATRIX:
                variables.setdefault(self._matrix_name(element), element)
        if STRUCT_NAME in variables:
            variables = self._read_fields(variables[STRUCT_NAME])
        if DATA_NAME not in variables:
            return None
        block = self._read_array(variables[DATA_NAME])
        unread = []
        for name in UNREAD_NAMES & variables.keys():
            unread += self._numbers(variables[name])
        return None if block is None else replace(block, unread=tuple(sorted(unread)))

    def _elements(self, start: int, stop: int) -> Iterator[_Element]:
        while start + TAG_BYTES <= stop:
            element = self._read_tag(start)
            if element.stop <= start:
                raise ValueError("an element has no length")
            yield element
            start = element.stop

    def _read_tag(self, start: int) -> _Element:
        self._file.seek(start)
        tag = self._file.read(TAG_BYTES)
        first, second = struct.unpack(f"{self._order}II", tag)
        if first >> 16:  # a small element: type and size in four bytes, content in four
            size = first >> 16
            return _Element(first & 0xFFFF, start + 4, size, start + TAG_BYTES)
        content = start + TAG_BYTES
        padding = 0 if first == MI_COMPRESSED else -second % ALIGNMENT
        return _Element(first, content, second, content + second + padding)

    def _read(self, element: _Element) -> bytes:
        if element.size > MAX_TEXT_BYTES:
            raise ValueError("a name is too long")
        self._file.seek(element.start)
        return self._file.read(element.size)

    def _matrix_parts(self, matrix: _Element) -> Iterator[_Element]:
        return self._elements(matrix.start, matrix.start + matrix.size)

    def _matrix_name(self, matrix: _Element) -> str:
        parts = self._matrix_parts(matrix)
        next(parts)
        next(parts)
        return self._read(next(parts)).decode("ascii")

    def _matrix_flags(self, part: _Element) -> int:
        return int(struct.unpack(f"{self._order}I", self._read(part)[:4])[0])

    def _dimensions(self, part: _Element) -> tuple[int, ...]:
        content = self._read(part)
        return struct.unpack(f"{self._order}{len(content) // 4}i", content)

    def _read_fields(self, matrix: _Element) -> dict[str, _Element]:
        """Return the fields of a struct of one element by their name, none of another array."""
        parts = self._matrix_parts(matrix)
        flags = self._matrix_flags(next(parts))
        if flags & 0xFF != STRUCT_CLASS or self._dimensions(next(parts)) != (1, 1):
            return {}
        next(parts)  # the name
        (length,) = struct.unpack(f"{self._order}i", self._read(next(parts))[:4])
        text = self._read(next(parts))
        names = []
        for i in range(0, len(text), length):
            names.append(text[i : i + length].split(b"\0")[0].decode("ascii"))
        return dict(zip(names, parts, strict=False))

    def _numbers(self, matrix: _Element) -> list[tuple[int, int]]:
        """Return the byte range of the numbers of an array, none of an array of anything else."""
        parts = self._matrix_parts(matrix)
        if self._matrix_flags(next(parts)) & 0xFF < MIN_NUMERIC_CLASS:
            return []
        next(parts)  # the dimensions
        next(parts)  # the name
        values = next(parts, None)
        if values is None or not values.size or values.start + values.size > self._size:
            return []
        return [(values.start, values.start + values.size)]

    def _read_array(self, matrix: _Element) -> SampleBlock | None:
        """Locate the samples of a real array of two dimensions."""
        parts = self._matrix_parts(matrix)
        is_complex = self._matrix_flags(next(parts)) & COMPLEX_FLAG
        dimensions = self._dimensions(next(parts))
        next(parts)  # the name
        values = next(parts, None)
        if values is None or values.kind not in SAMPLE_TYPES:
            return None
        if is_complex or len(dimensions) != 2 or min(dimensions) < 1:
            return None
        if values.start + values.size > self._size:
            return None
        block = SampleBlock(values.start, SAMPLE_TYPES[values.kind], *dimensions)
        return block if block.stop == values.start + values.size else None
