from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import fsspec
import numpy as np
import pytest
import small_store
import zarr
from fsspec.implementations.memory import MemoryFileSystem
from small_store import Small
from zarr.codecs import BloscCodec

from bids_dl.errors import DamagedStoreError, StoreError
from bids_dl.remote.location import Location
from bids_dl.store import open_store
from bids_dl.store.chunk_layout import layout
from bids_dl.store.chunks import ChunkReader, Part

SMALL = Small(
    n_subjects=3, per_recording=5, per_chunk=4, chunks_per_shard=3
)  # 30 windows: 8 chunks in 3 shards


@pytest.fixture(params=[10**9, 1], ids=["small windows", "large windows"])
def path(tmp_path: Path, request, monkeypatch) -> Path:
    monkeypatch.setattr("bids_dl.store.chunks.LARGE_WINDOW", request.param)
    small_store.write(tmp_path / "small.zarr", SMALL)
    return tmp_path / "small.zarr"


def reader_of(url: Path | str, metadata=None, **options) -> ChunkReader:
    store = open_store(str(url), storage_options=options)
    return ChunkReader(Location(str(url), options), metadata or store.metadata("signals"))


def read_all(reader: ChunkReader) -> np.ndarray:
    """All windows, chunks asked for in another order than theirs."""
    slots = np.full(
        (reader.n_chunks, reader.windows_per_chunk, *reader.shape[1:]), np.nan, np.float32
    )
    order = np.random.default_rng(0).permutation(reader.n_chunks).tolist()
    every = [
        np.arange(min(reader.windows_per_chunk, reader.shape[0] - chunk * reader.windows_per_chunk))
        for chunk in order
    ]
    reader.read(
        order,
        [[Part(places, places, slots[chunk])] for places, chunk in zip(every, order, strict=True)],
    )
    return slots.reshape(-1, *reader.shape[1:])[: reader.shape[0]]


def test_chunks_hold_what_was_written(path):
    assert layout(open_store(str(path)).metadata("signals")) is not None
    np.testing.assert_array_equal(read_all(reader_of(path)), SMALL.signals)


def test_chunks_of_a_real_store_hold_what_zarr_python_reads(eyes_store):
    reader = reader_of(eyes_store)
    assert layout(open_store(str(eyes_store)).metadata("signals")) is not None
    np.testing.assert_array_equal(read_all(reader), open_store(str(eyes_store)).read("signals"))


def test_chunks_come_from_a_file_system_without_folders_as_from_disk(path):
    url = "memory://chunks/small.zarr"
    fsspec.filesystem("memory").put(str(path), "/chunks/small.zarr", recursive=True)
    np.testing.assert_array_equal(read_all(reader_of(url)), SMALL.signals)


@pytest.mark.parametrize(
    "how",
    [
        {"compressors": [BloscCodec(cname="lz4", shuffle="bitshuffle")]},
        {"compressors": None},
        {"compressors": None, "chunk_key_encoding": {"name": "v2", "separator": "."}},
        {"compressors": None, "shards": None},
        {"compressors": None, "chunks": (4, 1, 20), "shards": (12, 3, 20)},
        {"compressors": None, "dtype": "float64"},
    ],
    ids=["blosc", "no checksum", "v2 keys", "no shards", "chunks of one channel", "float64"],
)
def test_other_layouts_of_the_array_give_the_same_values(path, how):
    shutil.rmtree(path / "signals")
    shape = SMALL.signals.shape
    options = {
        "chunks": (4, *shape[1:]),
        "shards": (12, *shape[1:]),
        "dtype": "float32",
        "shape": shape,
    } | how
    zarr.create_array(path / "signals", **options)[...] = SMALL.signals
    reader = reader_of(path, json.loads((path / "signals/zarr.json").read_text()))
    np.testing.assert_array_equal(read_all(reader), SMALL.signals)


BLOSC = BloscCodec(cname="lz4", shuffle="bitshuffle", typesize=2)
CRC = zarr.codecs.Crc32cCodec()


def write_numbers(path: Path, step: float, **options) -> np.ndarray:
    """Put int16 in the place of the signals; the windows in µV."""
    shutil.rmtree(path / "signals")
    shape, codes = SMALL.signals.shape, np.round(SMALL.signals / step).astype(np.int16)
    options = {
        "chunks": (4, *shape[1:]),
        "shards": (12, *shape[1:]),
        "compressors": [BLOSC, CRC],
    } | options
    zarr.create_array(
        path / "signals", shape=shape, dtype="int16", attributes={"scale_factor": step}, **options
    )[...] = codes
    return codes * np.float32(step)


@pytest.mark.parametrize(
    "compressors",
    [
        [BLOSC, CRC],
        [BLOSC],
        [CRC],
        None,
        "auto",
        [BloscCodec(cname="zstd", shuffle="shuffle"), CRC],
    ],
)
@pytest.mark.parametrize("step", [0.125, 0.1])
def test_whole_numbers_with_a_scale_factor_come_as_microvolts(path, compressors, step):
    expected = write_numbers(path, step, compressors=compressors)
    metadata = json.loads((path / "signals/zarr.json").read_text())
    assert (layout(metadata) is None) == (
        compressors == "auto"
    )  # zstd alone is left to zarr-python
    np.testing.assert_array_equal(read_all(reader_of(path, metadata)), expected)


@pytest.mark.parametrize("compressors", [[BLOSC, CRC], [CRC]])
def test_whole_numbers_are_given_as_they_are_to_who_asks_for_them(path, compressors):
    expected = write_numbers(path, 0.125, compressors=compressors)
    reader = reader_of(path, json.loads((path / "signals/zarr.json").read_text()))
    numbers = np.zeros((6, *reader.shape[1:]), np.int16)
    reader.read(
        [1, 2],
        [
            [Part(np.array([0, 1, 2, 3]), np.array([4, 0, 2, 1]), numbers)],
            [Part(np.array([1]), np.array([3]), numbers)],
        ],
    )
    np.testing.assert_array_equal(
        numbers[[4, 0, 2, 1, 3]] * np.float32(reader.whole_number), expected[[4, 5, 6, 7, 9]]
    )


def test_a_store_of_microvolts_has_no_whole_numbers(path):
    assert reader_of(path).whole_number is None


def test_whole_numbers_come_from_a_server_as_from_disk(path):
    expected = write_numbers(path, 0.125)
    fsspec.filesystem("memory").put(str(path), "/numbers/small.zarr", recursive=True)
    metadata = json.loads((path / "signals/zarr.json").read_text())
    np.testing.assert_array_equal(
        read_all(reader_of("memory://numbers/small.zarr", metadata)), expected
    )


def test_a_flipped_bit_of_compressed_numbers_is_found(path):
    write_numbers(path, 0.125)
    flip(path / "signals/c/1/0/0", 20)
    with pytest.raises(
        DamagedStoreError,
        match=r"chunk \d of signals \(in signals/c/1/0/0\) does not match its checksum",
    ):
        read_all(reader_of(path, json.loads((path / "signals/zarr.json").read_text())))


@pytest.mark.parametrize("place", [0, 4, 5, 8, 12, 14])
def test_compressed_numbers_without_a_checksum_and_with_a_broken_header_never_come_as_something_else(
    path, place
):
    write_numbers(path, 0.125, compressors=[BLOSC])
    flip(path / "signals/c/1/0/0", place)
    with pytest.raises(DamagedStoreError, match="cannot be decoded"):
        read_all(reader_of(path, json.loads((path / "signals/zarr.json").read_text())))


def flip(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 64
    file.write_bytes(content)


def test_windows_that_nobody_wants_are_checked_and_written_nowhere(path):
    reader = reader_of(path)
    one, other = np.zeros((2, 3, *reader.shape[1:]), np.float32)
    wanted = [Part(np.array([1]), np.array([2]), one), Part(np.array([3]), np.array([0]), other)]
    assert reader.read([1], [wanted]) == [4 * small_store.WINDOW_BYTES + 4]
    np.testing.assert_array_equal([one[2], other[0]], SMALL.signals[[5, 7]])
    assert not one[:2].any()
    assert not other[1:].any()
    flip(path / "signals/c/0/0/0", 4 * small_store.WINDOW_BYTES + 20)  # in window 4
    with pytest.raises(DamagedStoreError, match="chunk 1 of signals"):
        reader.read([1], [wanted])


def test_the_message_of_damage_does_without_names_where_they_are_damaged_too(path):
    flip(path / "signals/c/1/0/0", 20)
    (path / "recording/c/0").write_bytes(b"no names")
    with pytest.raises(DamagedStoreError, match=r"windows 12 to 15\. Fetch or convert"):
        read_all(reader_of(path))


def test_a_chunk_that_is_all_fill_value_and_was_not_stored_comes_as_fill_value(path):
    shutil.rmtree(path / "signals")
    shape = SMALL.signals.shape
    array = zarr.create_array(
        path / "signals",
        shape=shape,
        chunks=(4, *shape[1:]),
        shards=(12, *shape[1:]),
        dtype="float32",
        compressors=None,
    )
    array[:4] = SMALL.signals[:4]
    array[12:] = SMALL.signals[12:]
    values = read_all(reader_of(path, json.loads((path / "signals/zarr.json").read_text())))
    np.testing.assert_array_equal(values[:4], SMALL.signals[:4])
    assert not values[4:12].any()


def test_one_flipped_bit_is_found_and_the_message_names_store_chunk_and_recordings(path):
    shard = path / "signals/c/1/0/0"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    message = r"small\.zarr: chunk 4 of signals \(in signals/c/1/0/0\) does not match its checksum; it holds windows 16 to 19, of .*run-2"
    with pytest.raises(DamagedStoreError, match=message):
        read_all(reader_of(path))


def test_a_flipped_bit_of_a_shard_index_is_found(path):
    shard = path / "signals/c/1/0/0"
    content = bytearray(shard.read_bytes())
    content[-30] ^= 1
    shard.write_bytes(content)
    with pytest.raises(
        DamagedStoreError,
        match=r"index of shard signals/c/1/0/0 does not match its checksum; it holds windows 12 to 23",
    ):
        read_all(reader_of(path))


def test_a_missing_shard_is_damage_not_zeros(path):
    (path / "signals/c/1/0/0").unlink()
    with pytest.raises(
        DamagedStoreError, match=r"shard signals/c/1/0/0 is missing; it holds windows 12 to 23"
    ):
        read_all(reader_of(path))


def test_a_shard_cut_short_is_damage(path):
    shard = path / "signals/c/1/0/0"
    shard.write_bytes(shard.read_bytes()[:10])
    with pytest.raises(DamagedStoreError, match=r"shard signals/c/1/0/0 .*windows 12 to 23"):
        read_all(reader_of(path))


def test_damage_in_an_array_left_to_zarr_python_is_found_too(path):
    shutil.rmtree(path / "signals")
    shape = SMALL.signals.shape
    zarr.create_array(
        path / "signals",
        shape=shape,
        chunks=(4, *shape[1:]),
        dtype="float32",
        compressors=[zarr.codecs.Crc32cCodec()],
    )[...] = 1
    (path / "signals/c/1/0/0").write_bytes(b"\x01" + (path / "signals/c/1/0/0").read_bytes()[1:])
    with pytest.raises(
        DamagedStoreError, match=r"chunk 1 of signals cannot be decoded; it holds windows 4 to 7"
    ):
        read_all(reader_of(path, json.loads((path / "signals/zarr.json").read_text())))


class FailingFileSystem(MemoryFileSystem):
    """Fails the first ``failures`` requests for a range."""

    protocol = "failing"
    cachable = False

    def __init__(self, failures: int = 0, **options):
        super().__init__(**options)
        self.failures = failures

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.removeprefix("failing:/"))

    def cat_file(self, path, start=None, end=None, **options):
        if start is not None and self.failures > 0:
            self.failures -= 1
            raise ConnectionResetError("secret-token")
        return super().cat_file(path, start, end, **options)


@pytest.fixture
def failing(path):
    fsspec.register_implementation("failing", FailingFileSystem, clobber=True)
    fsspec.filesystem("memory").put(str(path), "/failing/small.zarr", recursive=True)
    return "failing://failing/small.zarr"


def test_a_request_that_fails_in_passing_is_issued_again(failing):
    np.testing.assert_array_equal(
        read_all(reader_of(failing, failures=2, patience=0)), SMALL.signals
    )


def test_a_server_that_stays_away_is_an_error_without_what_it_said(failing):
    with pytest.raises(
        StoreError,
        match=r"cannot be read \(ConnectionResetError\); see that the store can be reached",
    ) as caught:
        read_all(reader_of(failing, failures=10**6, patience=0))
    assert "secret-token" not in str(caught.value)


def test_a_reader_goes_to_another_process_whole(path):
    np.testing.assert_array_equal(
        read_all(pickle.loads(pickle.dumps(reader_of(path)))), SMALL.signals
    )
