"""Stores in a bucket and behind HTTP, on loopback, while requests fail."""

from __future__ import annotations

import aiohttp
import fsspec
import numpy as np
import pytest
import small_store
import xarray
from bucket import objects_at
from conversions import EYES
from faulty_server import SHORT_CLIENT_TIMEOUT, TRANSIENT_FAULTS, impatient
from small_store import SmallStore, assert_every_window_once

import bids_dl
from bids_dl.errors import DamagedStoreError, StoreError
from bids_dl.remote.location import Location
from bids_dl.store import open_store, writer
from bids_dl.verification import verify

# 96 windows: 24 chunks in 12 shards
SMALL = SmallStore(n_subjects=4, per_recording=12, per_chunk=4, chunks_per_shard=2)
URL = "s3://bucket/small.zarr"


@impatient
@pytest.mark.parametrize(
    "faults",
    [*((fault,) for fault in TRANSIENT_FAULTS), TRANSIENT_FAULTS],
    ids=[*TRANSIENT_FAULTS, "any"],
)
def test_a_store_is_written_and_streamed_correctly_although_a_tenth_of_all_requests_fails(
    faulty, options, tmp_path, faults
):
    small_store.write(tmp_path / "local.zarr", SMALL)
    faulty.fail(*faults, seed=1)
    small_store.write(URL, SMALL, storage_options=options)
    stream = bids_dl.StreamingDataset(URL, batch_size=8, storage_options=options)
    assert_every_window_once(stream, SMALL)
    assert not verify(URL, storage_options=options).damages
    if len(faults) == 1:
        assert faulty.failed[faults[0], "PUT"] > 0
        assert faulty.failed[faults[0], "GET"] > 0
    faulty.fail()
    assert objects_at(URL, options) == objects_at(str(tmp_path / "local.zarr"))


@pytest.mark.slow
@impatient
def test_a_conversion_to_a_failing_bucket_gives_the_bytes_of_a_local_one(
    faulty, options, eegbci, eyes_store
):
    url = "s3://bucket/eyes.zarr"
    settings = {**EYES, "jobs": 2, "storage_option": options}
    faulty.fail(*TRANSIENT_FAULTS)
    assert bids_dl.convert(str(eegbci), url, **settings).exit_status == 0
    assert not verify(url, storage_options=options).damages
    faulty.fail()
    assert bids_dl.convert(str(eegbci), url, **settings).unchanged
    assert objects_at(url, options) == objects_at(str(eyes_store))


def test_no_object_of_an_array_is_read_while_a_store_is_written(faulty, options):
    faulty.fail()
    small_store.write("s3://bucket/once.zarr", SMALL, storage_options=options)
    reads = [request for request in faulty.requests if request.startswith("GET")]
    chunk_reads = [request for request in reads if "/c/" in request and "list-type" not in request]
    assert chunk_reads == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("503", r"cannot be reached \(SlowDown, HTTP 503\) after several tries"),
        ("expired", r"the credentials have expired \(ExpiredToken, HTTP 400\); renew them"),
        ("reset", r"cannot be reached \(\w+\)"),
    ],
)
def test_a_server_that_always_fails_is_one_line(faulty, options, fault, message):
    small_store.write("s3://bucket/away.zarr", SMALL, storage_options=options)
    faulty.fail(fault, share=1.0)
    with pytest.raises(StoreError, match=message) as refusal:
        open_store("s3://bucket/away.zarr", storage_options=options)
    assert "\n" not in str(refusal.value)
    assert "testing" not in str(refusal.value)
    assert faulty.failed[fault, "GET"] >= 5


def test_a_store_behind_http_is_read_without_listing(faulty, options):
    small_store.write("s3://bucket/web.zarr", SMALL, storage_options=options)
    url = f"{faulty.url}/bucket/web.zarr"
    # without the fault "expired", because HTTP has no credentials
    faulty.fail(*(fault for fault in TRANSIENT_FAULTS if fault != "expired"))
    timeout = aiohttp.ClientTimeout(sock_read=SHORT_CLIENT_TIMEOUT)
    web_options = {"client_kwargs": {"timeout": timeout}, "retry_timeout": 0.3}
    stream = bids_dl.StreamingDataset(url, batch_size=8, storage_options=web_options)
    assert_every_window_once(stream, SMALL)
    faulty.fail()
    assert not verify(url).damages
    assert open_store(url).shape == SMALL.signals.shape
    for request in faulty.requests:
        assert "list-type" not in request
        assert not request.rstrip("/").endswith("web.zarr")


def test_a_location_behind_http_cannot_be_written(faulty):
    location = Location(f"{faulty.url}/bucket/new.zarr")
    with pytest.raises(StoreError, match=r"read-only; write to a folder or a bucket"):
        writer.StoreWriter.create(location, "a plan")


def test_a_missing_store_behind_http_is_refused(faulty, options):
    with pytest.raises(StoreError, match=r"not a bids-dl store"):
        open_store(f"{faulty.url}/bucket/nothing.zarr")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["local", "s3", "http"])
def test_xarray_opens_a_store_at_any_location_without_a_warning(
    faulty, options, s3, tmp_path, kind
):
    urls = {
        "local": str(tmp_path / "x.zarr"),
        "s3": "s3://bucket/x.zarr",
        "http": f"{faulty.url}/bucket/x.zarr",
    }
    if kind == "local":
        small_store.write(urls["local"], SMALL)
    else:
        small_store.write(urls["s3"], SMALL, storage_options=options)
    data = xarray.open_zarr(urls[kind], storage_options=s3 if kind == "s3" else None)
    assert data["signals"].dims == ("window", "channel", "time")
    np.testing.assert_array_equal(data["signals"].values, SMALL.signals)


def test_a_conversion_ends_if_another_one_has_started_at_its_location(options):
    location = Location("s3://bucket/two.zarr", options)
    first = writer.StoreWriter.create(location, "a plan")
    writer.StoreWriter.create(location, "another plan")
    with pytest.raises(StoreError, match="another conversion has started to write here"):
        first.check_marker()


def test_a_store_whose_writer_was_killed_while_clearing_the_location_can_be_written(
    options, monkeypatch
):
    location = Location("s3://bucket/cleared.zarr", options)
    small_store.write("s3://bucket/cleared.zarr", SMALL, storage_options=options)
    writer.mark_unfinished(location)

    def remove_five_and_stop(self, names):
        self.filesystem.rm([self.path(name) for name in names[:5]])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Location, "remove_all", remove_five_and_stop)
        with pytest.raises(KeyboardInterrupt):
            writer.StoreWriter.create(location, "a plan")
    writer.StoreWriter.create(location, "a plan")
    assert location.list() == ["unfinished.json"]


def test_a_missing_object_in_a_bucket_is_named(options, s3):
    url = "s3://bucket/holes.zarr"
    small_store.write(url, SMALL, storage_options=options)
    fsspec.filesystem("s3", **s3).rm(f"{url}/label/c/0")
    with pytest.raises(DamagedStoreError, match="array 'label' cannot be read"):
        open_store(url, storage_options=options).read("label")
    [damage] = verify(url, storage_options=options).damages
    assert (damage.where, damage.problem) == ("label/c/0", "is missing")
