"""Large objects are uploaded in parts: each part is retried alone, failed uploads are aborted."""

from __future__ import annotations

from typing import Any

import fsspec
import numpy as np
import pytest
import small_store
from bucket import unfinished_uploads
from faulty_server import TRANSIENT_FAULTS
from small_store import SmallStore

from bids_dl.errors import StoreError
from bids_dl.remote.location import Location

URL = "s3://bucket/small.zarr"
LARGE = np.random.default_rng(0).bytes(40_000_000)  # three parts

impatient = pytest.mark.parametrize("client_timeout", [2.0], ids=["impatient"])
"""Mark of a test whose requests are to time out, but not while a part is sent."""


@pytest.fixture
def options(options: dict[str, Any]) -> dict[str, Any]:
    """Options of the bucket with longer waits, because a part takes 16 MB."""
    return options | {"retry_timeout": 2.0}


def part_numbers(requests: list[str]) -> list[str]:
    """Return the part number of each request that uploads a part."""
    parts = [request.partition("partNumber=")[2] for request in requests]
    return [part.partition("&")[0] for part in parts if part]


def count_uploads(requests: list[str]) -> int:
    """Count the requests that start a multipart upload."""
    return sum("?uploads" in request for request in requests)


@impatient
def test_a_large_object_is_uploaded_in_parts_although_requests_fail(faulty, options):
    location = Location("s3://bucket/parts.zarr", options)
    faulty.fail(*TRANSIENT_FAULTS, share=0.2)
    location.write("large", LARGE)
    assert set(part_numbers(faulty.requests)) == {"1", "2", "3"}
    assert location.read("large") == LARGE


def test_a_failed_upload_is_aborted(s3, options, faulty):
    faulty.fail("denied", share=1.0, only="partNumber=2")
    with pytest.raises(StoreError, match="access denied"):
        Location(URL, options).write("large", LARGE)
    assert count_uploads(faulty.requests) == 1
    assert unfinished_uploads(s3) == []


@impatient
@pytest.mark.parametrize("fault", ["500", "timeout", "reset", "lost", "expired"])
def test_a_failed_part_is_sent_again_and_the_others_are_not(options, faulty, fault):
    faulty.fail(fault, share=0.4, only="partNumber=", seed=2)
    location = Location(URL, options)
    location.write("large", LARGE)
    n_failed = faulty.failed[fault, "PUT"]
    faulty.only = "nothing"
    assert n_failed > 0
    assert len(part_numbers(faulty.requests)) == 3 + n_failed
    assert count_uploads(faulty.requests) == 1
    assert location.read("large") == LARGE


def test_an_upload_is_complete_although_its_last_answer_is_lost(s3, options, faulty):
    faulty.fail("lost", share=0.5, only="uploadId=")
    location = Location(URL, options)
    location.write("large", LARGE)
    assert faulty.failed["lost", "POST"] > 0
    faulty.fail()
    assert location.read("large") == LARGE
    assert unfinished_uploads(s3) == []


@pytest.mark.parametrize("only", ["partNumber=2", "uploadId="])
def test_an_upload_that_somebody_else_has_aborted_is_an_error(options, faulty, only):
    faulty.fail("aborted", share=1.0, only=only)
    message = (
        r"s3://bucket/small.zarr/large: somebody else has aborted its upload; "
        r"is another conversion writing here\?"
    )
    with pytest.raises(StoreError, match=message):
        Location(URL, options).write("large", LARGE)


def test_a_new_store_aborts_the_uploads_that_a_killed_run_has_left_and_no_others(s3, options):
    filesystem = fsspec.filesystem("s3", **s3)
    for key in ("small.zarr/signals/c/0/0/0", "small.zarr2/signals/c/0/0/0"):
        filesystem.call_s3("create_multipart_upload", Bucket="bucket", Key=key)
    assert len(unfinished_uploads(s3)) == 2
    small_store.write(URL, SmallStore(), storage_options=options)
    assert unfinished_uploads(s3) == ["small.zarr2/signals/c/0/0/0"]
