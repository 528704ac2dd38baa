"""Listings of file systems as remote files."""

from __future__ import annotations

import doctest
from typing import Any

import fsspec
import pytest
from bucket import forget_clients

from bids_dl.errors import StoreError
from bids_dl.remote.buckets import bucket_listing
from bids_dl.remote.buckets.bucket_listing import list_bucket
from bids_dl.remote.caching.remote_reader import read_range
from bids_dl.remote.http.http_client import HttpClient

ODD_NAME = "sub-01/a b+#é.edf"


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(bucket_listing).failed == 0


@pytest.fixture
def public_bucket(s3: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    """Bucket that can be read without credentials, at the server of the environment."""
    fsspec.filesystem("s3", **s3).pipe({f"s3://bucket/ds/{ODD_NAME}": b"abc"})
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3["client_kwargs"]["endpoint_url"])
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    forget_clients()
    yield "s3://bucket/ds"
    forget_clients()


def test_a_public_bucket_is_read_by_its_web_server_without_credentials(public_bucket):
    file = list_bucket(public_bucket)[ODD_NAME]
    assert file.size == 3
    assert file.urls[0].endswith("/bucket/ds/sub-01/a%20b%2B%23%C3%A9.edf")
    assert len(file.tag) == 32
    with HttpClient(retry_timeout=0) as client:
        assert read_range(file, file.urls[0], 1, 3, client) == b"bc"


def test_a_bucket_is_read_with_the_credentials_of_the_environment(public_bucket, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    file = list_bucket(public_bucket)[ODD_NAME]
    assert file.urls == (f"s3://bucket/ds/{ODD_NAME}",)
    with HttpClient(retry_timeout=0) as client:
        assert read_range(file, file.urls[0], 1, 3, client) == b"bc"


def test_a_server_that_cannot_be_reached_is_one_line(public_bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StoreError, match="as a public bucket it cannot be listed either") as error:
        list_bucket(public_bucket)
    assert "\n" not in str(error.value)
