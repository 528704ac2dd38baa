"""The S3 client is made soon."""

from __future__ import annotations

import gc
from collections.abc import Iterator

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
