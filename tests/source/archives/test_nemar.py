"""Opening of NEMAR's datasets: by the git mirror, and by the manifest if that fails."""

from __future__ import annotations

import doctest

import pytest
from archive_servers import NOWHERE, OFFLINE
from git_server import GitFault

from bids_dl.config.stages import SourceConfig
from bids_dl.errors import SourceError
from bids_dl.planning.survey import open_sources
from bids_dl.source import find_recordings, open_dataset
from bids_dl.source.archives import manifest, nemar
from bids_dl.source.dataset import Dataset
from bids_dl.source.fetching.fetch import fetch_files
from bids_dl.source.recordings.hashing import hash_source_files

ADDRESS = "nemar:on004362"
WITHOUT_MIRROR = {"nemar-git": NOWHERE}


def identities(dataset: Dataset) -> dict[str, dict[str, str]]:
    """Return the checksums of the files of each recording."""
    found = {}
    for recording in find_recordings(dataset, SourceConfig()):
        found[recording.key] = hash_source_files(dataset, recording).digests
    return found


@pytest.mark.parametrize("module", [manifest, nemar])
def test_the_examples_of_the_docstrings_are_right(module):
    assert doctest.testmod(module).failed == 0


def test_a_mirror_of_openneuro_has_its_name_and_its_own_address(access):
    with access.open() as opened:
        dataset = open_dataset(f"{ADDRESS}@v1.0.0", opened)
    assert (dataset.name, dataset.origin.address) == ("ds004362", ADDRESS)
    assert dataset.origin.version == "1.0.0"


@pytest.mark.parametrize("mirror", [{}, WITHOUT_MIRROR])
def test_nemar_and_openneuro_give_the_same_identity(access, mirror):
    with access.open(mirror) as opened:
        nemar_dataset = open_dataset(f"{ADDRESS}@1.1.0", opened)
        openneuro = open_dataset("openneuro:ds004362@1.1.0", opened)
    assert identities(nemar_dataset) == identities(openneuro)
    assert nemar_dataset.files == openneuro.files


def test_row_21_a_dataset_and_its_mirror_are_refused_together(access):
    with access.open() as opened, pytest.raises(SourceError, match="two sources are the dataset"):
        open_sources(["openneuro:ds004362", ADDRESS], opened)


@pytest.mark.parametrize("chunked", [False, True])
def test_row_7_a_key_that_the_bucket_denies_is_fetched_by_its_path(archives, access, chunked):
    archives.api.chunked = chunked
    with access.open({"openneuro-s3": NOWHERE}) as opened:
        dataset = open_dataset(f"{ADDRESS}@1.0.0", opened)
        archives.api.requests.clear()
        signal = next(path for path in dataset.files if path.endswith(".edf"))
        fetch_files(dataset, [signal], opened)
    assert dataset.path(signal).stat().st_size == 1000
    services = [request.split("/")[1] for request in archives.api.requests]
    assert services == (["bucket", "data"] if chunked else ["bucket"])


@pytest.mark.parametrize("fault", [GitFault(404), GitFault(kind="html")])
def test_row_5_a_missing_mirror_is_replaced_by_the_manifest(archives, access, fault):
    archives.git.fail(fault, times=20)
    with access.open() as opened:
        dataset = open_dataset(ADDRESS, opened)
    assert (dataset.origin.version, dataset.origin.doi) == ("v1.1.0", "10.82901/x.v1.1.0")
    assert not [request for request in archives.api.requests if request.endswith(".edf")]


def test_a_manifest_in_the_cache_needs_no_network(archives, access):
    with access.open(WITHOUT_MIRROR) as opened:
        first = open_dataset(f"{ADDRESS}@v1.0.0", opened)
    archives.reset()
    with access.open(OFFLINE) as opened:
        again = open_dataset(f"{ADDRESS}@1.0.0", opened)
        newest = open_dataset(ADDRESS, opened)
    assert again.origin == first.origin == newest.origin
    assert archives.n_requests == 0


def test_a_manifest_that_is_too_large_is_replaced_by_its_folders(archives, access):
    with access.open(WITHOUT_MIRROR) as opened:
        listed = open_dataset(f"{ADDRESS}@1.0.0", opened)
    archives.api.too_large = True
    access.cache = access.cache.with_name("other")
    with access.open(WITHOUT_MIRROR) as opened:
        walked = open_dataset(f"{ADDRESS}@1.0.0", opened)
    assert walked.files == listed.files
    assert identities(walked) == identities(listed)


def test_row_1_a_page_in_place_of_a_manifest_is_no_data(archives, access):
    archives.api.page = True
    with access.open(WITHOUT_MIRROR) as opened, pytest.raises(SourceError, match="is not JSON"):
        open_dataset(ADDRESS, opened)


def test_a_signed_address_is_never_used_or_kept(archives, access):
    with access.open(WITHOUT_MIRROR) as opened:
        dataset = open_dataset(ADDRESS, opened)
    urls = [url for file in dataset.remote.by_path.values() for url in file.urls]
    assert urls
    assert all(url.startswith(f"{archives.api.data_url}/on004362/v1.1.0/") for url in urls)


def test_row_20_a_path_out_of_the_dataset_is_refused(archives, access):
    archives.api.foreign_path = "sub-001/../../x.json"
    with access.open(WITHOUT_MIRROR) as opened, pytest.raises(SourceError, match="leads out"):
        open_dataset(ADDRESS, opened)


def test_an_unknown_version_is_named_with_those_that_exist(access):
    with access.open() as opened, pytest.raises(SourceError) as refusal:
        open_dataset(f"{ADDRESS}@9", opened)
    assert str(refusal.value).splitlines()[1:] == [
        "  git mirror: no version '9'; use one of 1.1.0, 1.0.0",
        "  NEMAR: no version '9'; use one of v1.1.0, v1.0.0",
    ]


def test_an_unknown_dataset_is_three_lines_which_name_the_token(access):
    with access.open() as opened, pytest.raises(SourceError) as refusal:
        open_dataset("nemar:nm000999", opened)
    lines = str(refusal.value).splitlines()
    assert len(lines) == 3
    assert (
        "HTTP 404: no such dataset, or a private one, which needs a token in NEMAR_TOKEN"
        in (lines[2])
    )
