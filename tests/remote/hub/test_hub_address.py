"""URLs of the hub name a repository, a revision and a path; anything else is refused."""

from __future__ import annotations

import pytest

from bids_dl.errors import StoreError
from bids_dl.remote.hub.hub_address import commit_of, parse_hub_url, without_revision

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("url", "kind", "revision", "path"),
    [
        ("hf://datasets/lab/eyes", "datasets", "main", ""),
        ("hf://datasets/lab/eyes/", "datasets", "main", ""),
        ("hf://datasets/lab/eyes/a/eyes.zarr", "datasets", "main", "a/eyes.zarr"),
        ("hf://datasets/lab/eyes@v1/eyes.zarr", "datasets", "v1", "eyes.zarr"),
        ("hf://datasets/lab/eyes@refs/pr/3/eyes.zarr", "datasets", "refs/pr/3", "eyes.zarr"),
        ("hf://datasets/lab/eyes@a%2Fb/eyes.zarr", "datasets", "a/b", "eyes.zarr"),
        ("hf://lab/eyes/run", "models", "main", "run"),
    ],
)
def test_a_url_is_parsed(url, kind, revision, path):
    address = parse_hub_url(url)
    assert (address.kind, address.repository) == (kind, "lab/eyes")
    assert (address.revision, address.path) == (revision, path)
    assert parse_hub_url(address.url) == address


@pytest.mark.parametrize(
    "url", ["hf://", "hf://datasets", "hf://datasets/eyes", "hf://spaces/lab/eyes", "hf://eyes"]
)
def test_a_url_without_a_repository_is_refused(url):
    with pytest.raises(StoreError, match=r"write hf://datasets/ORGANIZATION/NAME"):
        parse_hub_url(url)


def test_a_bucket_of_the_hub_is_read_by_its_s3_address():
    with pytest.raises(StoreError, match=r"by their s3:// address"):
        parse_hub_url("hf://buckets/lab/eyes/eyes.zarr")


def test_only_a_whole_commit_pins_a_url():
    assert commit_of(f"hf://datasets/lab/eyes@{COMMIT}/eyes.zarr") == COMMIT
    assert commit_of("hf://datasets/lab/eyes@0123456/eyes.zarr") == ""
    assert without_revision(f"hf://datasets/lab/eyes@{COMMIT}/a") == "hf://datasets/lab/eyes/a"


def test_paths_are_quoted():
    address = parse_hub_url("hf://datasets/lab/eyes@a%2Fb/my eyes.zarr/c#0")
    assert address.resolve_path == "/datasets/lab/eyes/resolve/a%2Fb/my%20eyes.zarr/c%230"
    assert address.api_path("tree") == "/api/datasets/lab/eyes/tree/a%2Fb"
