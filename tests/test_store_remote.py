"""Stores on S3 and behind HTTP, on loopback, where servers fail and processes die."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import fsspec
import numpy as np
import pytest
import small_store
import xarray
from faulty_server import HANG, KINDS, FaultyServer
from moto.server import ThreadedMotoServer
from small_store import Small

import bids_dl
from bids_dl.errors import DamagedStoreError, StoreError
from bids_dl.store import location as places
from bids_dl.store import open_store, retry, writer
from bids_dl.store.location import Location
from bids_dl.verify import verify

SMALL = Small(n_subjects=4, per_recording=12, per_chunk=4, chunks_per_shard=2)  # 96 windows: 24 chunks in 12 shards
QUERIES = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}


@pytest.fixture(scope="module")
def moto():
    server = ThreadedMotoServer(port=0)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@pytest.fixture(scope="module")
def faulty(moto):
    with FaultyServer(moto) as server:
        yield server


@pytest.fixture
def options(faulty, monkeypatch) -> dict:
    """Storage options of a bucket behind the faulty server; clients are impatient so that the tests are fast."""
    monkeypatch.setattr(retry, "WAITS", (0.01, 0.02, 0.04, 0.08))
    faulty.fail()
    given = s3_options(faulty.url)
    fsspec.filesystem("s3", **given).makedirs("s3://bucket", exist_ok=True)
    return given


def s3_options(url: str) -> dict:
    impatient = {"read_timeout": HANG / 3, "connect_timeout": 5}
    public = {"ACL": "public-read"}  # so that the same objects are there behind HTTP
    return {
        "key": "testing",
        "secret": "testing",
        "s3_additional_kwargs": public,
        "client_kwargs": {"endpoint_url": url},
        "config_kwargs": impatient,
    }


def contents(url: str, options: dict | None = None) -> dict[str, bytes]:
    place = Location(url, options or {})
    return {name: place.read(name) for name in place.list()}


@pytest.mark.parametrize("kinds", [*((kind,) for kind in KINDS), KINDS], ids=[*KINDS, "any"])
def test_a_store_is_written_and_streamed_right_where_a_tenth_of_all_requests_fails(faulty, options, tmp_path, kinds):
    small_store.write(tmp_path / "local.zarr", SMALL)
    url = f"s3://bucket/{'-'.join(kinds)}.zarr"
    faulty.fail(*kinds, seed=1)
    small_store.write(url, SMALL, storage_options=options)
    stream = bids_dl.StreamingDataset(url, batch_size=8, storage_options=options)
    seen = {int(row): signals for batch in stream for row, signals in zip(batch.index, batch.signals.numpy(), strict=True)}
    assert sorted(seen) == list(range(SMALL.n_windows))
    np.testing.assert_array_equal(np.stack([seen[row] for row in sorted(seen)]), SMALL.signals)
    assert not verify(url, storage_options=options).damages
    assert faulty.failed.total() > 5
    faulty.fail()
    assert contents(url, options) == contents(str(tmp_path / "local.zarr"))


def test_large_objects_go_up_in_parts_of_which_each_is_tried_again(faulty, options, monkeypatch):
    monkeypatch.setattr(places, "PART_BYTES", 5 * 2**20)  # the least that S3 takes
    content = np.random.default_rng(0).bytes(23_000_000)
    place = Location("s3://bucket/parts.zarr", options)
    faulty.fail(*KINDS, share=0.2)
    place.write("large", content)
    parts = {request.partition("partNumber=")[2].partition("&")[0] for request in faulty.asked if "partNumber=" in request}
    assert parts == {"1", "2", "3", "4", "5"}
    assert place.read("large") == content


@pytest.mark.slow
def test_conversion_to_a_bucket_that_fails_now_and_then_gives_the_bytes_of_a_local_one(faulty, options, eegbci, eyes_store):
    faulty.fail(*KINDS)
    url = "s3://bucket/eyes.zarr"
    done = bids_dl.convert(str(eegbci), url, hed=QUERIES, window=2, stride=2, jobs=2, storage_option=options)
    assert done.exit_status == 0
    assert not verify(url, storage_options=options).damages
    faulty.fail()
    again = bids_dl.convert(str(eegbci), url, hed=QUERIES, window=2, stride=2, jobs=2, storage_option=options)
    assert again.unchanged
    assert contents(url, options) == contents(str(eyes_store))


def test_no_object_of_an_array_is_read_while_a_store_is_written(faulty, options):
    faulty.fail()
    small_store.write("s3://bucket/once.zarr", SMALL, storage_options=options)
    read = [request for request in faulty.asked if request.startswith("GET") and "/c/" in request and "list-type" not in request]
    assert read == []


@pytest.mark.slow
def test_a_server_that_never_answers_right_is_one_line_that_says_so(faulty, options):
    small_store.write("s3://bucket/away.zarr", SMALL, storage_options=options)
    for kind, message in {
        "503": r"cannot be reached \(SlowDown, HTTP 503\), tried several times",
        "expired": r"the credentials have expired \(ExpiredToken, HTTP 400\); renew them",
        "reset": r"cannot be reached \(\w+\)",
    }.items():
        faulty.fail(kind, share=1.0)
        with pytest.raises(StoreError, match=message) as refusal:
            open_store("s3://bucket/away.zarr", storage_options=options)
        assert "\n" not in str(refusal.value)
        assert "testing" not in str(refusal.value)
    assert faulty.failed["reset"] >= 5


def test_a_store_behind_http_is_read_without_listing(faulty, options, monkeypatch):
    small_store.write("s3://bucket/web.zarr", SMALL, storage_options=options)
    url = f"{faulty.url}/bucket/web.zarr"
    faulty.fail(*(kind for kind in KINDS if kind != "expired"))  # the web knows no credentials
    stream = bids_dl.StreamingDataset(url, batch_size=8, storage_options={"client_kwargs": {"timeout": _patience()}})
    windows = {int(row): signals for batch in stream for row, signals in zip(batch.index, batch.signals.numpy(), strict=True)}
    np.testing.assert_array_equal(np.stack([windows[row] for row in sorted(windows)]), SMALL.signals)
    faulty.fail()
    assert not verify(url).damages
    assert open_store(url).shape == SMALL.signals.shape
    folders = [request for request in faulty.asked if "list-type" in request or request.rstrip("/").endswith("web.zarr")]
    assert folders == []


def _patience():
    import aiohttp

    return aiohttp.ClientTimeout(sock_read=HANG / 3)


def test_what_is_behind_http_cannot_be_written(faulty, options):
    with pytest.raises(StoreError, match=r"read only; write to a folder or a bucket"):
        writer.begin(Location(f"{faulty.url}/bucket/new.zarr"), "a plan")


def test_a_missing_store_behind_http_is_said(faulty, options):
    with pytest.raises(StoreError, match=r"no bids-dl store"):
        open_store(f"{faulty.url}/bucket/nothing.zarr")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("where", ["local", "s3", "http"])
def test_xarray_opens_a_store_anywhere_without_a_warning(faulty, options, tmp_path, where):
    urls = {"local": str(tmp_path / "x.zarr"), "s3": "s3://bucket/x.zarr", "http": f"{faulty.url}/bucket/x.zarr"}
    if where != "http" or not Location(urls["s3"], options).exists("zarr.json"):
        small_store.write(urls["s3" if where == "http" else where], SMALL, storage_options={} if where == "local" else options)
    data = xarray.open_zarr(urls[where], storage_options=options if where == "s3" else None)
    assert data["signals"].dims == ("window", "channel", "time")
    np.testing.assert_array_equal(data["signals"].values, SMALL.signals)


def test_a_conversion_ends_where_another_has_begun_to_write_in_its_place(options):
    place = Location("s3://bucket/two.zarr", options)
    first = writer.begin(place, "a plan")
    writer.begin(place, "another plan")
    with pytest.raises(StoreError, match="another conversion has begun to write here"):
        first.check_ours()


def test_a_place_killed_while_it_was_cleared_can_be_claimed_again(options, monkeypatch):
    place = Location("s3://bucket/cleared.zarr", options)
    small_store.write("s3://bucket/cleared.zarr", SMALL, storage_options=options)
    writer.reopen(place)

    def remove_some(self, names):
        self.filesystem.rm([self.path(name) for name in names[:5]])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Location, "remove_all", remove_some)
        with pytest.raises(KeyboardInterrupt):
            writer.begin(place, "a plan")
    writer.begin(place, "a plan")
    assert place.list() == ["unfinished.json"]


WRITE = """
import json, sys
from pathlib import Path
sys.path[:0] = json.loads(sys.argv[1])
import small_store
url, options = json.loads(sys.argv[2])
print("begin", flush=True)
small_store.write(url, small_store.Small(n_subjects=4, per_recording=12, per_chunk=4, chunks_per_shard=2), storage_options=options)
print("end", flush=True)
"""


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_nothing_that_looks_whole(faulty, options, tmp_path):
    small_store.write(tmp_path / "local.zarr", SMALL)
    url, chance = "s3://bucket/killed.zarr", random.Random(0)
    command = [sys.executable, "-c", WRITE, json.dumps([str(Path(__file__).parent)]), json.dumps([url, options])]
    begin = time.monotonic()
    small_store.write("s3://bucket/timed.zarr", SMALL, storage_options=options)
    usual = time.monotonic() - begin
    refused = 0
    for _ in range(10):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}) as process:
            assert process.stdout.readline() == "begin\n"
            time.sleep(chance.uniform(0, 1.2 * usual))
            process.send_signal(signal.SIGKILL)
            ended = process.stdout.read() == "end\n"
        if Location(url, options).exists("zarr.json"):
            assert not verify(url, storage_options=options).damages
            fsspec.filesystem("s3", **options).rm(url, recursive=True)
        else:
            assert not ended
            refused += 1
            with pytest.raises(StoreError, match=r"not finished; run the same|no store there|no bids-dl store"):
                open_store(url, storage_options=options)
    assert refused >= 5
    small_store.write(url, SMALL, storage_options=options)
    assert not verify(url, storage_options=options).damages
    assert contents(url, options) == contents(str(tmp_path / "local.zarr"))


def test_a_missing_object_is_named_wherever_it_lies(faulty, options):
    url = "s3://bucket/holes.zarr"
    small_store.write(url, SMALL, storage_options=options)
    fsspec.filesystem("s3", **options).rm(f"{url}/label/c/0")
    with pytest.raises(DamagedStoreError, match="array 'label' cannot be read"):
        open_store(url, storage_options=options).read("label")
    assert [(damage.where, damage.problem) for damage in verify(url, storage_options=options).damages] == [("label/c/0", "is missing")]
