"""The file of windows of a staging entry: written in any order, read back with its checksums.

The file is one that NumPy saves, little-endian float32 of shape (n_windows, n_chans, n_times).
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from bids_dl.remote.checksum import crc32c

if TYPE_CHECKING:
    from bids_dl.pipeline.staging_entry import StagingEntry

BATCH_BYTES = 32_000_000
"""Windows read at once, with a checksum of their own. It may change: an entry states its batches.
"""
FLOAT32_BYTES = 4
Shape = tuple[int, int, int]
"""(n_windows, n_chans, n_times)"""


@dataclass(frozen=True, slots=True)
class WindowBatches:
    """Shape and checksums of the windows of an entry, as its description holds them.

    Attributes
    ----------
    shape
        (n_windows, n_chans, n_times).
    batch_size
        Windows of a batch. The last batch may have fewer.
    checksums
        CRC32C of the bytes of each batch.
    """

    shape: Shape
    batch_size: int
    checksums: tuple[int, ...]

    @property
    def window_bytes(self) -> int:
        """Bytes of a window."""
        return FLOAT32_BYTES * math.prod(self.shape[1:])

    @property
    def header(self) -> bytes:
        """Header of the file."""
        return file_header(self.shape)

    @property
    def n_bytes(self) -> int:
        """Bytes of the file."""
        return len(self.header) + self.shape[0] * self.window_bytes

    def spans(self) -> Iterator[tuple[int, int, int]]:
        """Yield the first byte, the byte after the last, and the checksum of each batch."""
        first_byte = len(self.header)
        starts = range(0, self.shape[0], self.batch_size)
        for start, checksum in zip(starts, self.checksums, strict=True):
            stop = min(start + self.batch_size, self.shape[0])
            yield (
                first_byte + start * self.window_bytes,
                first_byte + stop * self.window_bytes,
                checksum,
            )

    def parse(self, content: bytes, checksum: int) -> npt.NDArray[np.float32] | None:
        """Return the windows of a batch, None if its bytes do not have the checksum."""
        flat = np.frombuffer(content, np.uint8)
        if crc32c(flat) != checksum or len(content) % self.window_bytes:
            return None
        return np.frombuffer(content, "<f4").reshape(-1, *self.shape[1:])

    def to_json(self) -> dict[str, Any]:
        """Return the description as a JSON object."""
        return {
            "shape": list(self.shape),
            "batch_size": self.batch_size,
            "checksums": list(self.checksums),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> WindowBatches:
        """Read the JSON object of a description.

        Raises
        ------
        ValueError
            The numbers do not fit each other.
        """
        n_windows, n_chans, n_times = content["shape"]
        batches = cls(
            (n_windows, n_chans, n_times), content["batch_size"], tuple(content["checksums"])
        )
        n_batches = -(-n_windows // batches.batch_size)
        if n_windows < 0 or batches.window_bytes <= 0 or n_batches != len(batches.checksums):
            raise ValueError("shape and checksums of the windows do not fit")
        return batches


class EntryWriter:
    """Writes the windows of one entry, in any order.

    Attributes
    ----------
    entry
        Description of the entry, to be set when all windows are written.
    """

    def __init__(self, file: BinaryIO, shape: Shape) -> None:
        self._file = file
        self._shape = shape
        self._window_bytes = FLOAT32_BYTES * math.prod(shape[1:])
        self._start = len(file_header(shape))
        self._rows: set[int] = set()
        self.entry: StagingEntry | None = None

    def write(self, rows: Sequence[int], signals: npt.NDArray[np.float32]) -> None:
        """Write windows (n_windows, n_chans, n_times) in µV into these rows."""
        for row, window in zip(rows, signals, strict=True):
            self._file.seek(self._start + row * self._window_bytes)
            self._file.write(window.astype("<f4", copy=False).tobytes())
        self._rows.update(rows)

    def close(self) -> WindowBatches:
        """Close the gaps of rows that were not written, and truncate the file to the windows.

        NumPy pads the header, so that it has the same length for any number of windows.
        """
        for row, source_row in enumerate(sorted(self._rows)):
            if row != source_row:
                self._file.seek(self._start + source_row * self._window_bytes)
                window = self._file.read(self._window_bytes)
                self._file.seek(self._start + row * self._window_bytes)
                self._file.write(window)
        shape = (len(self._rows), *self._shape[1:])
        self._file.seek(0)
        self._file.write(file_header(shape))
        self._file.truncate(self._start + len(self._rows) * self._window_bytes)
        return self._compute_checksums(shape)

    def _compute_checksums(self, shape: Shape) -> WindowBatches:
        """Compute the checksums of the windows in the file."""
        batch_size = max(1, BATCH_BYTES // self._window_bytes)
        checksums = []
        self._file.seek(self._start)
        while content := self._file.read(batch_size * self._window_bytes):
            checksums.append(crc32c(np.frombuffer(content, np.uint8)))
        return WindowBatches(shape, batch_size, tuple(checksums))


def file_header(shape: Shape) -> bytes:
    """Return the header that NumPy writes before windows of a shape.

    Examples
    --------
    >>> len(file_header((0, 24, 256))), len(file_header((100_000, 24, 256)))
    (128, 128)
    """
    buffer = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue()
