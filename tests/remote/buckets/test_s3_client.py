"""The S3 client is made soon, and belongs to one process."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
from collections.abc import Iterator
from typing import Any

import fsspec
import fsspec.asyn
import pytest
from bucket import forget_clients

from bids_dl.remote.location import Location


@pytest.fixture(autouse=True)
def client_closed() -> Iterator[None]:
    """Close the client that a test has made."""
    yield
    forget_clients()


def test_garbage_is_not_collected_while_the_client_of_a_bucket_is_made():
    pytest.importorskip("s3fs")
    options = {"key": "any", "secret": "any", "skip_instance_cache": True}
    location = Location("s3://bucket/eyes.zarr", options)
    assert location.is_s3
    collections = []
    gc.callbacks.append(lambda phase, _details: collections.append(phase))
    try:
        assert location.s3_client() is not None
    finally:
        gc.callbacks.pop()
    assert collections in ([], ["start", "stop"])  # one, when it is resumed
    assert gc.isenabled()


def test_collections_go_on_once_a_client_is_made(monkeypatch):
    pytest.importorskip("s3fs")
    options = {"key": "any", "secret": "any", "skip_instance_cache": True}
    location = Location("s3://bucket/eyes.zarr", options)
    client = location.s3_client()
    monkeypatch.setattr(gc, "disable", pytest.fail)
    assert location.s3_client() is client


def read(options: dict[str, Any]) -> bytes:
    return Location("s3://bucket/x", options).read("a")


def read_and_collect(options: dict[str, Any]) -> None:
    """Read, and collect garbage in the event loop of s3fs, with what the parent has connected."""
    read(options)

    async def collect() -> None:
        gc.collect()
        await asyncio.sleep(0.1)  # as long as s3fs takes to close connections

    fsspec.asyn.sync(fsspec.asyn.get_loop(), collect)


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork"
)
@pytest.mark.parametrize("client_timeout", [5.0])
def test_a_forked_process_that_reads_does_not_stall_its_parent(options, faulty):
    Location("s3://bucket/x", options).write("a", b"abc")
    assert read(options) == b"abc"
    process = multiprocessing.get_context("fork").Process(target=read_and_collect, args=(options,))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    faulty.fail()
    assert read(options) == b"abc"
    assert faulty.requests == ["GET /bucket/x/a"]  # not again after a time limit
