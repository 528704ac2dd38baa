"""What is kept of a store behind a web server: what is asked for again, what is believed, what makes room."""

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
from small_store import Small
from torch.utils.data import DataLoader

import bids_dl
from bids_dl.errors import ConfigError, DamagedStoreError, StoreError
from bids_dl.remote.byte_range import ByteRange
from bids_dl.remote.cache import Cache
from bids_dl.stream import StreamingDataset

SMALL = Small(per_chunk=4, chunks_per_shard=3)  # 70 windows: 18 chunks in 6 shards
CHUNK, INDEX = 4 * small_store.WINDOW_BYTES + 4, 3 * 16 + 4
WHOLE = 18 * CHUNK + 6 * INDEX


@pytest.fixture
def server(tmp_path):
    (tmp_path / "web").mkdir()
    small_store.write(tmp_path / "web" / "small.zarr", SMALL)
    with CountingServer(tmp_path / "web") as server:
        yield server


@pytest.fixture
def kept(tmp_path) -> Path:
    return tmp_path / "kept"


def stream_of(server, kept, **options) -> StreamingDataset:
    return StreamingDataset(
        f"{server.url}/small.zarr", **{"batch_size": 8, "cache": kept} | options
    )


def check(batches, small=SMALL) -> None:
    """Every window is there once, with its own signals."""
    seen = {
        int(row): signals
        for batch in batches
        for row, signals in zip(batch.index, batch.signals.numpy(), strict=True)
    }
    np.testing.assert_array_equal(np.stack([seen[row] for row in sorted(seen)]), small.signals)


def entries(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != "size"]


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in entries(folder))


def test_signals_are_asked_for_once_whatever_epoch_stream_or_worker_wants_them(server, kept):
    stream = stream_of(server, kept)
    check(stream)
    assert len(server.of_signals()) == 18 + 6
    assert size(kept) == WHOLE
    server.forget()
    stream.set_epoch(1)
    check(stream)
    assert server.asked == []
    check(stream_of(server, str(kept), seed=3))
    check(DataLoader(stream_of(server, kept), batch_size=None, num_workers=2))
    assert server.of_signals() == []


def test_only_what_a_plan_needs_is_read_and_kept(server, kept):
    stream = stream_of(server, kept, where={"row": [3, 5]})
    before = server.sent
    list(stream)
    assert size(kept) == 2 * CHUNK + INDEX == server.sent - before
    assert (stream.traffic.bytes_read, stream.traffic.bytes_used) == (2 * CHUNK, 2 * (CHUNK // 4))


def test_a_fiftieth_of_a_store_is_read_without_the_rest(tmp_path, server):
    large = Small(
        n_subjects=100, per_recording=20, per_chunk=4, chunks_per_shard=100
    )  # 4000 windows in 10 shards
    small_store.write(tmp_path / "web" / "large.zarr", large)
    stream = StreamingDataset(f"{server.url}/large.zarr", where={"subject": ["017", "060"]})
    server.forget()
    list(stream)
    assert len(stream.windows) == 80
    signals = large.n_windows * small_store.WINDOW_BYTES
    indexes = 2 * (100 * 16 + 4)
    assert stream.traffic.bytes_read == 20 * CHUNK < 0.021 * signals
    sent_for_signals = stream.traffic.bytes_read + indexes
    assert len(server.of_signals()) == 20 + 2
    assert server.sent < sent_for_signals + sum(
        file.stat().st_size for file in (tmp_path / "web" / "large.zarr").rglob("c/0")
    )


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"\xff" + content[1:],
        lambda content: content[:-1],
        lambda _: b"",
        lambda c: c + c,
    ],
)
def test_a_damaged_entry_is_dropped_and_read_again(server, kept, damage):
    check(stream_of(server, kept))
    whole = {path: path.read_bytes() for path in entries(kept)}
    for path, content in whole.items():
        path.write_bytes(damage(content))
    server.forget()
    check(stream_of(server, kept))
    again = len(server.of_signals())
    assert again == (24 if damage(b"ab") != b"abab" else 0), (
        "what comes after an entry is no part of it"
    )
    server.forget()
    check(stream_of(server, kept))
    assert server.of_signals() == []


def test_a_store_written_again_in_the_same_place_is_read_again(tmp_path, server, kept):
    check(stream_of(server, kept))
    shutil.rmtree(tmp_path / "web" / "small.zarr")
    other = replace(SMALL, seed=1)
    small_store.write(tmp_path / "web" / "small.zarr", other)
    check(stream_of(server, kept), other)


def test_a_missing_shard_is_damage_in_whichever_thread_finds_it(tmp_path, server, kept):
    (tmp_path / "web" / "small.zarr" / "signals" / "c" / "2" / "0" / "0").unlink()
    stream = stream_of(server, kept, threads=16)
    for _ in range(10):
        with pytest.raises(
            DamagedStoreError, match=r"shard signals/c/2/0/0 is missing; it holds windows 24 to 35"
        ):
            list(stream)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_the_folder_never_holds_more_than_its_limit(server, kept, share):
    limit = round(share * WHOLE)
    stream = stream_of(server, kept, cache_bytes=limit)
    for epoch in range(3):
        stream.set_epoch(epoch)
        check(stream)
        assert 0 < size(kept) <= limit


def test_an_entry_larger_than_the_limit_is_not_kept(server, kept):
    check(stream_of(server, kept, cache_bytes=CHUNK - 1))
    assert {path.stat().st_size for path in entries(kept)} == {INDEX}


def test_what_was_not_used_for_longest_goes_first(tmp_path):
    cache = Cache(tmp_path, 10 * 104, url="s3://bucket/x.zarr", content="1")
    contents = {start: checked(start) for start in range(12)}
    requests = {start: ByteRange("signals/c/0/0/0", start, 104) for start in contents}
    for start in range(10):
        cache.keep(requests[start], contents[start])
    for path in entries(tmp_path):
        used = int(path.name.partition(".")[0])
        os.utime(path, ns=(used, used))
    np.testing.assert_array_equal(cache.load(requests[0]), contents[0])
    cache.keep(requests[10], contents[10])
    cache.keep(requests[11], contents[11])
    assert [start for start in range(12) if cache.load(requests[start]) is None] == [1, 2]


def checked(seed: int) -> np.ndarray:
    """100 bytes and their checksum."""
    content = np.random.default_rng(seed).integers(0, 256, 100, np.uint8)
    return np.r_[
        content, np.frombuffer(google_crc32c.value(content).to_bytes(4, "little"), np.uint8)
    ]


def test_damaged_bytes_are_never_kept(tmp_path):
    cache = Cache(tmp_path, 10**6, url="s3://bucket/x.zarr", content="1")
    content = checked(0)
    content[0] ^= 1
    cache.keep(ByteRange("signals/c/0/0/0", 0, 104), content)
    assert entries(tmp_path) == []


def test_a_count_that_is_lost_is_made_again(server, kept):
    check(stream_of(server, kept))
    for broken in (b"", b"12", b"x" * 20):
        (kept / "size").write_bytes(broken)
        entries(kept)[0].unlink()
        check(stream_of(server, kept))
        assert int((kept / "size").read_bytes()) == WHOLE == size(kept)


def test_a_local_store_is_read_from_where_it_is(tmp_path, kept):
    small_store.write(tmp_path / "here.zarr", SMALL)
    check(StreamingDataset(tmp_path / "here.zarr", cache=kept))
    assert entries(kept) == []


def test_the_users_folder_is_the_default_and_the_working_directory_stays_empty(
    server, tmp_path, monkeypatch
):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    check(stream_of(server, True))
    assert size(tmp_path / "xdg" / "bids_dl" / "chunks") == WHOLE
    assert (tmp_path / "xdg" / "bids_dl" / "chunks").stat().st_mode & 0o077 == 0
    assert list((tmp_path / "work").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_refused(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        ConfigError, match=r"cache .*file: cannot be made \(File exists\); choose another folder"
    ):
        stream_of(server, tmp_path / "file")


def test_a_store_whose_chunks_have_no_checksum_is_refused(server, kept):
    store = bids_dl.open_store(f"{server.url}/small.zarr")
    arrays = store.root["consolidated_metadata"]["metadata"]
    sharding = arrays["signals"]["codecs"][0]
    sharding["configuration"]["codecs"] = [
        codec for codec in sharding["configuration"]["codecs"] if codec["name"] != "crc32c"
    ]
    with pytest.raises(
        StoreError,
        match="has no CRC32C on every chunk, so a cache of it could not be trusted; stream it without cache=",
    ):
        StreamingDataset(store, cache=kept)


RUN = """
import resource, sys, warnings
from bids_dl import StreamingDataset
url, kept, limit, file_bytes = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
stream = StreamingDataset(url, batch_size=8, cache=kept, cache_bytes=limit)
if file_bytes:
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
print("begin", flush=True)
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    rows = [row for _ in range(3) for batch in stream for row in batch.index.tolist()]
print(len(rows), len(set(rows)), *(warning.message for warning in said), flush=True)
"""


def command(server, kept, limit: int, file_bytes: int = 0) -> list[str]:
    return [
        sys.executable,
        "-c",
        RUN,
        f"{server.url}/small.zarr",
        str(kept),
        str(limit),
        str(file_bytes),
    ]


def test_a_disk_that_takes_no_more_costs_a_warning_and_the_cache(server, kept):
    done = subprocess.run(
        command(server, kept, WHOLE, file_bytes=100), capture_output=True, text=True, check=True
    )
    said = done.stdout.splitlines()[1]
    assert (
        said
        == f"210 70 {kept}: nothing more is kept in this cache (File too large); the stream goes on without"
    )
    assert all(path.stat().st_size == INDEX for path in entries(kept)), (
        "nothing is left half written"
    )


@pytest.mark.slow
def test_processes_share_a_folder_within_its_limit(server, kept):
    limit = WHOLE // 2
    kept.mkdir()
    processes = [
        subprocess.Popen(command(server, kept, limit), stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    while any(process.poll() is None for process in processes):
        assert size_now(kept) <= limit
    assert [process.communicate()[0].splitlines()[1] for process in processes] == ["210 70"] * 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(stream_of(server, kept, cache_bytes=limit))


def size_now(folder: Path) -> int:
    """As `size`, while nobody writes."""
    with (folder / "size").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        return size(folder)


@pytest.mark.slow
def test_processes_killed_at_any_moment_leave_a_folder_that_can_be_used(server, kept):
    chance, limit = random.Random(0), WHOLE // 2
    for _ in range(5):
        with subprocess.Popen(
            command(server, kept, limit), stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout.readline() == "begin\n"
            time.sleep(chance.uniform(0, 0.3))
            process.send_signal(signal.SIGKILL)
        check(stream_of(server, kept, cache_bytes=limit))
        assert size(kept) <= limit
