"""Cache of a store behind a web server: hits, verification, eviction, sharing by processes."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import google_crc32c
import numpy as np
import pytest
import small_store
from counting_server import CountingServer
from small_store import SmallStore, assert_every_window_once
from torch.utils.data import DataLoader

import bids_dl
from bids_dl.errors import ConfigError, DamagedStoreError, StoreError
from bids_dl.remote.byte_range import ByteRange
from bids_dl.remote.caching.cache import Cache
from bids_dl.stream import StreamingDataset

SMALL = SmallStore(per_chunk=4, chunks_per_shard=3)  # 70 windows: 18 chunks in 6 shards
CHUNK_BYTES = 4 * small_store.WINDOW_BYTES + 4
INDEX_BYTES = 3 * 16 + 4
ALL_BYTES = 18 * CHUNK_BYTES + 6 * INDEX_BYTES


@pytest.fixture
def server(tmp_path):
    (tmp_path / "web").mkdir()
    small_store.write(tmp_path / "web" / "small.zarr", SMALL)
    with CountingServer(tmp_path / "web") as server:
        yield server


@pytest.fixture
def cache_folder(tmp_path) -> Path:
    return tmp_path / "cache"


def open_stream(server, cache_folder, **options) -> StreamingDataset:
    options = {"batch_size": 8, "cache": cache_folder, **options}
    return StreamingDataset(f"{server.url}/small.zarr", **options)


def entries(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != "size"]


def total_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in entries(folder))


def test_signals_are_requested_once_over_epochs_streams_and_workers(server, cache_folder):
    stream = open_stream(server, cache_folder)
    assert_every_window_once(stream, SMALL)
    assert server.signal_bytes_sent == ALL_BYTES
    assert len(server.signal_requests()) < 18 + 6  # neighbours are requested together
    assert total_bytes(cache_folder) == ALL_BYTES
    assert stream.traffic.bytes_cached == 0
    server.reset()
    stream.set_epoch(1)
    assert_every_window_once(stream, SMALL)
    assert server.requests == []
    assert stream.traffic.bytes_cached == stream.traffic.bytes_read / 2
    assert_every_window_once(open_stream(server, str(cache_folder), seed=3), SMALL)
    loader = DataLoader(open_stream(server, cache_folder), batch_size=None, num_workers=2)
    assert_every_window_once(loader, SMALL)
    assert server.signal_requests() == []


def test_only_the_chunks_and_indexes_of_selected_windows_are_read_and_cached(server, cache_folder):
    stream = open_stream(server, cache_folder, where={"row": [3, 5]})
    before = server.bytes_sent
    list(stream)
    assert total_bytes(cache_folder) == 2 * CHUNK_BYTES + INDEX_BYTES
    assert server.bytes_sent - before == 2 * CHUNK_BYTES + INDEX_BYTES
    assert stream.traffic.bytes_read == 2 * CHUNK_BYTES
    assert stream.traffic.bytes_used == 2 * (CHUNK_BYTES // 4)


def test_a_fiftieth_of_a_store_is_read_without_the_rest(tmp_path, server):
    # 4000 windows in 10 shards
    large = SmallStore(n_subjects=100, per_recording=20, per_chunk=4, chunks_per_shard=100)
    small_store.write(tmp_path / "web" / "large.zarr", large)
    stream = StreamingDataset(f"{server.url}/large.zarr", where={"subject": ["017", "060"]})
    server.reset()
    list(stream)
    assert len(stream.windows) == 80
    signal_bytes = large.n_windows * small_store.WINDOW_BYTES
    assert stream.traffic.bytes_read == 20 * CHUNK_BYTES < 0.021 * signal_bytes
    assert server.signal_bytes_sent == 20 * CHUNK_BYTES + 2 * (100 * 16 + 4)
    assert len(server.signal_requests()) <= 20 + 2
    column_files = (tmp_path / "web" / "large.zarr").rglob("c/0")
    column_bytes = sum(file.stat().st_size for file in column_files)
    index_bytes = 2 * (100 * 16 + 4)
    assert server.bytes_sent < stream.traffic.bytes_read + index_bytes + column_bytes


@pytest.mark.parametrize(
    ("damage", "bytes_read_again"),
    [
        (lambda content: b"\xff" + content[1:], ALL_BYTES),
        (lambda content: content[:-1], ALL_BYTES),
        (lambda _: b"", ALL_BYTES),
        (lambda content: content + content, 0),  # bytes after an entry do not belong to it
    ],
    ids=["changed", "cut short", "empty", "longer"],
)
def test_a_damaged_entry_is_evicted_and_read_again(server, cache_folder, damage, bytes_read_again):
    assert_every_window_once(open_stream(server, cache_folder), SMALL)
    for path in entries(cache_folder):
        path.write_bytes(damage(path.read_bytes()))
    server.reset()
    assert_every_window_once(open_stream(server, cache_folder), SMALL)
    assert server.signal_bytes_sent == bytes_read_again
    server.reset()
    assert_every_window_once(open_stream(server, cache_folder), SMALL)
    assert server.signal_requests() == []


def test_a_store_that_was_replaced_at_the_same_url_is_read_again(tmp_path, server, cache_folder):
    assert_every_window_once(open_stream(server, cache_folder), SMALL)
    shutil.rmtree(tmp_path / "web" / "small.zarr")
    other = replace(SMALL, seed=1)
    small_store.write(tmp_path / "web" / "small.zarr", other)
    assert_every_window_once(open_stream(server, cache_folder), other)


def test_a_missing_shard_is_damage_in_every_thread(tmp_path, server, cache_folder):
    (tmp_path / "web" / "small.zarr" / "signals" / "c" / "2" / "0" / "0").unlink()
    stream = open_stream(server, cache_folder, threads=16)
    message = r"shard signals/c/2/0/0 is missing; it holds windows 24 to 35"
    for _ in range(10):
        with pytest.raises(DamagedStoreError, match=message):
            list(stream)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_the_folder_never_exceeds_its_limit(server, cache_folder, share):
    limit = round(share * ALL_BYTES)
    stream = open_stream(server, cache_folder, cache_bytes=limit)
    for epoch in range(3):
        stream.set_epoch(epoch)
        assert_every_window_once(stream, SMALL)
        assert 0 < total_bytes(cache_folder) <= limit


def test_an_entry_larger_than_the_limit_is_not_cached(server, cache_folder):
    stream = open_stream(server, cache_folder, cache_bytes=CHUNK_BYTES - 1)
    assert_every_window_once(stream, SMALL)
    assert {path.stat().st_size for path in entries(cache_folder)} == {INDEX_BYTES}


def content_with_checksum(seed: int) -> np.ndarray:
    """Return 100 bytes and their checksum."""
    content = np.random.default_rng(seed).integers(0, 256, 100, np.uint8)
    checksum = google_crc32c.value(content).to_bytes(4, "little")
    return np.r_[content, np.frombuffer(checksum, np.uint8)]


def range_from(start: int) -> ByteRange:
    return ByteRange("signals/c/0/0/0", start, 104)


def test_the_least_recently_used_entries_are_evicted_first(tmp_path):
    cache = Cache(tmp_path, 10 * 104, url="s3://bucket/x.zarr", content="1")
    for start in range(10):
        cache.save(range_from(start), content_with_checksum(start))
    for path in entries(tmp_path):
        last_used = int(path.name.partition(".")[0])
        os.utime(path, ns=(last_used, last_used))
    np.testing.assert_array_equal(cache.load(range_from(0)), content_with_checksum(0))
    cache.save(range_from(10), content_with_checksum(10))
    cache.save(range_from(11), content_with_checksum(11))
    assert [start for start in range(12) if cache.load(range_from(start)) is None] == [1, 2]


def test_damaged_bytes_are_never_cached(tmp_path):
    cache = Cache(tmp_path, 10**6, url="s3://bucket/x.zarr", content="1")
    content = content_with_checksum(0)
    content[0] ^= 1
    cache.save(range_from(0), content)
    assert entries(tmp_path) == []


def test_intact_bytes_of_another_place_are_neither_cached_nor_read_from_the_cache(tmp_path):
    cache = Cache(tmp_path, 10**6, url="s3://bucket/x.zarr", content="1")
    content = content_with_checksum(0)
    checksum = int.from_bytes(content[-4:].tobytes(), "little")
    expected = ByteRange("signals/c/0/0/0", 0, 104, crc32c=checksum)
    other = ByteRange("signals/c/0/0/0", 0, 104, crc32c=checksum ^ 1)
    cache.save(other, content)
    assert entries(tmp_path) == []
    cache.save(expected, content)
    np.testing.assert_array_equal(cache.load(expected), content)
    assert cache.load(other) is None
    assert entries(tmp_path) == []


def test_entries_are_verified_as_the_caller_says(tmp_path):
    def is_even(content: np.ndarray) -> bool:
        return bool(content[0] % 2 == 0)

    cache = Cache(tmp_path, 10**6, url="s3://bucket/x", content="1", is_valid=is_even)
    even = np.array([2, 3], np.uint8)
    cache.save(ByteRange("even", 0, 2), even)
    cache.save(ByteRange("odd", 0, 2), even[::-1].copy())
    np.testing.assert_array_equal(cache.load(ByteRange("even", 0, 2)), even)
    assert cache.load(ByteRange("odd", 0, 2)) is None


def test_a_lost_or_damaged_size_file_is_computed_again(server, cache_folder):
    assert_every_window_once(open_stream(server, cache_folder), SMALL)
    for damaged in (b"", b"12", b"x" * 20):
        (cache_folder / "size").write_bytes(damaged)
        entries(cache_folder)[0].unlink()
        assert_every_window_once(open_stream(server, cache_folder), SMALL)
        assert int((cache_folder / "size").read_bytes()) == ALL_BYTES
        assert total_bytes(cache_folder) == ALL_BYTES


def test_a_local_store_is_not_cached(tmp_path, cache_folder):
    small_store.write(tmp_path / "here.zarr", SMALL)
    stream = StreamingDataset(tmp_path / "here.zarr", cache=cache_folder)
    assert_every_window_once(stream, SMALL)
    assert entries(cache_folder) == []


def test_the_default_is_the_users_cache_folder_and_not_the_working_directory(
    server, tmp_path, monkeypatch
):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert_every_window_once(open_stream(server, True), SMALL)
    folder = tmp_path / "xdg" / "bids_dl" / "chunks"
    assert total_bytes(folder) == ALL_BYTES
    assert folder.stat().st_mode & 0o077 == 0
    assert list((tmp_path / "work").iterdir()) == []


def test_a_folder_that_cannot_be_created_is_refused(server, tmp_path):
    (tmp_path / "file").write_text("")
    message = r"cache .*file: cannot be created \(File exists\); choose another folder"
    with pytest.raises(ConfigError, match=message):
        open_stream(server, tmp_path / "file")


def test_a_store_whose_chunks_have_no_checksum_is_refused(server, cache_folder):
    store = bids_dl.open_store(f"{server.url}/small.zarr")
    sharding = store.metadata("signals")["codecs"][0]["configuration"]
    sharding["codecs"] = [codec for codec in sharding["codecs"] if codec["name"] != "crc32c"]
    with pytest.raises(StoreError, match=r"has no CRC32C on every chunk, .* without cache="):
        StreamingDataset(store, cache=cache_folder)


SCRIPT = """
import resource, sys, warnings
from bids_dl import StreamingDataset
url, folder, limit, file_bytes = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
stream = StreamingDataset(url, batch_size=8, cache=folder, cache_bytes=limit)
if file_bytes:
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
print("begin", flush=True)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    rows = [row for _ in range(3) for batch in stream for row in batch.index.tolist()]
print(len(rows), len(set(rows)), *(warning.message for warning in caught), flush=True)
"""


def command(server, cache_folder, limit: int, file_bytes: int = 0) -> list[str]:
    """Return the command of a process that streams three epochs through the cache.

    ``file_bytes`` limits the size of its files.
    """
    url = f"{server.url}/small.zarr"
    return [sys.executable, "-c", SCRIPT, url, str(cache_folder), str(limit), str(file_bytes)]


def test_a_full_disk_disables_the_cache_with_one_warning(server, cache_folder):
    limited = command(server, cache_folder, ALL_BYTES, file_bytes=100)
    result = subprocess.run(limited, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[1] == (
        f"210 70 {cache_folder}: caching disabled (File too large); streaming continues without it"
    )
    # no entry is incomplete
    assert all(path.stat().st_size == INDEX_BYTES for path in entries(cache_folder))


@pytest.mark.slow
def test_processes_share_a_folder_within_its_limit(server, cache_folder):
    limit = ALL_BYTES // 2
    cache_folder.mkdir()
    processes = []
    for _ in range(2):
        arguments = command(server, cache_folder, limit)
        processes.append(subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True))
    while any(process.poll() is None for process in processes):
        assert locked_total_bytes(cache_folder) <= limit
    for process in processes:
        assert process.communicate()[0].splitlines()[1] == "210 70"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_every_window_once(open_stream(server, cache_folder, cache_bytes=limit), SMALL)


def locked_total_bytes(folder: Path) -> int:
    """Return the bytes of all entries while no process writes."""
    with (folder / "size").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        return total_bytes(folder)


@pytest.mark.slow
def test_processes_killed_at_any_moment_leave_a_usable_folder(server, cache_folder):
    generator = random.Random(0)
    limit = ALL_BYTES // 2
    arguments = command(server, cache_folder, limit)
    for _ in range(5):
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "begin\n"
            time.sleep(generator.uniform(0, 0.3))
            process.send_signal(signal.SIGKILL)
        assert_every_window_once(open_stream(server, cache_folder, cache_bytes=limit), SMALL)
        assert total_bytes(cache_folder) <= limit
