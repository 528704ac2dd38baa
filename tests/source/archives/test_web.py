"""Datasets at URLs: public and other buckets, web folders with a manifest, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from archive_servers import OFFLINE
from bucket import forget_clients

from bids_dl.errors import SourceError
from bids_dl.source import open_dataset
from bids_dl.source.fetching.fetch import fetch_files

BUCKET = "s3://on.public/data/ds004362"
SECRET = "hunter2"


@pytest.fixture
def bucket(moto: int, small_dataset: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of the dataset in a bucket of a server that the environment names."""
    endpoint = f"http://127.0.0.1:{moto}"
    options = {
        "key": "testing",
        "secret": "testing",
        "s3_additional_kwargs": {"ACL": "public-read"},
        "client_kwargs": {"endpoint_url": endpoint},
    }
    files = fsspec.filesystem("s3", **options)
    files.makedirs("s3://on.public", exist_ok=True)
    files.put(f"{small_dataset}/", BUCKET, recursive=True)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    forget_clients()
    yield BUCKET
    forget_clients()


def first_signal(files: tuple[str, ...]) -> str:
    return next(path for path in files if path.endswith(".edf"))


@pytest.mark.parametrize("with_key", [False, True])
def test_a_bucket_is_opened_with_and_without_credentials(
    access, bucket, small_dataset, monkeypatch, with_key
):
    if with_key:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with access.open() as opened:
        dataset = open_dataset(bucket, opened)
        signal = first_signal(dataset.files)
        fetch_files(dataset, [signal], opened)
    local = open_dataset(str(small_dataset))
    assert (dataset.name, dataset.files) == ("ds004362", local.files)
    assert dataset.description == local.description
    assert dataset.path(signal).read_bytes() == local.path(signal).read_bytes()
    assert dataset.remote.by_path[signal].digest.startswith("tag:")
    schemes = {
        url.partition(":")[0] for file in dataset.remote.by_path.values() for url in file.urls
    }
    assert schemes == ({"s3"} if with_key else {"http"})


def test_text_of_an_unchanged_bucket_is_fetched_once(access, bucket, monkeypatch):
    with access.open() as opened:
        first = open_dataset(bucket, opened)
        access.messages.clear()
        again = open_dataset(bucket, opened)
    assert (again.root, again.origin, access.messages) == (first.root, first.origin, [])
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    forget_clients()
    with access.open(OFFLINE) as opened:
        offline = open_dataset(bucket, opened)
    assert offline.origin == first.origin
    assert "cannot be listed now" in access.messages[-1]


def test_a_bucket_that_does_not_exist_is_one_line(access, bucket):
    with access.open() as opened, pytest.raises(SourceError) as refusal:
        open_dataset("s3://no.such.bucket/ds1", opened)
    assert "\n" not in str(refusal.value)


def test_a_folder_of_a_bucket_that_is_no_dataset_is_refused(access, bucket):
    with access.open() as opened, pytest.raises(SourceError, match="no dataset_description"):
        open_dataset(bucket.rpartition("/")[0], opened)


def test_any_file_system_that_can_list_is_a_source(access, small_dataset):
    memory = fsspec.filesystem("memory")
    memory.put(f"{small_dataset}/", "/listed/mine", recursive=True)
    with access.open() as opened:
        dataset = open_dataset("memory://listed/mine", opened)
        signal = first_signal(dataset.files)
        fetch_files(dataset, [signal], opened)
    assert dataset.path(signal).read_bytes() == (small_dataset / signal).read_bytes()


def test_a_web_folder_with_a_manifest_is_a_source(archives, access, small_dataset):
    url = f"{archives.api.data_url}/on004362/v1.0.0"
    with access.open() as opened:
        dataset = open_dataset(url, opened)
    assert (dataset.name, dataset.origin.address) == ("ds004362", url)
    assert dataset.files == open_dataset(str(small_dataset)).files


def test_a_web_folder_without_a_manifest_is_one_line_with_the_way_out(archives, access):
    with access.open() as opened, pytest.raises(SourceError) as refusal:
        open_dataset(f"{archives.api.url}/elsewhere", opened)
    assert "no manifest.json there (HTTP 404)" in str(refusal.value)
    assert "pass the address of a bucket" in str(refusal.value)


@pytest.mark.parametrize(
    "source",
    [
        f"https://me:{SECRET}@host.org/ds1",
        f"https://{SECRET}@host.org/ds1",
        f"s3://key:{SECRET}@bucket/ds1",
        f"https://host.org/ds1?token={SECRET}",
        f"https://host.org/ds1#{SECRET}",
        f"ftp://me:{SECRET}@host.org/ds1",
    ],
)
def test_credentials_in_a_url_are_refused_and_not_shown(access, source):
    with access.open() as opened, pytest.raises(SourceError) as refusal:
        open_dataset(source, opened)
    assert SECRET not in str(refusal.value)
    assert not access.cache.exists()


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("https://openneuro.org/datasets/ds004362/versions/1.0.0", "openneuro:ds004362@1.0.0"),
        ("https://github.com/OpenNeuroDatasets/ds004362.git", "openneuro:ds004362"),
        ("https://github.com/nemarDatasets/nm000110", "nemar:nm000110"),
    ],
)
def test_a_page_of_an_archive_is_refused_with_the_address_to_write(access, source, address):
    with access.open() as opened, pytest.raises(SourceError, match=f"write {address}$"):
        open_dataset(source, opened)


def test_a_file_url_is_refused_with_the_folder_to_pass(access):
    with access.open() as opened, pytest.raises(SourceError, match="pass the folder itself, /data"):
        open_dataset("file:///data/ds1", opened)


@pytest.mark.parametrize("source", ["s3://", "https://", "https:///ds1"])
def test_a_url_without_host_or_bucket_is_refused(access, source):
    with access.open() as opened, pytest.raises(SourceError, match="no host or bucket after"):
        open_dataset(source, opened)
