"""Arrays are filled with consecutive bytes, however many bytes the system reads at once."""

from __future__ import annotations

import os

import numpy as np
import pytest

from bids_dl.remote.location import Location
from bids_dl.store.signals import local_bytes
from bids_dl.store.signals.local_bytes import ShardFiles, fill_arrays

CONTENT = np.random.default_rng(0).integers(0, 256, 20_000, dtype=np.uint8)
SIZES = (0, 12, 4000, 4, 7000, 8)  # bytes, of float32


@pytest.fixture
def file(tmp_path):
    CONTENT.tofile(tmp_path / "a")
    descriptor = os.open(tmp_path / "a", os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture(params=["whole", "short", "many", "Windows"])
def reads(monkeypatch, request) -> str:
    """Bytes that the system reads at once."""
    if request.param == "short":
        read = os.preadv

        def read_less(file, arrays, start):
            first = arrays[0].reshape(-1).view(np.uint8)
            return read(file, [first[: max(1, len(first) // 3)]], start) if len(first) else 0

        monkeypatch.setattr(os, "preadv", read_less)
    monkeypatch.setattr(local_bytes, "MAX_ARRAYS", 3 if request.param == "many" else 1024)
    if request.param == "Windows":
        monkeypatch.setattr(local_bytes, "HAS_VECTORED_READS", False)
    return request.param


@pytest.mark.parametrize("start", [0, 1, 4096])
@pytest.mark.usefixtures("reads")
def test_arrays_get_the_bytes_in_order(file, start):
    arrays = [np.zeros((size // 4, 1), np.float32) for size in SIZES]
    fill_arrays(file, start, arrays, sum(SIZES))
    filled = np.concatenate([array.reshape(-1).view(np.uint8) for array in arrays])
    np.testing.assert_array_equal(filled, CONTENT[start : start + sum(SIZES)])


@pytest.mark.parametrize("missing", [1, 5000, 20_000])
@pytest.mark.usefixtures("reads")
def test_a_file_that_ends_before_is_an_error(file, missing):
    arrays = [np.zeros(size, np.uint8) for size in SIZES]
    start = len(CONTENT) - sum(SIZES) + missing
    with pytest.raises(EOFError, match="ends early"):
        fill_arrays(file, start, arrays, sum(SIZES))


def test_files_are_closed_at_the_end_and_few_are_open_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(local_bytes, "MAX_OPEN_FILES", 2)
    for name in "abc":
        (tmp_path / name).write_text(name)
    with ShardFiles(Location(str(tmp_path))) as files:
        for name in "abacabc":
            assert os.pread(files.open(name), 9, 0) == name.encode()
            assert len(files._files) <= 2
        last = files.open("c")
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(last)
