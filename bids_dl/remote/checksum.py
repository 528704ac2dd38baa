"""CRC32C checksums that follow the bytes they cover (RFC 3720, Castagnoli polynomial)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import google_crc32c
import numpy as np
import numpy.typing as npt

from bids_dl.remote.byte_range import ByteRange, Bytes

CHECKSUM_BYTES = 4  # a CRC32C, little-endian, after the bytes it covers

extend_crc32c = google_crc32c.extend
"""Continue a CRC32C, given it and contiguous bytes. A call of `crc32c` costs as much as 2 kB."""


def crc32c(content: Bytes, crc: int = 0) -> int:
    """Return the CRC32C of bytes, continuing from ``crc``."""
    return int(extend_crc32c(crc, content))


def crc32c_of_parts(parts: Iterable[npt.NDArray[Any]]) -> int:
    """Return the CRC32C of the bytes of contiguous arrays, one after the other."""
    crc = 0
    for part in parts:
        crc = extend_crc32c(crc, part)
    return int(crc)


def stored_crc32c(trailer: Bytes) -> int:
    """Return the checksum that a trailer of `CHECKSUM_BYTES` bytes holds."""
    return int.from_bytes(trailer.tobytes(), "little")


def ends_as_expected(content: Bytes, byte_range: ByteRange) -> bool:
    """Return whether bytes end with the checksum that is expected of their range, if it is known.

    Bytes of another chunk or of another store can match their own checksum, but not this one.

    Parameters
    ----------
    content
        Bytes of the range, or only the last four of them.

    Examples
    --------
    >>> content = np.array([7, 1, 0, 0, 0], np.uint8)
    >>> ends_as_expected(content, ByteRange("signals/c/0/0/0", 0, 5, crc32c=1))
    True
    >>> ends_as_expected(content, ByteRange("signals/c/0/0/0", 0, 5, crc32c=2))
    False
    """
    if byte_range.crc32c is None:
        return True
    return stored_crc32c(content[-CHECKSUM_BYTES:]) == byte_range.crc32c


def has_valid_crc32c(content: Bytes | bytes) -> bool:
    """Return whether the last four bytes are the CRC32C of those before them.

    Examples
    --------
    >>> content = np.frombuffer(b"123456789", np.uint8)
    >>> has_valid_crc32c(content.tobytes() + crc32c(content).to_bytes(4, "little"))
    True
    >>> has_valid_crc32c(b"123456789")
    False
    """
    if len(content) <= CHECKSUM_BYTES:
        return False
    if isinstance(content, bytes):
        content = np.frombuffer(content, np.uint8)
    return crc32c(content[:-CHECKSUM_BYTES]) == stored_crc32c(content[-CHECKSUM_BYTES:])
