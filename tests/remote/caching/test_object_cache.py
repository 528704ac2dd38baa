"""The cache of remote files: verified, resumed, shared, and never silently wrong."""

from __future__ import annotations

import hashlib
import multiprocessing as mp
import os
import random
from dataclasses import replace

import pytest
from scripted_server import ScriptedServer

from bids_dl.remote.caching.file_checksum import hash_file
from bids_dl.remote.caching.object_cache import CacheError, ObjectCache, RemoteFileError
from bids_dl.remote.caching.remote_file import RemoteFile
from bids_dl.remote.http.http_client import HttpClient

CONTENT = random.Random(0).randbytes(300_000)
SIZE = len(CONTENT)
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
SHA256 = hashlib.sha256(CONTENT).hexdigest()
BLOB = hashlib.sha1(f"blob {len(CONTENT)}\0".encode() + CONTENT, usedforsecurity=False).hexdigest()


@pytest.fixture(scope="module")
def server():
    with ScriptedServer(CONTENT) as started:
        yield started


@pytest.fixture
def client(server):
    server.requests.clear()
    server.n_bytes.clear()
    with HttpClient(retry_timeout=0.05) as opened:
        yield opened


@pytest.fixture
def impatient_client():
    with HttpClient(retry_timeout=0.05, stall_seconds=0.5, slow_seconds=0.5) as opened:
        yield opened


@pytest.fixture
def cache(tmp_path):
    return ObjectCache(tmp_path / "cache")


def remote_file(server, *faults, size=SIZE, algorithm="md5", checksum=MD5):
    return RemoteFile(size, algorithm, checksum, tuple(f"{server.url}/{fault}" for fault in faults))


@pytest.mark.parametrize(
    ("algorithm", "checksum"), [("md5", MD5), ("sha256", SHA256), ("git", BLOB)]
)
def test_a_file_is_fetched_once_and_verified(server, client, cache, algorithm, checksum):
    file = remote_file(server, "ok", algorithm=algorithm, checksum=checksum)
    received = []
    assert cache.fetch(file, client, on_bytes=received.append) == "checksum"
    assert cache.path_of(file).read_bytes() == CONTENT
    assert sum(received) == len(CONTENT)
    assert cache.fetch(file, client) == "checksum"
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", ["flipped", "page", "denied", "endless", "nothing"])
def test_a_wrong_answer_is_never_a_file_and_the_next_address_is_tried(server, client, cache, fault):
    file = remote_file(server, fault, "ok")
    cache.fetch(file, client)
    assert cache.path_of(file).read_bytes() == CONTENT


def test_the_next_address_is_tried_if_a_server_is_silent(server, impatient_client, cache):
    file = remote_file(server, "silent", "ok")
    cache.fetch(file, impatient_client)
    assert cache.path_of(file).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("flipped", "its md5 checksum is .*, the archive states"),
        ("page", f"the file has {len(CONTENT)} bytes, the server has 29"),
        ("denied", "HTTP 403: access denied, or no such file"),
        ("nothing", "HTTP 404"),
        ("endless", f"more than {len(CONTENT)} bytes"),
    ],
)
def test_a_file_that_no_address_provides_is_one_line(server, client, cache, fault, reason):
    file = remote_file(server, fault)
    with pytest.raises(RemoteFileError, match=reason) as failure:
        cache.fetch(file, client)
    assert "\n" not in str(failure.value)
    assert f"/{fault}" in str(failure.value)
    assert not cache.holds(file)


def test_a_refusal_may_pass_and_a_wrong_checksum_does_not(server, client, cache):
    with pytest.raises(RemoteFileError) as denied:
        cache.fetch(remote_file(server, "denied"), client)
    with pytest.raises(RemoteFileError) as flipped:
        cache.fetch(remote_file(server, "flipped"), client)
    assert denied.value.transient
    assert not flipped.value.transient


def test_a_damaged_part_of_an_earlier_run_costs_a_second_download_only(server, client, cache):
    file = remote_file(server, "ok")
    part = cache.path_of(file).with_name(f"{MD5}.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 1000)
    cache.fetch(file, client)
    assert cache.path_of(file).read_bytes() == CONTENT


def test_without_a_checksum_the_size_is_verified_and_that_is_said(server, client, cache):
    file = remote_file(server, "ok", algorithm="", checksum="")
    assert cache.fetch(file, client) == "size"
    with pytest.raises(RemoteFileError, match="the server has 29"):
        cache.fetch(remote_file(server, "page", algorithm="", checksum=""), client)


def test_a_file_without_an_address_says_so(client, cache):
    with pytest.raises(RemoteFileError, match="no address"):
        cache.fetch(RemoteFile(3, "md5", MD5), client)


def test_ranges_fill_a_file_of_full_size_and_nothing_else(server, client, cache):
    file = remote_file(server, "ok")
    ranges = [(0, 100), (200_000, 200_050)]
    partial = cache.fetch_ranges(file, ranges, client)
    path = partial.path
    expected = bytearray(len(CONTENT))
    for start, stop in ranges:
        expected[start:stop] = CONTENT[start:stop]
    assert path.read_bytes() == bytes(expected)
    assert server.n_bytes["/ok"] == 150
    assert partial == cache.fetch_ranges(file, ranges, client)
    assert server.n_bytes["/ok"] == 150
    assert not cache.holds(file)  # a partial file is never taken for a whole one


def test_bytes_that_are_known_are_not_downloaded_again(server, client, cache):
    file = remote_file(server, "ok")
    header = cache.fetch_ranges(file, [(0, 1000)], client)
    cache.fetch_ranges(file, [(0, 1000), (5000, 5010)], client, known=header)
    assert server.n_bytes["/ok"] == 1010
    cache.fetch(file, client, known=header)
    assert cache.path_of(file).read_bytes() == CONTENT
    assert server.n_bytes["/ok"] == 1010 + len(CONTENT) - 1000


@pytest.mark.parametrize("fault", ["no-ranges", "wrong-range", "other-size"])
def test_wrong_ranges_leave_no_file(server, client, cache, fault):
    file = remote_file(server, fault)
    with pytest.raises(RemoteFileError):
        cache.fetch_ranges(file, [(10, 20)], client)
    assert not cache.partial_file(file, [(10, 20)]).path.exists()


def test_of_ranges_only_bytes_that_are_not_known_are_requested(server, client, cache):
    file = remote_file(server, "ok")
    known = cache.fetch_ranges(file, [(0, 100), (5000, 6000), (299_000, SIZE)], client)
    received = []
    ranges = [(0, 5500), (200_000, SIZE)]
    partial = cache.fetch_ranges(file, ranges, client, known=known, on_bytes=received.append)
    assert received == [4900, 99_000]
    expected = bytearray(SIZE)
    for start, stop in ranges:
        expected[start:stop] = CONTENT[start:stop]
    assert partial.path.read_bytes() == expected


def test_ranges_are_copied_from_a_whole_file_in_the_cache(server, client, cache):
    file = remote_file(server, "ok")
    cache.fetch(file, client)
    partial = cache.fetch_ranges(file, [(1000, 2000)], client)
    assert partial.path.read_bytes()[1000:2000] == CONTENT[1000:2000]
    assert len(server.requests) == 1


def test_ranges_are_read_from_pinned_addresses_alone(server, client, cache):
    plain = remote_file(server, "denied", "ok")
    cache.fetch_ranges(plain, [(0, 10)], client)
    pinned = replace(plain, urls=(f"{server.url}/denied?versionId=1", f"{server.url}/ok"))
    with pytest.raises(RemoteFileError, match="HTTP 403"):
        cache.fetch_ranges(pinned, [(0, 20)], client)


def test_ranges_of_a_file_of_unknown_size_are_refused(server, client, cache):
    with pytest.raises(RemoteFileError, match="size"):
        cache.fetch_ranges(remote_file(server, "ok", size=None), [(0, 1)], client)


def test_a_cache_that_cannot_be_written_names_the_way_out(server, client, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match="--cache"):
        ObjectCache(tmp_path / "file").fetch(remote_file(server, "ok"), client)


def test_checksums_are_those_of_git(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    assert hash_file(tmp_path / "empty", "git") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


def fetch_in_process(folder, url, queue):
    with HttpClient(retry_timeout=1) as client:
        ObjectCache(folder).fetch(RemoteFile(len(CONTENT), "md5", MD5, (url,)), client)
    queue.put(os.getpid())


@pytest.mark.parametrize("n_bytes", [0, SIZE // 2])
def test_a_cached_file_that_lost_bytes_is_fetched_again(server, client, cache, n_bytes):
    file = remote_file(server, "ok")
    cache.fetch(file, client)
    os.truncate(cache.path_of(file), n_bytes)
    assert not cache.holds(file)
    assert cache.missing_bytes(file) == SIZE
    cache.fetch(file, client)
    assert cache.path_of(file).read_bytes() == CONTENT


def test_ranges_that_lost_bytes_are_fetched_again_and_never_copied(server, client, cache):
    file = remote_file(server, "ok")
    header = cache.fetch_ranges(file, [(0, 1000)], client)
    os.truncate(header.path, 500)
    more = cache.fetch_ranges(file, [(0, 2000)], client, known=header)
    assert more.path.read_bytes()[:2000] == CONTENT[:2000]
    assert cache.fetch_ranges(file, [(0, 1000)], client).path.read_bytes()[:1000] == CONTENT[:1000]


def test_two_processes_fetch_a_file_once(server, tmp_path):
    server.requests.clear()
    server.n_bytes.clear()
    context = mp.get_context("spawn")
    queue = context.Queue()
    arguments = (tmp_path / "shared", f"{server.url}/short", queue)
    processes = [context.Process(target=fetch_in_process, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert server.n_bytes["/short"] == len(CONTENT)


def test_a_cached_file_that_was_damaged_later_is_found_and_fetched_again(server, client, cache):
    file = remote_file(server, "ok")
    cache.fetch(file, client)
    path = cache.path_of(file)
    path.write_bytes(bytes([CONTENT[0] ^ 1]) + CONTENT[1:])  # of the same size
    cache.fetch(file, client, check=True)
    assert path.read_bytes() == CONTENT
