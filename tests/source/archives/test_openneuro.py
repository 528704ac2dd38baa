"""Opening of OpenNeuro's datasets: by the git mirror, and by the service if that fails."""

from __future__ import annotations

import doctest
import json
import os

import pytest
from annexed_repository import Annexed, AnnexedRepository
from archive_servers import NOWHERE, OFFLINE
from git_server import GitFault, GitServer

from bids_dl.config.stages import SourceConfig
from bids_dl.errors import SourceError
from bids_dl.source import find_recordings, open_dataset
from bids_dl.source.archives import listed_files
from bids_dl.source.archives.version_index import index_of
from bids_dl.source.dataset import Dataset
from bids_dl.source.recordings.hashing import hash_source_files
from bids_dl.source.recordings.raw_files import find_raw_files

WITHOUT_MIRROR = {"openneuro-git": NOWHERE}


def identities(dataset: Dataset) -> dict[str, dict[str, str]]:
    """Return the checksums of the files of each recording."""
    found = {}
    for recording in find_recordings(dataset, SourceConfig()):
        found[recording.key] = hash_source_files(dataset, recording).digests
    return found


def events_of(dataset: Dataset) -> list[list[str]]:
    """Return the onsets of each recording."""
    recordings = find_recordings(dataset, SourceConfig())
    return [dataset.read_tsv(recording.events).columns["onset"] for recording in recordings]


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(listed_files, optionflags=doctest.ELLIPSIS).failed == 0


def test_text_is_opened_without_a_signal(archives, access, small_dataset):
    with access.open() as opened:
        dataset = open_dataset("openneuro:ds004362@1.0.0", opened)
    local = open_dataset(str(small_dataset))
    assert dataset.files == local.files
    assert events_of(dataset) == events_of(local)
    assert dataset.origin.commit == archives.repository.commits["1.0.0"]
    assert [path.endswith("_events.tsv") for path in archives.bucket.requests] == [True]


def test_a_version_in_the_cache_needs_no_network(archives, access):
    with access.open() as opened:
        first = open_dataset("openneuro:ds004362@1.0.0", opened)
    archives.reset()
    with access.open(OFFLINE) as opened:
        again = open_dataset("openneuro:ds004362@1.0.0", opened)
    assert (again.files, again.origin, archives.n_requests) == (first.files, first.origin, 0)


@pytest.mark.parametrize("damage", ["removed", "cut", "index"])
@pytest.mark.parametrize("endpoints", [{}, WITHOUT_MIRROR])
def test_text_that_the_cache_lost_is_fetched_again(access, small_dataset, damage, endpoints):
    with access.open(endpoints) as opened:
        root = open_dataset("openneuro:ds004362@1.0.0", opened).root
    file = next(root.rglob("sub-002*_events.tsv"))
    if damage == "removed":
        file.unlink()
    elif damage == "cut":
        os.truncate(file, 100)
    else:
        index_of(root).write_text("null")
    with access.open(endpoints) as opened:
        dataset = open_dataset("openneuro:ds004362@1.0.0", opened)
    assert events_of(dataset) == events_of(open_dataset(str(small_dataset)))


def test_without_network_the_newest_version_in_the_cache_is_taken_and_said(access):
    with access.open() as opened:
        open_dataset("openneuro:ds004362@1.0.0", opened)
    with access.open(OFFLINE) as opened:
        dataset = open_dataset("openneuro:ds004362", opened)
    assert dataset.origin.version == "1.0.0"
    assert "using version 1.0.0, the newest in the cache" in access.messages[-1]


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
def test_the_service_gives_the_same_identity_as_the_mirror(access, tmp_path, version):
    with access.open() as opened:
        mirrored = open_dataset(f"openneuro:ds004362@{version}", opened)
    access.cache = tmp_path / "other"
    with access.open(WITHOUT_MIRROR) as opened:
        served = open_dataset(f"openneuro:ds004362@{version}", opened)
    assert identities(served) == identities(mirrored)
    assert (served.files, served.origin) == (mirrored.files, mirrored.origin)
    assert events_of(served) == events_of(mirrored)


def test_the_service_is_not_asked_for_signals(archives, access):
    with access.open(WITHOUT_MIRROR) as opened:
        dataset = open_dataset("openneuro:ds004362", opened)
    signals = {key for path, key in archives.repository.keys.items() if path.endswith(".edf")}
    asked = {request.rpartition("/")[2] for request in archives.api.requests}
    assert not signals & asked
    assert len(archives.api.requests) == len(set(archives.api.requests)) + 1  # two queries
    assert any(dataset.is_remote(file) for file in dataset.files)


@pytest.mark.parametrize("fault", [GitFault(404), GitFault(403), GitFault(kind="html")])
def test_row_5_a_mirror_that_is_missing_is_replaced_by_the_service(archives, access, fault):
    archives.git.fail(fault, times=20)
    with access.open() as opened:
        assert open_dataset("openneuro:ds004362", opened).origin.version == "1.1.0"


def test_row_5_a_mirror_that_lags_is_replaced_and_both_name_their_versions(archives, access):
    repository = archives.repository
    tags = dict(repository.repo.refs.as_dict(b"refs/tags"))
    name = b"refs/tags/1.1.0"
    del repository.repo.refs[name]
    try:
        with access.open() as opened:
            dataset = open_dataset("openneuro:ds004362@1.1.0", opened)
            with pytest.raises(SourceError) as refusal:
                open_dataset("openneuro:ds004362@9.0", opened)
    finally:
        repository.repo.refs[name] = tags[b"1.1.0"]
    assert dataset.origin.version == "1.1.0"
    assert str(refusal.value).splitlines() == [
        "openneuro:ds004362@9.0: cannot be opened",
        "  git mirror: no version '9.0'; use one of 1.0.0",
        "  OpenNeuro: no version '9.0'; use one of 1.1.0, 1.0.0",
    ]


def test_row_6_errors_and_unready_lists_of_the_service_are_asked_for_again(archives, access):
    archives.api.graphql_errors = ["timeout of 30000ms exceeded", "Internal server error"]
    archives.api.unready = 1
    with access.open(WITHOUT_MIRROR) as opened:
        assert open_dataset("openneuro:ds004362", opened).origin.version == "1.1.0"


def test_row_6_a_list_that_is_never_ready_is_reported_as_passing(archives, access):
    archives.api.unready = 99
    with access.open(WITHOUT_MIRROR) as opened, pytest.raises(SourceError) as refusal:
        open_dataset("openneuro:ds004362@1.0.0", opened)
    assert "list of files of version 1.0.0 is not ready; run the same command again later" in str(
        refusal.value
    )


def test_row_1_a_page_in_place_of_json_is_no_data(archives, access):
    archives.api.page = True
    with access.open(WITHOUT_MIRROR) as opened, pytest.raises(SourceError, match="not of GraphQL"):
        open_dataset("openneuro:ds004362", opened)
    assert not list(access.cache.rglob("*.json"))


def test_row_9_a_private_dataset_needs_a_key_which_is_never_shown(archives, access):
    archives.api.private_key = "current-key"
    with access.open(WITHOUT_MIRROR) as opened, pytest.raises(SourceError) as refusal:
        open_dataset("openneuro:ds004362", opened)
    assert "needs a key of https://openneuro.org/keygen in OPENNEURO_API_KEY" in str(refusal.value)
    with (
        access.open(WITHOUT_MIRROR, key="old-key") as opened,
        pytest.raises(SourceError) as refusal,
    ):
        open_dataset("openneuro:ds004362", opened)
    assert "the key in OPENNEURO_API_KEY may have expired, make a new one" in str(refusal.value)
    assert "old-key" not in str(refusal.value)
    with access.open(WITHOUT_MIRROR, key="current-key") as opened:
        open_dataset("openneuro:ds004362", opened)
    cached = [file for file in access.cache.rglob("*") if file.is_file()]
    assert not [file for file in cached if b"current-key" in file.read_bytes()]


def test_the_key_reaches_the_service_alone(archives, access):
    with access.open(key="secret-key") as opened:
        open_dataset("openneuro:ds004362", opened)
    assert not any("secret-key" in header for header in archives.git.authorizations)


def test_row_8_nothing_is_listed_in_the_bucket(archives, access):
    with access.open() as opened:
        open_dataset("openneuro:ds004362", opened)
    assert all(path.startswith("ds004362/") for path in archives.bucket.requests)
    assert len(archives.bucket.requests) == 1


@pytest.mark.parametrize("path", ["../x.json", "/x.json", "a//x.json", "a\\..\\x.json", "C:/x"])
def test_row_20_a_path_out_of_the_dataset_is_refused(archives, access, tmp_path, path):
    archives.api.foreign_path = path
    with access.open(WITHOUT_MIRROR) as opened, pytest.raises(SourceError, match="leads out"):
        open_dataset("openneuro:ds004362", opened)
    assert sorted(file.name for file in tmp_path.iterdir()) in ([], ["cache"])


def test_row_20_a_commit_that_is_no_checksum_names_no_folder(archives, access, tmp_path):
    archives.api.commits = {"1.0.0": "../../../outside"}
    with access.open(WITHOUT_MIRROR) as opened, pytest.raises(SourceError, match="another shape"):
        open_dataset("openneuro:ds004362@1.0.0", opened)
    assert sorted(file.name for file in tmp_path.iterdir()) == []


def test_row_20_names_that_differ_in_case_or_are_too_long_are_reported(archives, access):
    archives.api.foreign_path = "readme"
    with access.open(WITHOUT_MIRROR) as opened:
        dataset = open_dataset("openneuro:ds004362", opened)
    assert (
        "differs from another only in case or Unicode form: readme and README" in (dataset.notes[0])
    )


def test_row_20_a_name_that_is_too_long_is_left_out_and_reported(archives, access):
    archives.api.foreign_path = "sub-001/" + "a" * 300 + ".json"
    with access.open(WITHOUT_MIRROR) as opened:
        dataset = open_dataset("openneuro:ds004362", opened)
    assert dataset.notes[0].startswith("1 file: name too long for this file system, left out")


def test_row_2_a_damaged_text_is_never_data(archives, access):
    [path] = [name for name in archives.repository.keys if name.endswith(".tsv")]
    archives.bucket.damaged.add(f"ds004362/{path}")
    with access.open() as opened, pytest.raises(SourceError, match="checksum is"):
        open_dataset("openneuro:ds004362@1.0.0", opened)
    archives.bucket.damaged.clear()
    with access.open() as opened:
        assert open_dataset("openneuro:ds004362@1.0.0", opened).origin.version == "1.0.0"


def test_row_3_a_stale_version_id_is_replaced_by_the_plain_address(archives, access):
    [path] = [name for name in archives.repository.keys if name.endswith(".tsv")]
    objects = archives.bucket._objects[f"ds004362/{path}"]
    [version] = objects
    objects["another"] = objects.pop(version)
    try:
        with access.open() as opened:
            open_dataset("openneuro:ds004362@1.0.0", opened)
    finally:
        objects[version] = objects.pop("another")
    assert archives.bucket.requests == [f"ds004362/{path}"] * 2


def test_row_7_a_denied_text_names_both_meanings(archives, access):
    [path] = [name for name in archives.repository.keys if name.endswith(".tsv")]
    stored = archives.bucket._objects.pop(f"ds004362/{path}")
    try:
        with access.open() as opened, pytest.raises(SourceError) as refusal:
            open_dataset("openneuro:ds004362@1.0.0", opened)
    finally:
        archives.bucket._objects[f"ds004362/{path}"] = stored
    assert "HTTP 403: access denied, or no such file" in str(refusal.value)


def test_row_18_a_busy_mirror_is_waited_for(archives, access):
    archives.git.fail(GitFault(429, "0"), times=2)
    with access.open() as opened:
        open_dataset("openneuro:ds004362", opened)
    assert len(archives.git.requests) == 5
    assert archives.api.requests == []


def test_both_routes_without_network_are_named(access):
    with access.open(OFFLINE) as opened, pytest.raises(SourceError) as refusal:
        open_dataset("openneuro:ds004362", opened)
    lines = str(refusal.value).splitlines()
    assert lines[0] == "openneuro:ds004362: cannot be opened"
    assert [line.partition(": ")[0].strip() for line in lines[1:]] == ["git mirror", "OpenNeuro"]


def test_an_unknown_dataset_is_three_lines(access):
    with access.open() as opened, pytest.raises(SourceError) as refusal:
        open_dataset("openneuro:ds000009", opened)
    lines = str(refusal.value).splitlines()
    assert len(lines) == 3
    assert "no such dataset; a private dataset needs a key" in lines[2]


def test_the_index_holds_no_signed_address(archives, access, monkeypatch):
    def sign(self, tag: str) -> dict:
        snapshot = original(self, tag)
        for entry in snapshot["files"]:
            entry["urls"] = [f"{entry['urls'][0]}?X-Amz-Signature=secret"]
        return snapshot

    original = type(archives.api)._snapshot
    monkeypatch.setattr(type(archives.api), "_snapshot", sign)
    with access.open(WITHOUT_MIRROR) as opened:
        dataset = open_dataset("openneuro:ds004362", opened)
    index = next(access.cache.glob("datasets/openneuro/ds004362/*[0-9a-f].json"))
    assert "secret" not in index.read_text()
    assert json.loads(index.read_text())["files"]
    assert any("secret" in url for file in dataset.remote.by_path.values() for url in file.urls)


def test_row_19_bidsignore_of_an_archive_is_obeyed_as_in_a_folder(access, tmp_path):
    files = {
        "dataset_description.json": b'{"Name": "x", "BIDSVersion": "1.10.0"}',
        ".bidsignore": b"sub-02/\n",
        "sub-01/eeg/sub-01_task-rest_eeg.edf": Annexed(b"abc"),
        "sub-02/eeg/sub-02_task-rest_eeg.edf": Annexed(b"def"),
    }
    with AnnexedRepository(tmp_path / "r.git") as repository:
        repository.commit(files, "1.0.0")
        git = GitServer({"ds004362": repository.repo})
        with git, access.open({"openneuro-git": git.url}) as opened:
            found = find_raw_files(open_dataset("openneuro:ds004362", opened))
    assert list(found.files) == ["sub-01/eeg/sub-01_task-rest"]
    assert "left out 1 recording listed in .bidsignore" in found.notes[0]
