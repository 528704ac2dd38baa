"""Position of the samples in a .set file that MATLAB wrote uncompressed (MAT-file version 5).

Format: MathWorks, "MAT-File Format", chapter "Level 5 MAT-File Format". EEGLAB writes it with
``save -v6``, as one struct ``EEG`` or as one variable for each of its fields.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
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
    """

    start: int
    sample_bytes: int
    n_chans: int
    n_times: int

    @property
    def stop(self) -> int:
        """First byte after the samples."""
        return self.start + self.sample_bytes * self.n_chans * self.n_times


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
        """Find the array ``data``, as a variable or as a field of ``EEG``."""
        for element in self._elements(HEADER_BYTES, self._size):
            if element.kind == MI_COMPRESSED:
                return None
            if element.kind != MI_MATRIX:
                continue
            name = self._matrix_name(element)
            if name == DATA_NAME:
                return self._read_array(element)
            if name == STRUCT_NAME:
                return self._find_field(element)
        return None

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

    def _find_field(self, matrix: _Element) -> SampleBlock | None:
        """Find the field ``data`` of a struct of one element."""
        parts = self._matrix_parts(matrix)
        flags = self._matrix_flags(next(parts))
        if flags & 0xFF != STRUCT_CLASS or self._dimensions(next(parts)) != (1, 1):
            return None
        next(parts)  # the name
        (length,) = struct.unpack(f"{self._order}i", self._read(next(parts))[:4])
        text = self._read(next(parts))
        names = []
        for i in range(0, len(text), length):
            names.append(text[i : i + length].split(b"\0")[0].decode("ascii"))
        for name, element in zip(names, parts, strict=False):
            if name == DATA_NAME:
                return self._read_array(element)
        return None

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
