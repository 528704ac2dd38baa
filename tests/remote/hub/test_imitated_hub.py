"""The imitated hub carries the real huggingface_hub client."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import TOKEN, HubServer, use_hub
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

NAME = "lab/eyes"
SHARD = bytes(range(256)) * 40


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as hub, use_hub(hub):
        yield hub


@pytest.fixture
def api(hub: HubServer) -> HfApi:
    api = HfApi(endpoint=hub.url)
    api.create_repo(NAME, repo_type="dataset", exist_ok=True)
    return api


def commit(api: HfApi, files: dict[str, bytes], **options):
    operations = [CommitOperationAdd(path, content) for path, content in files.items()]
    return api.create_commit(
        NAME, operations, commit_message="a store", repo_type="dataset", **options
    )


def test_a_commit_is_read_back_with_the_checksums_of_its_files(api):
    info = commit(api, {"eyes.zarr/signals/c/0": SHARD, "eyes.zarr/zarr.json": b"{}"})
    tree = api.list_repo_tree(NAME, "eyes.zarr", recursive=True, repo_type="dataset")
    files = {item.path: item for item in tree if hasattr(item, "blob_id")}
    assert files["eyes.zarr/signals/c/0"].lfs.sha256 == hashlib.sha256(SHARD).hexdigest()
    assert files["eyes.zarr/zarr.json"].blob_id == hashlib.sha1(b"blob 2\0{}").hexdigest()
    assert api.repo_info(NAME, repo_type="dataset").sha == info.oid


@pytest.mark.parametrize("name", ["eyes.zarr/signals/c/0", "eyes.zarr/zarr.json"])
def test_a_file_is_downloaded_by_the_real_client(api, tmp_path, name):
    files = {"eyes.zarr/signals/c/0": SHARD, "eyes.zarr/zarr.json": b"{}"}
    commit(api, files)
    path = api.hf_hub_download(NAME, name, repo_type="dataset", local_dir=tmp_path)
    assert Path(path).read_bytes() == files[name]


def test_a_listing_of_several_pages_is_complete(hub, api):
    hub.page_entries = 3
    hub.repositories[NAME].put({f"eyes.zarr/{i}": b"x" for i in range(8)})
    tree = api.list_repo_tree(NAME, recursive=True, repo_type="dataset")
    assert len([item for item in tree if item.path.startswith("eyes.zarr/")]) == 8


def test_a_large_file_that_the_hub_has_is_not_sent_twice(hub, api):
    commit(api, {"a/c/0": SHARD})
    commit(api, {"b/c/0": SHARD})
    assert len(hub.log.lines("^PUT")) == 1


def test_a_moved_parent_is_412(api):
    parent = api.repo_info(NAME, repo_type="dataset").sha
    commit(api, {"a": b"1"}, parent_commit=parent)
    with pytest.raises(HfHubHTTPError) as caught:
        commit(api, {"b": b"1"}, parent_commit=parent)
    assert caught.value.response.status_code == 412


def test_a_tag_names_a_commit_and_is_not_moved(api):
    first = commit(api, {"a": b"1"})
    api.create_tag(NAME, tag="v1", repo_type="dataset")
    commit(api, {"a": b"2"})
    with pytest.raises(HfHubHTTPError):
        api.create_tag(NAME, tag="v1", repo_type="dataset")
    assert api.repo_info(NAME, repo_type="dataset", revision="v1").sha == first.oid
    assert [tag.name for tag in api.list_repo_refs(NAME, repo_type="dataset").tags] == ["v1"]


def test_the_error_of_the_client_says_what_is_missing(hub, api):
    with pytest.raises(RevisionNotFoundError):
        api.repo_info(NAME, repo_type="dataset", revision="v2")
    with pytest.raises(RepositoryNotFoundError):
        api.repo_info("lab/none", repo_type="dataset")
    with pytest.raises(EntryNotFoundError):
        api.hf_hub_download(NAME, "none", repo_type="dataset")


def test_a_private_repository_needs_the_token(hub):
    hub.add_repository("lab/own", is_private=True)
    assert HfApi(endpoint=hub.url, token=TOKEN).repo_info("lab/own", repo_type="dataset").private
    with pytest.raises(RepositoryNotFoundError):
        HfApi(endpoint=hub.url, token=False).repo_info("lab/own", repo_type="dataset")


def test_a_commit_whose_answer_was_lost_was_made(hub, api):
    hub.log.fail("lost", "POST .*/commit/")
    with pytest.raises(HfHubHTTPError):
        commit(api, {"a": b"1"})
    assert hub.repositories[NAME].files["a"] == b"1"


def test_files_and_folders_are_deleted(hub, api):
    commit(api, {"a/1": b"1", "a/2": b"2", "b": b"3"})
    operations = [CommitOperationDelete("a/", is_folder=True), CommitOperationDelete("b")]
    api.create_commit(NAME, operations, commit_message="less", repo_type="dataset")
    assert list(hub.repositories[NAME].files) == [".gitattributes"]


def test_requests_that_match_fail_after_those_that_are_skipped(hub, api):
    hub.log.fail("busy", "paths-info", skip=1)
    api.get_paths_info(NAME, ["a"], repo_type="dataset")
    with pytest.raises(HfHubHTTPError) as caught:
        api.get_paths_info(NAME, ["a"], repo_type="dataset")
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["RateLimit"] == '"resolvers";r=0;t=1'
