"""Chunks are read as they were written, and damage is found and located."""

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
from small_store import SmallStore
from zarr.codecs import BloscCodec, Crc32cCodec

from bids_dl.errors import DamagedStoreError, StoreError
from bids_dl.remote.location import Location
from bids_dl.store import open_store
from bids_dl.store.signals.chunk_layout import parse_chunk_layout
from bids_dl.store.signals.chunks import ChunkReader
from bids_dl.store.signals.window_copies import Destination

# 30 windows: 8 chunks in 3 shards
SMALL = SmallStore(n_subjects=3, per_recording=5, per_chunk=4, chunks_per_shard=3)
SHAPE = SMALL.signals.shape
CHUNKS = (4, *SHAPE[1:])
SHARDS = (12, *SHAPE[1:])
BLOSC = BloscCodec(cname="lz4", shuffle="bitshuffle", typesize=2)
CRC32C = Crc32cCodec()


@pytest.fixture(params=["through scratch memory", "into the batch", "into the batch by parts"])
def path(tmp_path: Path, request, monkeypatch) -> Path:
    """A small store; its windows are small or large to the reader.

    They are read by the calls of Linux and macOS, or by those of Windows.
    """
    min_bytes = 10**9 if request.param == "through scratch memory" else 1
    monkeypatch.setattr("bids_dl.store.signals.direct_windows.MIN_DIRECT_BYTES", min_bytes)
    if request.param == "into the batch by parts":
        monkeypatch.setattr("bids_dl.store.signals.local_bytes.HAS_VECTORED_READS", False)
    small_store.write(tmp_path / "small.zarr", SMALL)
    return tmp_path / "small.zarr"


def open_reader(url: Path | str, metadata=None, **options) -> ChunkReader:
    store = open_store(str(url), storage_options=options)
    return ChunkReader(Location(str(url), options), metadata or store.metadata("signals"))


def signals_metadata(path: Path) -> dict:
    return json.loads((path / "signals/zarr.json").read_text())


def open_replaced(path: Path) -> ChunkReader:
    """Open a store whose signals were replaced, so that the root has old metadata."""
    return open_reader(path, signals_metadata(path))


def replace_signals(path: Path, values: np.ndarray = SMALL.signals, **options) -> None:
    """Replace the signals by values of the same shape, written by zarr-python."""
    shutil.rmtree(path / "signals")
    options = {"chunks": CHUNKS, "shards": SHARDS, "dtype": values.dtype, **options}
    zarr.create_array(path / "signals", shape=SHAPE, **options)[...] = values


def replace_by_int16(path: Path, resolution: float, **options) -> np.ndarray:
    """Replace the signals by int16, and return the windows in µV."""
    integers = np.round(SMALL.signals / resolution).astype(np.int16)
    attributes = {"scale_factor": resolution}
    options = {"compressors": [BLOSC, CRC32C], "attributes": attributes, **options}
    replace_signals(path, integers, **options)
    return integers * np.float32(resolution)


def read_all(reader: ChunkReader) -> np.ndarray:
    """Read all windows, chunks in a random order."""
    size = reader.windows_per_chunk
    batches = np.full((reader.n_chunks, size, *reader.shape[1:]), np.nan, np.float32)
    order = np.random.default_rng(0).permutation(reader.n_chunks).tolist()
    destinations = []
    for chunk in order:
        rows = np.arange(min(size, reader.shape[0] - chunk * size))
        destinations.append([Destination(rows, rows, batches[chunk])])
    reader.read(order, destinations)
    return batches.reshape(-1, *reader.shape[1:])[: reader.shape[0]]


def flip_bit(file: Path, position: int) -> None:
    content = bytearray(file.read_bytes())
    content[position] ^= 64
    file.write_bytes(content)


def test_chunks_hold_what_was_written(path):
    assert parse_chunk_layout(open_store(str(path)).metadata("signals")) is not None
    np.testing.assert_array_equal(read_all(open_reader(path)), SMALL.signals)


def test_chunks_of_a_real_store_hold_what_zarr_python_reads(eyes_store):
    store = open_store(str(eyes_store))
    assert parse_chunk_layout(store.metadata("signals")) is not None
    np.testing.assert_array_equal(read_all(open_reader(eyes_store)), store.read("signals"))


def test_chunks_of_a_remote_file_system_are_those_on_disk(path):
    fsspec.filesystem("memory").put(str(path), "/chunks/small.zarr", recursive=True)
    np.testing.assert_array_equal(
        read_all(open_reader("memory://chunks/small.zarr")), SMALL.signals
    )


@pytest.mark.parametrize(
    "options",
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
def test_other_layouts_of_the_array_give_the_same_values(path, options):
    replace_signals(path, **options)
    np.testing.assert_array_equal(read_all(open_replaced(path)), SMALL.signals)


@pytest.mark.parametrize(
    ("compressors", "is_supported"),
    [
        ([BLOSC, CRC32C], True),
        ([BLOSC], True),
        ([CRC32C], True),
        (None, True),
        ("auto", False),  # zstd alone is left to zarr-python
        ([BloscCodec(cname="zstd", shuffle="shuffle"), CRC32C], True),
    ],
    ids=["blosc, crc32c", "blosc", "crc32c", "none", "auto", "blosc zstd, crc32c"],
)
@pytest.mark.parametrize("resolution", [0.125, 0.1])
def test_int16_is_read_as_microvolts(path, compressors, is_supported, resolution):
    expected = replace_by_int16(path, resolution, compressors=compressors)
    assert (parse_chunk_layout(signals_metadata(path)) is not None) == is_supported
    np.testing.assert_array_equal(read_all(open_replaced(path)), expected)


@pytest.mark.parametrize("compressors", [[BLOSC, CRC32C], [CRC32C]])
def test_int16_is_read_unchanged_into_an_int16_batch(path, compressors):
    expected = replace_by_int16(path, 0.125, compressors=compressors)
    reader = open_replaced(path)
    batch = np.zeros((6, *reader.shape[1:]), np.int16)
    first = Destination(np.array([0, 1, 2, 3]), np.array([4, 0, 2, 1]), batch)
    second = Destination(np.array([1]), np.array([3]), batch)
    reader.read([1, 2], [[first], [second]])
    windows = batch[[4, 0, 2, 1, 3]] * np.float32(reader.int16_resolution)
    np.testing.assert_array_equal(windows, expected[[4, 5, 6, 7, 9]])


def test_a_float32_store_has_no_int16_resolution(path):
    assert open_reader(path).int16_resolution is None


def test_int16_of_a_remote_file_system_is_that_on_disk(path):
    expected = replace_by_int16(path, 0.125)
    fsspec.filesystem("memory").put(str(path), "/numbers/small.zarr", recursive=True)
    reader = open_reader("memory://numbers/small.zarr", signals_metadata(path))
    np.testing.assert_array_equal(read_all(reader), expected)


def test_a_flipped_bit_of_compressed_windows_is_found(path):
    replace_by_int16(path, 0.125)
    flip_bit(path / "signals/c/1/0/0", 20)
    message = r"chunk \d of signals \(in signals/c/1/0/0\) does not match its checksum"
    with pytest.raises(DamagedStoreError, match=message):
        read_all(open_replaced(path))


@pytest.mark.parametrize("position", [0, 4, 5, 8, 12, 14])
def test_a_damaged_header_of_compressed_windows_without_checksum_is_found(path, position):
    replace_by_int16(path, 0.125, compressors=[BLOSC])
    flip_bit(path / "signals/c/1/0/0", position)
    with pytest.raises(DamagedStoreError, match="cannot be decoded"):
        read_all(open_replaced(path))


def test_windows_without_a_destination_are_verified_but_copied_nowhere(path):
    reader = open_reader(path)
    left, right = np.zeros((2, 3, *reader.shape[1:]), np.float32)
    destinations = [
        Destination(np.array([1]), np.array([2]), left),
        Destination(np.array([3]), np.array([0]), right),
    ]
    size = 4 * small_store.WINDOW_BYTES + 4
    assert reader.read([1], [destinations]) == [(size, size // 2)]
    np.testing.assert_array_equal([left[2], right[0]], SMALL.signals[[5, 7]])
    assert not left[:2].any()
    assert not right[1:].any()
    flip_bit(path / "signals/c/0/0/0", 4 * small_store.WINDOW_BYTES + 20)  # in window 4
    with pytest.raises(DamagedStoreError, match="chunk 1 of signals"):
        open_reader(path).read([1], [destinations])


@pytest.mark.parametrize("rows", [[0], [3], [1, 2], [0, 3]])
def test_few_windows_of_a_verified_chunk_are_read_alone_and_verified_again(path, monkeypatch, rows):
    monkeypatch.setattr("bids_dl.store.signals.direct_windows.MIN_DIRECT_BYTES", 1)
    reader = open_reader(path)
    batch = np.zeros((2, *reader.shape[1:]), np.float32)
    destinations = [Destination(np.array(rows), np.arange(len(rows)), batch)]
    sizes = []
    for _ in range(3):
        batch[...] = 0
        sizes += reader.read([4], [destinations])
        np.testing.assert_array_equal(batch[: len(rows)], SMALL.signals[16:][rows])
    used = len(rows) * small_store.WINDOW_BYTES
    assert sizes[1:] == [(used, used)] * 2
    assert sizes[0].read == 4 * small_store.WINDOW_BYTES + 4
    shard = path / "signals/c/1/0/0"  # chunk 4 is its second one
    start = 4 * small_store.WINDOW_BYTES + 4
    for row in range(4):
        flip_bit(shard, start + row * small_store.WINDOW_BYTES + 7)
        if row in rows:
            with pytest.raises(DamagedStoreError, match=r"chunk 4 of signals .*its checksum"):
                reader.read([4], [destinations])
        else:
            assert reader.read([4], [destinations]) == [(used, used)]
        flip_bit(shard, start + row * small_store.WINDOW_BYTES + 7)


def test_windows_of_another_chunk_in_place_of_a_verified_one_are_found(path, monkeypatch):
    monkeypatch.setattr("bids_dl.store.signals.direct_windows.MIN_DIRECT_BYTES", 1)
    reader = open_reader(path)
    batch = np.zeros((1, *reader.shape[1:]), np.float32)
    destinations = [Destination(np.array([2]), np.array([0]), batch)]
    reader.read([4], [destinations])
    shard = path / "signals/c/1/0/0"
    content = bytearray(shard.read_bytes())
    size = 4 * small_store.WINDOW_BYTES + 4
    content[size : 2 * size] = content[:size]  # chunk 3, with a checksum that matches
    shard.write_bytes(content)
    with pytest.raises(DamagedStoreError, match=r"chunk 4 of signals .*its checksum"):
        reader.read([4], [destinations])


def test_a_copy_of_a_reader_verifies_chunks_again(path, monkeypatch):
    monkeypatch.setattr("bids_dl.store.signals.direct_windows.MIN_DIRECT_BYTES", 1)
    reader = open_reader(path)
    batch = np.zeros((1, *reader.shape[1:]), np.float32)
    destinations = [Destination(np.array([2]), np.array([0]), batch)]
    whole = reader.read([4], [destinations])
    assert reader.read([4], [destinations]) != whole
    assert pickle.loads(pickle.dumps(reader)).read([4], [destinations]) == whole


@pytest.mark.parametrize("scale", [None, 0.125])
def test_windows_are_changed_before_they_are_copied_and_each_row_by_its_own_number(path, scale):
    expected = SMALL.signals
    reader = open_reader(path)
    if scale is not None:
        expected = replace_by_int16(path, scale)
        reader = open_replaced(path)
    batch = np.zeros((30, *reader.shape[1:]), np.float32)
    destinations = []
    for chunk in range(reader.n_chunks):
        positions = np.arange(min(4, 30 - 4 * chunk))[chunk % 2 :: 1 + chunk % 3]
        destinations.append([Destination(positions, 4 * chunk + positions, batch)])

    def change(windows, rows):
        windows *= 2
        windows += rows[:, None, None].astype(np.float32)

    reader.read(range(reader.n_chunks), destinations, change)
    used = np.concatenate([target.batch_rows for [target] in destinations])
    added = used[:, None, None].astype(np.float32)
    np.testing.assert_array_equal(batch[used], 2 * expected[used] + added)
    assert not np.delete(batch, used, axis=0).any()


def test_the_message_omits_recordings_if_their_column_is_damaged_too(path):
    flip_bit(path / "signals/c/1/0/0", 20)
    (path / "recording/c/0").write_bytes(b"no names")
    with pytest.raises(DamagedStoreError, match=r"windows 12 to 15\. Fetch or convert"):
        read_all(open_reader(path))


def test_a_chunk_that_is_not_stored_is_read_as_fill_value(path):
    values = SMALL.signals.copy()
    values[4:12] = 0  # zarr-python stores no chunk of zeros
    replace_signals(path, values, compressors=None)
    np.testing.assert_array_equal(read_all(open_replaced(path)), values)


def test_a_flipped_bit_is_found_with_store_chunk_and_recordings(path):
    shard = path / "signals/c/1/0/0"
    flip_bit(shard, shard.stat().st_size // 2)
    message = (
        r"small\.zarr: chunk 4 of signals \(in signals/c/1/0/0\) does not match its checksum; "
        r"it holds windows 16 to 19, of .*run-2"
    )
    with pytest.raises(DamagedStoreError, match=message):
        read_all(open_reader(path))


def test_a_flipped_bit_of_a_shard_index_is_found(path):
    flip_bit(path / "signals/c/1/0/0", -30)
    message = (
        r"index of shard signals/c/1/0/0 does not match its checksum; it holds windows 12 to 23"
    )
    with pytest.raises(DamagedStoreError, match=message):
        read_all(open_reader(path))


def test_a_missing_shard_is_damage_not_zeros(path):
    (path / "signals/c/1/0/0").unlink()
    message = r"shard signals/c/1/0/0 is missing; it holds windows 12 to 23"
    with pytest.raises(DamagedStoreError, match=message):
        read_all(open_reader(path))


def test_a_shard_cut_short_is_damage(path):
    shard = path / "signals/c/1/0/0"
    shard.write_bytes(shard.read_bytes()[:10])
    with pytest.raises(DamagedStoreError, match=r"shard signals/c/1/0/0 .*windows 12 to 23"):
        read_all(open_reader(path))


def test_damage_of_an_array_that_zarr_python_reads_is_found(path):
    replace_signals(path, shards=None, compressors=[CRC32C])
    flip_bit(path / "signals/c/1/0/0", 0)
    message = r"chunk 1 of signals cannot be decoded; it holds windows 4 to 7"
    with pytest.raises(DamagedStoreError, match=message):
        read_all(open_replaced(path))


class FailingFileSystem(MemoryFileSystem):
    """Fails the first ``failures`` requests for a byte range."""

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
def failing_url(path) -> str:
    fsspec.register_implementation("failing", FailingFileSystem, clobber=True)
    fsspec.filesystem("memory").put(str(path), "/failing/small.zarr", recursive=True)
    return "failing://failing/small.zarr"


def test_a_transient_failure_is_retried(failing_url):
    reader = open_reader(failing_url, failures=2, retry_timeout=0)
    np.testing.assert_array_equal(read_all(reader), SMALL.signals)


def test_a_permanent_failure_is_an_error_without_the_servers_message(failing_url):
    message = r"cannot be read \(ConnectionResetError\); check that the store can be reached"
    with pytest.raises(StoreError, match=message) as caught:
        read_all(open_reader(failing_url, failures=10**6, retry_timeout=0))
    assert "secret-token" not in str(caught.value)


def test_a_pickled_reader_reads_the_same(path):
    reader = pickle.loads(pickle.dumps(open_reader(path)))
    np.testing.assert_array_equal(read_all(reader), SMALL.signals)
