"""Stores on S3 and behind HTTP, on loopback, where servers fail and processes die."""

from __future__ import annotations

import fsspec
import numpy as np
import pytest
import small_store
import xarray
from faulty_server import IMPATIENCE, KINDS
from small_store import Small

import bids_dl
from bids_dl.errors import DamagedStoreError, StoreError
from bids_dl.remote.location import Location
from bids_dl.store import open_store, writer
from bids_dl.verification import verify

SMALL = Small(
    n_subjects=4, per_recording=12, per_chunk=4, chunks_per_shard=2
)  # 96 windows: 24 chunks in 12 shards
URL = "s3://bucket/small.zarr"
QUERIES = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}


def contents(url: str, options: dict | None = None) -> dict[str, bytes]:
    place = Location(url, options or {})
    return {name: place.read(name) for name in place.list()}


@pytest.mark.parametrize("kinds", [*((kind,) for kind in KINDS), KINDS], ids=[*KINDS, "any"])
def test_a_store_is_written_and_streamed_right_where_a_tenth_of_all_requests_fails(
    faulty, options, tmp_path, kinds
):
    small_store.write(tmp_path / "local.zarr", SMALL)
    faulty.fail(*kinds, seed=1)
    small_store.write(URL, SMALL, storage_options=options)
    stream = bids_dl.StreamingDataset(URL, batch_size=8, storage_options=options)
    seen = {
        int(row): signals
        for batch in stream
        for row, signals in zip(batch.index, batch.signals.numpy(), strict=True)
    }
    assert sorted(seen) == list(range(SMALL.n_windows))
    np.testing.assert_array_equal(np.stack([seen[row] for row in sorted(seen)]), SMALL.signals)
    assert not verify(URL, storage_options=options).damages
    if len(kinds) == 1:
        assert min(faulty.failed[kinds[0], method] for method in ("PUT", "GET")) > 0
    faulty.fail()
    assert contents(URL, options) == contents(str(tmp_path / "local.zarr"))


def test_large_objects_go_up_in_parts_of_which_each_is_tried_again(faulty, options):
    content = np.random.default_rng(0).bytes(40_000_000)
    place = Location("s3://bucket/parts.zarr", options)
    faulty.fail(*KINDS, share=0.2)
    place.write("large", content)
    parts = {
        request.partition("partNumber=")[2].partition("&")[0]
        for request in faulty.requests
        if "partNumber=" in request
    }
    assert parts == {"1", "2", "3"}
    assert place.read("large") == content


@pytest.mark.slow
def test_conversion_to_a_bucket_that_fails_now_and_then_gives_the_bytes_of_a_local_one(
    faulty, options, eegbci, eyes_store
):
    faulty.fail(*KINDS)
    url = "s3://bucket/eyes.zarr"
    done = bids_dl.convert(
        str(eegbci), url, hed=QUERIES, window=2, stride=2, jobs=2, storage_option=options
    )
    assert done.exit_status == 0
    assert not verify(url, storage_options=options).damages
    faulty.fail()
    again = bids_dl.convert(
        str(eegbci), url, hed=QUERIES, window=2, stride=2, jobs=2, storage_option=options
    )
    assert again.unchanged
    assert contents(url, options) == contents(str(eyes_store))


def test_no_object_of_an_array_is_read_while_a_store_is_written(faulty, options):
    faulty.fail()
    small_store.write("s3://bucket/once.zarr", SMALL, storage_options=options)
    read = [
        request
        for request in faulty.requests
        if request.startswith("GET") and "/c/" in request and "list-type" not in request
    ]
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
    assert faulty.failed["reset", "GET"] >= 5


def test_a_store_behind_http_is_read_without_listing(faulty, options, monkeypatch):
    small_store.write("s3://bucket/web.zarr", SMALL, storage_options=options)
    url = f"{faulty.url}/bucket/web.zarr"
    faulty.fail(*(kind for kind in KINDS if kind != "expired"))  # the web knows no credentials
    stream = bids_dl.StreamingDataset(
        url,
        batch_size=8,
        storage_options={"client_kwargs": {"timeout": _patience()}, "patience": 0.3},
    )
    windows = {
        int(row): signals
        for batch in stream
        for row, signals in zip(batch.index, batch.signals.numpy(), strict=True)
    }
    np.testing.assert_array_equal(
        np.stack([windows[row] for row in sorted(windows)]), SMALL.signals
    )
    faulty.fail()
    assert not verify(url).damages
    assert open_store(url).shape == SMALL.signals.shape
    folders = [
        request
        for request in faulty.requests
        if "list-type" in request or request.rstrip("/").endswith("web.zarr")
    ]
    assert folders == []


def _patience():
    import aiohttp

    return aiohttp.ClientTimeout(sock_read=IMPATIENCE)


def test_what_is_behind_http_cannot_be_written(faulty, options):
    with pytest.raises(StoreError, match=r"read only; write to a folder or a bucket"):
        writer.begin(Location(f"{faulty.url}/bucket/new.zarr"), "a plan")


def test_a_missing_store_behind_http_is_said(faulty, options):
    with pytest.raises(StoreError, match=r"no bids-dl store"):
        open_store(f"{faulty.url}/bucket/nothing.zarr")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("where", ["local", "s3", "http"])
def test_xarray_opens_a_store_anywhere_without_a_warning(faulty, options, s3, tmp_path, where):
    urls = {
        "local": str(tmp_path / "x.zarr"),
        "s3": "s3://bucket/x.zarr",
        "http": f"{faulty.url}/bucket/x.zarr",
    }
    small_store.write(
        urls["s3" if where == "http" else where],
        SMALL,
        storage_options={} if where == "local" else options,
    )
    data = xarray.open_zarr(urls[where], storage_options=s3 if where == "s3" else None)
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


def test_a_missing_object_is_named_wherever_it_lies(options, s3):
    url = "s3://bucket/holes.zarr"
    small_store.write(url, SMALL, storage_options=options)
    fsspec.filesystem("s3", **s3).rm(f"{url}/label/c/0")
    with pytest.raises(DamagedStoreError, match="array 'label' cannot be read"):
        open_store(url, storage_options=options).read("label")
    assert [
        (damage.where, damage.problem) for damage in verify(url, storage_options=options).damages
    ] == [("label/c/0", "is missing")]
