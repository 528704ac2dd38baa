"""Recordings are fetched ahead of the workers: in order, several at once, within bounds."""

from __future__ import annotations

import hashlib
import random
import re
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from versioned_bucket import VersionedBucket

from bids_dl.config.stages import FetchConfig
from bids_dl.datamodel import Recording
from bids_dl.pipeline.running.fetch import Fetcher, FetchItem
from bids_dl.remote.caching.object_cache import FullDiskError, ObjectCache
from bids_dl.remote.caching.remote_file import RemoteFile
from bids_dl.remote.http.http_client import HttpClient
from bids_dl.remote.location import Location
from bids_dl.source import Access, Dataset
from bids_dl.source.archives.endpoints import find_endpoints
from bids_dl.source.fetching.remote_files import RemoteFiles

SIZE = 100_000
N_ITEMS = 6
CONTENTS = [random.Random(number).randbytes(SIZE) for number in range(N_ITEMS)]


@pytest.fixture(scope="module")
def running_bucket():
    with VersionedBucket() as bucket:
        for number, content in enumerate(CONTENTS):
            bucket.publish(path_of(number), content)
        yield bucket


@pytest.fixture
def bucket(running_bucket):
    running_bucket.reset()
    running_bucket.damaged.clear()
    running_bucket.absent.clear()
    running_bucket.delay = 0.0
    running_bucket.bytes_per_second = 0
    return running_bucket


@pytest.fixture
def access(tmp_path):
    with HttpClient(retry_timeout=0.05) as client:
        cache = ObjectCache(tmp_path / "cache")
        yield Access(cache, client, find_endpoints({}, {}), FetchConfig(), lambda _: None)


def path_of(number: int) -> str:
    return f"ds1/sub-{number}_eeg.edf"


def remote_file(bucket: VersionedBucket, number: int) -> RemoteFile:
    checksum = hashlib.md5(CONTENTS[number], usedforsecurity=False).hexdigest()
    return RemoteFile(SIZE, "md5", checksum, (f"{bucket.url}/{path_of(number)}",))


def make_items(access: Access, files: list[RemoteFile]) -> list[FetchItem]:
    """Make one recording of one file for each file: ds/0, ds/1, ..."""
    items = []
    for number, file in enumerate(files):
        name = f"{number}_eeg.edf"
        remote = RemoteFiles(access.cache, {name: file})
        dataset = Dataset(Path("ds"), "ds", {}, (name,), remote=remote)
        recording = Recording("ds", str(number), str(number), "", "", "", "eeg", signal=name)
        items.append(FetchItem(dataset, recording))
    return items


@pytest.fixture
def items(bucket, access):
    return make_items(access, [remote_file(bucket, number) for number in range(N_ITEMS)])


def wait_until(condition, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_recordings_are_fetched_in_the_order_of_the_plan(bucket, access, items):
    with Fetcher(items, access, max_bytes_ahead=SIZE) as fetcher:
        for item in items:
            arrival = fetcher.wait(item.key)
            assert (arrival.failure, arrival.error) == (None, None)
            fetcher.release(item.key)
    assert bucket.requests == [path_of(number) for number in range(N_ITEMS)]


def test_several_recordings_are_fetched_at_once(bucket, access, items):
    bucket.delay = 30.0
    with Fetcher(items[:4], access):
        assert wait_until(lambda: len(bucket.requests) == 4)
    assert not bucket.n_bytes


def test_no_more_bytes_are_fetched_than_may_wait(bucket, access, items):
    with Fetcher(items, access, max_bytes_ahead=2 * SIZE) as fetcher:
        fetcher.wait("ds/0")
        fetcher.wait("ds/1")
        time.sleep(0.2)
        assert sum(bucket.n_bytes.values()) == 2 * SIZE
        fetcher.release("ds/0")
        assert wait_until(lambda: fetcher.is_available("ds/2"))
        time.sleep(0.2)
        assert sum(bucket.n_bytes.values()) == 3 * SIZE


def test_a_recording_larger_than_may_wait_is_fetched_alone(access, items):
    with Fetcher(items, access, max_bytes_ahead=1) as fetcher:
        for item in items:
            assert fetcher.wait(item.key).failure is None
            fetcher.release(item.key)


@pytest.mark.parametrize(
    ("fault", "reason", "is_transient"),
    [
        ("absent", "0_eeg.edf cannot be fetched .*HTTP 403: access denied, or no such file", True),
        ("damaged", "0_eeg.edf cannot be fetched .*its md5 checksum is", False),
    ],
)
def test_a_failure_costs_its_recording_alone_and_no_bytes_ahead(
    bucket, access, items, fault, reason, is_transient
):
    getattr(bucket, fault).add(path_of(0))
    with Fetcher(items, access, max_bytes_ahead=SIZE) as fetcher:
        failure = fetcher.wait("ds/0").failure
        assert fetcher.wait("ds/1").failure is None
    assert (failure.recording, failure.stage) == ("ds/0", "source")
    assert failure.transient is is_transient
    assert re.match(reason, failure.reason)
    assert str(access.cache.root) not in failure.reason


def test_a_recording_that_is_not_needed_is_not_fetched(bucket, access, items):
    fetcher = Fetcher(items[:2], access, max_bytes_ahead=SIZE)
    fetcher.release("ds/0")  # such as one that memory refuses
    with fetcher:
        assert fetcher.wait("ds/1").failure is None
    assert bucket.requests == [path_of(1)]


def test_recordings_in_the_cache_do_not_wait_for_others(bucket, access, items):
    with Fetcher(items[3:4], access) as fetcher:
        fetcher.wait("ds/3")
    bucket.delay = 30.0
    with Fetcher(items[:4], access) as fetcher:
        assert fetcher.total_bytes == 3 * SIZE
        assert wait_until(lambda: fetcher.is_available("ds/3"))
        assert not fetcher.is_available("ds/0")


def test_no_thread_is_started_without_remote_recordings():
    before = threading.active_count()
    with Fetcher() as fetcher:
        assert threading.active_count() == before
        assert fetcher.is_available("ds/0")
        assert fetcher.wait("ds/0").failure is None


def test_an_interruption_ends_downloads_and_threads_at_once(bucket, access, items):
    bucket.bytes_per_second = SIZE // 100
    before = threading.active_count()
    start = time.monotonic()
    with suppress(KeyboardInterrupt), Fetcher(items, access):
        assert wait_until(lambda: sum(bucket.n_bytes.values()) > 0)
        raise KeyboardInterrupt
    assert time.monotonic() - start < 2
    assert wait_until(lambda: threading.active_count() <= before)


def test_an_interrupted_download_goes_on_where_it_ended(bucket, access, items):
    bucket.bytes_per_second = SIZE
    with suppress(KeyboardInterrupt), Fetcher(items[:1], access):
        assert wait_until(lambda: sum(bucket.n_bytes.values()) >= SIZE // 3)
        raise KeyboardInterrupt
    bucket.bytes_per_second = 0
    with HttpClient() as client:
        again = Access(access.cache, client, access.endpoints, access.config, lambda _: None)
        with Fetcher(items[:1], again) as fetcher:
            assert 0 < fetcher.total_bytes < SIZE
            fetcher.wait("ds/0")
    assert access.cache.path_of(items[0].dataset.remote.by_path["0_eeg.edf"]).is_file()
    assert bucket.n_bytes[path_of(0)] < 1.5 * SIZE


def test_a_full_disk_ends_the_run_in_one_line(access, items):
    Location("memory://full").write("0_eeg.edf", CONTENTS[0])
    checksum = hashlib.md5(CONTENTS[0], usedforsecurity=False).hexdigest()
    file = RemoteFile(SIZE, "md5", checksum, ("memory://full/0_eeg.edf",))
    part = access.cache.path_of(file).with_name(f"{checksum}.part")
    part.parent.mkdir(parents=True)
    part.symlink_to("/dev/full")
    full = make_items(access, [file])
    with Fetcher([*full, *items[1:]], access, max_bytes_ahead=SIZE) as fetcher:
        error = fetcher.wait("ds/0").error
        assert isinstance(error, FullDiskError)
        assert isinstance(fetcher.wait("ds/5").error, FullDiskError)
    [line] = str(error).splitlines()
    assert "No space left on device; make room and run the same command again" in line


def test_progress_is_reported_by_the_waiting_thread_up_to_all_bytes(bucket, access, items):
    bucket.bytes_per_second = SIZE
    bucket.absent.add(path_of(1))
    reports = []

    def report(done: int, total: int) -> None:
        assert threading.current_thread() is threading.main_thread()
        reports.append((done, total))

    with Fetcher(items[:3], access, on_bytes=report) as fetcher:
        for item in items[:3]:
            fetcher.wait(item.key)
    assert {total for _, total in reports} == {3 * SIZE}
    done = [number for number, _ in reports]
    assert done == sorted(set(done))
    assert done[-1] == 3 * SIZE
    assert len(done) > 3


def test_two_recordings_of_one_content_are_fetched_once(bucket, access):
    file = remote_file(bucket, 0)
    items = make_items(access, [file, file])
    with Fetcher(items, access) as fetcher:
        for item in items:
            assert fetcher.wait(item.key).failure is None
    assert bucket.requests == [path_of(0)]


def test_a_listener_hears_each_arrival_once(access, items):
    keys = []
    fetcher = Fetcher(items, access)
    with fetcher:
        fetcher.wait("ds/0")
        fetcher.listen(lambda arrival: keys.append(arrival.key))
        for item in items:
            fetcher.wait(item.key)
    assert sorted(keys) == sorted(item.key for item in items)


def test_a_cache_that_cannot_be_written_to_ends_the_run(access, items):
    access.cache.root.parent.joinpath("cache").write_text("a file")
    with Fetcher(items[:1], access) as fetcher:
        error = fetcher.wait("ds/0").error
    [line] = str(error).splitlines()
    assert line.startswith(f"the cache {access.cache.root} cannot be written to (")
    assert line.endswith("choose another --cache")


def test_a_cached_file_is_verified_before_it_is_read(bucket, access, items):
    for item in items:
        access.cache.fetch(item.dataset.remote.by_path[item.dataset.files[0]], access.client)
    damaged = access.cache.path_of(remote_file(bucket, 0))
    damaged.write_bytes(bytes(SIZE))
    bucket.reset()
    with Fetcher(items, access) as fetcher:
        assert [fetcher.wait(item.key).failure for item in items] == [None] * N_ITEMS
    assert damaged.read_bytes() == CONTENTS[0]
    assert bucket.requests == [path_of(0)]
