"""Ranges of a bucket by s3fs and by obstore: the same bytes, the same tries again, the same errors."""

from __future__ import annotations

import os
import pickle

import fsspec
import numpy as np
import pytest
import small_store
from faulty_server import KINDS, FaultyServer
from moto.server import ThreadedMotoServer
from small_store import Small
from torch.utils.data import DataLoader

from bids_dl.errors import BidsDlError
from bids_dl.remote.byte_range import ByteRange
from bids_dl.remote.location import Location
from bids_dl.remote.obstore_ranges import FAILURES
from bids_dl.remote.ranges import fetch
from bids_dl.stream import StreamingDataset

SMALL = Small()
WAYS = {"s3fs": {"default_fill_cache": True}, "obstore": {}}  # an option that only s3fs knows


@pytest.fixture(scope="module")
def server():
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    with FaultyServer(moto.get_host_and_port()[1]) as server:
        given = options_of(server, "s3fs")
        filesystem(given).makedirs("s3://bucket", exist_ok=True)
        small_store.write("s3://bucket/deep/small.zarr", SMALL, storage_options=given)
        yield server
    moto.stop()


@pytest.fixture(params=WAYS)
def way(request) -> str:
    if request.param == "obstore":
        pytest.importorskip("obstore")
    return request.param


@pytest.fixture
def options(server, way) -> dict:
    server.fail()
    return options_of(server, way)


def filesystem(options: dict):
    """Of s3fs, which knows no patience."""
    return fsspec.filesystem(
        "s3", **{name: value for name, value in options.items() if name != "patience"}
    )


def options_of(server, way: str) -> dict:
    impatient = {"read_timeout": 0.5, "connect_timeout": 5}
    return {
        "key": "testing",
        "secret": "testing",
        "patience": 0.3,
        "client_kwargs": {"endpoint_url": server.url},
        "config_kwargs": impatient,
    } | WAYS[way]


def test_ranges_come_as_they_are_asked_for(options, way):
    place = Location("s3://bucket/deep/small.zarr", options)
    whole = place.read("signals/c/0/0/0")
    assert (place.bucket is None) == (way == "s3fs")
    assert pickle.loads(pickle.dumps(place)).read("signals/c/0/0/0") == whole
    ranges = [(0, 10), (100, 900), (-52, 52), (-52, 10), (len(whole) - 5, 5)]
    found = fetch(place, [ByteRange("signals/c/0/0/0", start, size) for start, size in ranges])
    assert [content.tobytes() for content in found] == [
        whole[start:][:size] for start, size in ranges
    ]


@pytest.mark.parametrize(
    "kinds",
    [(), KINDS, *(pytest.param((kind,), marks=pytest.mark.slow, id=kind) for kind in KINDS)],
)
def test_an_epoch_is_right_whatever_fails_now_and_then(server, options, kinds):
    stream = StreamingDataset("s3://bucket/deep/small.zarr", batch_size=8, storage_options=options)
    server.fail(*kinds, share=0.1, seed=2)
    batches = list(stream)
    assert bool(server.failed) == bool(kinds)
    assert sorted(row for batch in batches for row in batch.index.tolist()) == list(
        range(SMALL.n_windows)
    )
    assert all(
        np.array_equal(batch.signals.numpy(), SMALL.signals[batch.index]) for batch in batches
    )


def test_the_requests_of_an_epoch_are_those_of_its_chunks(server, options):
    stream = StreamingDataset("s3://bucket/deep/small.zarr", batch_size=8, storage_options=options)
    server.fail()
    list(stream)
    assert len(server.asked) == 18 + 6, "nothing is asked for twice, nothing else either"


def test_credentials_come_from_the_environment(server, options, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", options.pop("key"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", options.pop("secret"))
    assert (
        len(
            list(
                StreamingDataset(
                    "s3://bucket/deep/small.zarr", batch_size=35, storage_options=options
                )
            )
        )
        == 2
    )


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_worker_processes_read_after_the_process_they_come_from_has(options, context):
    stream = StreamingDataset("s3://bucket/deep/small.zarr", batch_size=8, storage_options=options)
    assert len(list(stream)) == 9
    batches = list(
        DataLoader(stream, batch_size=None, num_workers=2, multiprocessing_context=context)
    )
    assert sorted(row for batch in batches for row in batch.index.tolist()) == list(
        range(SMALL.n_windows)
    )
    assert len(list(stream)) == 9


@pytest.mark.parametrize("name", ["deep/small.zarr/signals/c/9/0/0", "nothing.zarr/zarr.json"])
def test_an_object_that_is_not_there_is_a_missing_file(options, name):
    [content] = fetch(Location("s3://bucket", options), [ByteRange(name, 0, 10)])
    assert isinstance(content, FileNotFoundError)


def test_a_range_beyond_the_end_is_an_error_and_ends_early(options):
    place = Location("s3://bucket/deep/small.zarr", options)
    [content] = fetch(place, [ByteRange("signals/c/0/0/0", 100, 10**6)])
    assert isinstance(content, EOFError)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["503", "expired", "reset"])
def test_a_server_that_always_fails_gives_the_same_line_either_way(server, way, kind):
    said = []
    for one in ("s3fs", way):
        server.fail()
        stream = StreamingDataset(
            "s3://bucket/deep/small.zarr",
            batch_size=8,
            storage_options=options_of(server, one),
            threads=1,
        )
        server.fail(kind, share=1.0)
        with pytest.raises(BidsDlError) as describe_failure:
            list(stream)
        said.append(str(describe_failure.value))
    server.fail()
    assert said[0] == said[1]
    assert "testing" not in said[0]


def test_a_way_that_always_fails_is_not_tried_for_ever(server):
    pytest.importorskip("obstore")
    place = Location("s3://bucket/deep/small.zarr", options_of(server, "obstore"))
    requests = [ByteRange("nothing", 0, 10)] * FAILURES
    assert place.bucket.ask(requests) == [None] * FAILURES
    server.fail()
    assert place.bucket.ask(requests) == [None] * FAILURES
    assert server.asked == []


def test_a_bucket_that_is_open_to_all_is_read_without_credentials(server, options, monkeypatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    filesystem(options_of(server, "s3fs")).pipe_file(
        "s3://bucket/open", b"0123456789", ACL="public-read"
    )
    anonymous = {
        name: value for name, value in options.items() if name not in ("key", "secret")
    } | {"anon": True}
    [content] = fetch(Location("s3://bucket", anonymous), [ByteRange("open", 2, 3)])
    assert content.tobytes() == b"234"
