"""CRC32C checksums that follow the bytes they cover."""

from __future__ import annotations

import google_crc32c
import numpy as np
import numpy.typing as npt

CHECKSUM_BYTES = 4  # a CRC32C, little-endian, after the bytes it covers

Bytes = npt.NDArray[np.uint8]


def crc32c(content: Bytes, crc: int = 0) -> int:
    """Return the CRC32C of bytes, continuing from ``crc``."""
    return int(google_crc32c.extend(crc, content))


def stored_crc32c(trailer: Bytes) -> int:
    """Return the checksum that a trailer of `CHECKSUM_BYTES` bytes holds."""
    return int.from_bytes(trailer.tobytes(), "little")


def has_valid_crc32c(content: Bytes | bytes) -> bool:
    """Return whether the last four bytes are the CRC32C of those before them."""
    if len(content) <= CHECKSUM_BYTES:
        return False
    content = np.frombuffer(content, np.uint8) if isinstance(content, bytes) else content
    return crc32c(content[:-CHECKSUM_BYTES]) == stored_crc32c(content[-CHECKSUM_BYTES:])
