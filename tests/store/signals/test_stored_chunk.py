"""Chunks are decoded only if their header is that of the expected numbers."""

from __future__ import annotations

import numpy as np
import pytest
from numcodecs.blosc import Blosc

from bids_dl.store.signals.stored_chunk import decompress

NUMBERS = np.arange(600, dtype=np.int16).reshape(10, 3, 20)
CHUNK = np.frombuffer(Blosc("lz4", shuffle=Blosc.BITSHUFFLE).encode(NUMBERS), np.uint8)


def test_a_chunk_of_blosc_is_decoded_into_the_given_array():
    numbers = np.zeros_like(NUMBERS)
    decompress(CHUNK, numbers)
    np.testing.assert_array_equal(numbers, NUMBERS)


@pytest.mark.parametrize(
    ("chunk", "n_windows", "message"),
    [
        (CHUNK[:15], 10, "shorter than a header"),
        (CHUNK[:-1], 10, "belongs to other bytes"),
        (CHUNK, 9, "belongs to other bytes"),
    ],
    ids=["no header", "cut", "other numbers"],
)
def test_other_bytes_are_refused_before_they_are_decoded(chunk, n_windows, message):
    with pytest.raises(ValueError, match=message):
        decompress(chunk, np.zeros_like(NUMBERS[:n_windows]))
