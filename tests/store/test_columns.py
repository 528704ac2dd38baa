"""Columns are read as zarr-python reads them, and damage is found."""

from __future__ import annotations

import struct
from pathlib import Path

import fsspec
import google_crc32c
import numpy as np
import pytest
import small_store
from small_store import SmallStore

from bids_dl.errors import DamagedStoreError
from bids_dl.remote.location import Location
from bids_dl.store import columns, open_store, writer
from bids_dl.store.columns import read_numbers, read_text

SMALL = SmallStore(n_subjects=3, per_recording=5)
SLICES = [slice(None), slice(3, 20), slice(2, 29, 7), slice(None, None, -3), slice(5, 5), slice(29)]


@pytest.fixture(params=[7, 100_000], ids=["several chunks", "one chunk"])
def path(tmp_path, monkeypatch, request) -> Path:
    """A small store whose columns have several chunks, the last of them not full."""
    monkeypatch.setattr(writer, "ROWS_PER_CHUNK", request.param)
    small_store.write(tmp_path / "small.zarr", SMALL)
    return tmp_path / "small.zarr"


@pytest.mark.parametrize("few", [0, 20_000], ids=["numcodecs", "bytes"])
@pytest.mark.parametrize("url", ["local", "memory"])
def test_columns_and_other_arrays_are_those_of_zarr_python(path, monkeypatch, few, url):
    monkeypatch.setattr(columns, "FEW_TEXTS", few)
    store = open_store(path)
    if url == "memory":
        fsspec.filesystem("memory").put(str(path), "/columns/small.zarr", recursive=True)
        store = open_store("memory://columns/small.zarr")
    for name in set(store.arrays) - {"signals"}:
        expected = np.asarray(store.group[name][:])
        for rows in SLICES:
            values = store.read(name, rows)
            np.testing.assert_array_equal(values, expected[rows])
            is_text = store.metadata(name)["data_type"] == "string"
            assert values.dtype == (object if is_text else expected.dtype)


@pytest.mark.parametrize("few", [0, 20_000], ids=["numcodecs", "bytes"])
def test_texts_are_numbered_by_their_first_appearance(path, monkeypatch, few):
    monkeypatch.setattr(columns, "FEW_TEXTS", few)
    codes = open_store(path).read_codes("subject", slice(10, 30))
    assert codes.texts == ("001", "002")
    assert codes.codes.tolist() == [0] * 10 + [1] * 10


def write_object(folder: Path, content: bytes) -> Location:
    """Write one object with a checksum that fits."""
    (folder / "label/c").mkdir(parents=True)
    checksum = google_crc32c.value(content).to_bytes(4, "little")
    (folder / "label/c/0").write_bytes(content + checksum)
    return Location(str(folder))


def metadata(n_rows: int, data_type: str) -> dict:
    grid = {"configuration": {"chunk_shape": [n_rows]}}
    return {"shape": [n_rows], "chunk_grid": grid, "data_type": data_type}


def encode(*texts: bytes) -> bytes:
    return struct.pack("<I", len(texts)) + b"".join(
        struct.pack("<I", len(text)) + text for text in texts
    )


@pytest.mark.parametrize("few", [0, 20_000], ids=["numcodecs", "bytes"])
@pytest.mark.parametrize(
    "content",
    [
        encode(b"a", b"bc", b"d")[:-1],
        encode(b"a", b"bc", b"\xff"),
        encode(b"a", b"bc"),
        struct.pack("<I", 3) + struct.pack("<I", 2**32 - 1) + b"abc",
    ],
    ids=["cut short", "no UTF-8", "too few", "a length beyond the end"],
)
def test_texts_that_do_not_add_up_are_refused(tmp_path, monkeypatch, content, few):
    monkeypatch.setattr(columns, "FEW_TEXTS", few)
    location = write_object(tmp_path, content)
    with pytest.raises((ValueError, RuntimeError)):
        read_text(location, "label", metadata(3, "string"), slice(None), {})


def test_numbers_of_another_size_are_refused(tmp_path):
    location = write_object(tmp_path, np.arange(4.0).tobytes())
    with pytest.raises(ValueError, match="has 32 bytes, which are no"):
        read_numbers(location, "label", metadata(3, "float64"), slice(None), {})


@pytest.mark.parametrize("name", ["label", "onset", "recording_mean"])
@pytest.mark.parametrize(
    ("damage", "message"),
    [("flip", "SHA-256 mismatch"), ("cut", "cannot be read"), ("remove", "is missing")],
)
def test_damage_of_a_column_names_its_object(path, name, damage, message):
    store = open_store(path)
    [*_, file] = sorted((path / name / "c").rglob("*"))
    content = file.read_bytes()
    if damage == "remove":
        file.unlink()
    else:
        changed = content[:-1] if damage == "cut" else content[:-1] + bytes([content[-1] ^ 1])
        file.write_bytes(changed)
    with pytest.raises(DamagedStoreError, match=message) as caught:
        store.read(name)
    assert f"array '{name}'" in str(caught.value)


def test_a_store_without_sha256_is_checked_by_its_checksums(tmp_path):
    location = write_object(tmp_path, np.arange(3.0).tobytes())
    file = tmp_path / "label/c/0"
    file.write_bytes(b"\x01" + file.read_bytes()[1:])
    with pytest.raises(ValueError, match="label/c/0 does not match its checksum"):
        read_numbers(location, "label", metadata(3, "float64"), slice(None), {})
