"""One byte range of one object, and arrays that hold its bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]  # (size,)
Array = npt.NDArray[Any]  # contiguous, of any type and shape


@dataclass(frozen=True, slots=True)
class ByteRange:
    """One byte range of one object.

    Parameters
    ----------
    name
        Name of the object, relative to its location.
    start
        First byte. A negative number counts from the end of the object.
    size
        Number of bytes.
    crc32c
        Checksum that the last four bytes must hold; None if it is unknown.

    Examples
    --------
    >>> ByteRange("signals/c/0/0/0", 100, 28).end
    128
    """

    name: str
    start: int
    size: int
    crc32c: int | None = None

    @property
    def end(self) -> int | None:
        """First byte after the range, or None if that is the end of the object."""
        if self.start >= 0:
            return self.start + self.size
        return self.start + self.size or None


def as_bytes(array: Array) -> Bytes:
    """Return the memory of an array as bytes."""
    return array.reshape(-1).view(np.uint8)


def scatter(content: Bytes, arrays: Sequence[Array]) -> None:
    """Copy bytes into arrays, one after the other.

    Examples
    --------
    >>> first, second = np.zeros(1, np.uint8), np.zeros((1, 2), np.uint8)
    >>> scatter(np.array([1, 2, 3], np.uint8), [first, second])
    >>> first, second
    (array([1], dtype=uint8), array([[2, 3]], dtype=uint8))
    """
    start = 0
    for array in arrays:
        as_bytes(array)[...] = content[start : start + array.nbytes]
        start += array.nbytes


def gather(arrays: Sequence[Array]) -> Bytes:
    """Return the bytes of arrays, one after the other, without a copy of a single array."""
    parts = [as_bytes(array) for array in arrays]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
