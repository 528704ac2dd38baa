"""CRC32C trailers."""

from __future__ import annotations

import numpy as np
import pytest

from bids_dl.remote.checksum import crc32c, has_valid_crc32c

CHECK_VALUE = 0xE3069283  # of "123456789": RFC 3720, and every catalogue of CRCs
CONTENT = b"123456789" + CHECK_VALUE.to_bytes(4, "little")


def test_the_checksum_is_that_of_the_standard():
    assert crc32c(np.frombuffer(b"123456789", np.uint8)) == CHECK_VALUE


def test_a_checksum_can_be_computed_in_parts():
    parts = np.split(np.frombuffer(b"123456789", np.uint8), [4])
    assert crc32c(parts[1], crc32c(parts[0])) == CHECK_VALUE


@pytest.mark.parametrize("as_array", [False, True])
def test_a_trailer_is_valid_only_for_its_own_bytes(as_array):
    for position in range(len(CONTENT) + 1):
        content = bytearray(CONTENT)
        if position < len(CONTENT):
            content[position] ^= 1
        argument = np.frombuffer(bytes(content), np.uint8) if as_array else bytes(content)
        assert has_valid_crc32c(argument) == (position == len(CONTENT))


@pytest.mark.parametrize("content", [b"", b"123", b"1234"])
def test_content_without_bytes_before_its_trailer_is_invalid(content):
    assert not has_valid_crc32c(content)
