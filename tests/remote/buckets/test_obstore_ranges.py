"""Byte ranges of a bucket by s3fs, obstore and signed addresses: bytes, retries and errors."""

from __future__ import annotations

import os
import pickle
import time

import fsspec
import pytest
import small_store
from faulty_server import CLIENT_TIMEOUT, SHORT_CLIENT_TIMEOUT, TRANSIENT_FAULTS, FaultyServer
from moto.server import ThreadedMotoServer
from small_store import SmallStore, assert_every_window_once
from torch.utils.data import DataLoader

from bids_dl.errors import BidsDlError
from bids_dl.remote.buckets.obstore_ranges import MAX_FAILURES, connect
from bids_dl.remote.buckets.presigned import RENEWAL_SECONDS, SignedAddresses, presigned_ranges
from bids_dl.remote.byte_range import ByteRange
from bids_dl.remote.location import Location
from bids_dl.remote.ranges import RangeReader
from bids_dl.stream import StreamingDataset

SMALL = SmallStore()
URL = "s3://bucket/deep/small.zarr"
# obstore is not used if an option is given that only s3fs knows, and addresses are signed unless
# the requester pays
CLIENT_OPTIONS = {
    "s3fs": {"default_fill_cache": True},
    "obstore": {"requester_pays": True},
    "signed": {},
}


@pytest.fixture(scope="module")
def server():
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    with FaultyServer(moto.get_host_and_port()[1]) as server:
        options = options_of(server, "s3fs")
        s3_filesystem(options).makedirs("s3://bucket", exist_ok=True)
        small_store.write(URL, SMALL, storage_options=options)
        yield server
    moto.stop()


@pytest.fixture(params=CLIENT_OPTIONS)
def client(request) -> str:
    if request.param == "obstore":
        pytest.importorskip("obstore")
    return request.param


@pytest.fixture
def options(server, client) -> dict:
    server.fail()
    return options_of(server, client)


def s3_filesystem(options: dict):
    return fsspec.filesystem(
        "s3", **{name: value for name, value in options.items() if name != "retry_timeout"}
    )


def options_of(server, client: str) -> dict:
    return {
        "key": "testing",
        "secret": "testing",
        "retry_timeout": 0.3,
        "client_kwargs": {"endpoint_url": server.url},
        "config_kwargs": {"read_timeout": CLIENT_TIMEOUT, "connect_timeout": CLIENT_TIMEOUT},
        **CLIENT_OPTIONS[client],
    }


def impatient(options: dict) -> dict:
    """Options with which requests time out."""
    return {
        **options,
        "config_kwargs": {"read_timeout": SHORT_CLIENT_TIMEOUT, "connect_timeout": 5},
    }


def open_stream(options, **stream_options) -> StreamingDataset:
    stream_options = {"batch_size": 8, **stream_options}
    return StreamingDataset(URL, storage_options=options, **stream_options)


def test_the_client_follows_from_the_options(options, client):
    location = Location(URL, options)
    connected = connect(location.filesystem, location.root, options)
    assert (connected is None) == (client == "s3fs")
    signed = presigned_ranges(location.filesystem, options)
    assert (signed is not None) == (client == "signed")


def test_each_range_is_the_bytes_requested(options):
    reader = RangeReader(Location(URL, options))
    whole = reader.location.read("signals/c/0/0/0")
    limits = [(0, 10), (100, 900), (-52, 52), (-52, 10), (len(whole) - 5, 5)]
    ranges = [ByteRange("signals/c/0/0/0", start, size) for start, size in limits]
    expected = [whole[start:][:size] for start, size in limits]
    assert [content.tobytes() for content in reader.read(ranges)] == expected
    copy = pickle.loads(pickle.dumps(reader))
    assert [content.tobytes() for content in copy.read(ranges)] == expected


@pytest.mark.parametrize("faults", [(), TRANSIENT_FAULTS], ids=["none", "any"])
def test_an_epoch_is_complete_although_requests_fail(server, options, faults):
    stream = open_stream(impatient(options))
    server.fail(*faults, share=0.1, seed=2)
    assert_every_window_once(stream, SMALL)
    assert bool(server.failed) == bool(faults)


def test_an_epoch_requests_its_chunks_and_indexes_once_and_nothing_else(server, options):
    stream = open_stream(options)
    server.fail()
    list(stream)
    limits = []
    for _, headers in server.log:
        _, _, limit = headers["range"].partition("=")
        first, _, last = limit.partition("-")
        limits.append(int(last) + 1 - int(first) if first else int(last))
    assert sum(limits) == stream.traffic.bytes_read + 6 * (3 * 16 + 4)
    assert len(limits) <= 18 + 6


def test_credentials_come_from_the_environment(options, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", options.pop("key"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", options.pop("secret"))
    assert len(list(open_stream(options, batch_size=35))) == 2


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_worker_processes_read_after_their_parent_has_read(options, context):
    stream = open_stream(options)
    assert len(list(stream)) == 9
    loader = DataLoader(stream, batch_size=None, num_workers=2, multiprocessing_context=context)
    assert_every_window_once(loader, SMALL)
    assert len(list(stream)) == 9


@pytest.mark.parametrize("name", ["deep/small.zarr/signals/c/9/0/0", "nothing.zarr/zarr.json"])
def test_a_missing_object_is_a_file_not_found_error(options, name):
    reader = RangeReader(Location("s3://bucket", options))
    [content] = reader.read([ByteRange(name, 0, 10)])
    assert isinstance(content, FileNotFoundError)


def test_a_range_beyond_the_end_is_an_eof_error(options):
    reader = RangeReader(Location(URL, options))
    [content] = reader.read([ByteRange("signals/c/0/0/0", 100, 10**6)])
    assert isinstance(content, EOFError)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["503", "expired", "reset"])
def test_a_server_that_always_fails_gives_the_same_message_with_both_clients(server, client, fault):
    messages = []
    for name in ("s3fs", client):
        server.fail()
        stream = open_stream(options_of(server, name), threads=1)
        server.fail(fault, share=1.0)
        with pytest.raises(BidsDlError) as caught:
            list(stream)
        messages.append(str(caught.value))
    server.fail()
    assert messages[0] == messages[1]
    assert "testing" not in messages[0]


def test_obstore_is_no_longer_tried_after_failures_in_a_row(server):
    pytest.importorskip("obstore")
    location = Location(URL, options_of(server, "obstore"))
    connected = connect(location.filesystem, location.root, location.storage_options)
    ranges = [ByteRange("nothing", 0, 10)] * MAX_FAILURES
    assert connected.read(ranges) == [None] * MAX_FAILURES
    server.fail()
    assert connected.read(ranges) == [None] * MAX_FAILURES
    assert server.log == []


def test_a_public_bucket_is_read_without_credentials(server, options, monkeypatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    filesystem = s3_filesystem(options_of(server, "s3fs"))
    filesystem.pipe_file("s3://bucket/open", b"0123456789", ACL="public-read")
    anonymous = {**options, "anon": True}
    del anonymous["key"], anonymous["secret"]
    reader = RangeReader(Location("s3://bucket", anonymous))
    [content] = reader.read([ByteRange("open", 2, 3)])
    assert content.tobytes() == b"234"


def test_an_address_is_signed_once_and_again_for_another_client(server, monkeypatch):
    filesystem = s3_filesystem(options_of(server, "signed"))
    filesystem.connect()
    addresses = SignedAddresses(filesystem)
    first = addresses.request_of("bucket/a b")
    assert first.target.startswith("/bucket/a%20b?X-Amz-Algorithm=AWS4-HMAC-SHA256&")
    assert addresses.request_of("bucket/a b") is first
    filesystem.connect(refresh=True)  # with other credentials
    second = addresses.request_of("bucket/a b")
    assert second is not first
    later = time.monotonic() + RENEWAL_SECONDS + 1
    monkeypatch.setattr("bids_dl.remote.buckets.presigned.time.monotonic", lambda: later)
    assert addresses.request_of("bucket/a b") is not second
