"""One byte range of one object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]  # (size,)


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
