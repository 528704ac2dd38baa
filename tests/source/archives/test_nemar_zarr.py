"""Opening of NEMAR's Zarr copies: both formats of the index, its recordings, and its commit."""

from __future__ import annotations

import doctest
import json
import shutil

import pytest
from zarr_copies import ACCESSION, ADDRESS, UPDATED, served_copies

from bids_dl.config.stages import SourceConfig
from bids_dl.errors import RecordingError, SourceError
from bids_dl.source import find_recordings, open_dataset, read_event_rows, read_header
from bids_dl.source.archives import zarr_index
from bids_dl.source.archives.address import parse_address

RUN = "sub-001/eeg/sub-001_task-motion_run-{}_eeg"


@pytest.fixture
def person(eegbci_copy):
    """One person of the sample, at rest: runs 1 and 2."""
    for folder in sorted(eegbci_copy.glob("sub-*"))[1:]:
        shutil.rmtree(folder)
    for file in eegbci_copy.rglob("*_run-4_*"):
        file.unlink()
    return eegbci_copy


@pytest.fixture
def copies(person, tmp_path):
    with served_copies(person, tmp_path / "copies") as served:
        yield served


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(zarr_index).failed == 0


@pytest.mark.parametrize("version", [1, 3])
def test_both_formats_of_the_index_give_the_recordings_and_text_of_the_dataset(
    person, tmp_path, version
):
    local = open_dataset(str(person))
    with served_copies(person, tmp_path / "copies", version=version) as copies:
        with copies.access(tmp_path / "cache") as access:
            dataset = open_dataset(ADDRESS, access)
            recordings = find_recordings(dataset, SourceConfig())
            headers = [read_header(dataset, recording) for recording in recordings]
        commit = copies.index["source_commit"]
    expected = find_recordings(local, SourceConfig())
    assert [recording.key for recording in recordings] == [item.key for item in expected]
    assert [header.n_times for header in headers] == [
        read_header(local, item).n_times for item in expected
    ]
    for recording, original in zip(recordings, expected, strict=True):
        rows = read_event_rows(dataset, recording)
        assert rows.columns == read_event_rows(local, original).columns
    origin = dataset.origin
    assert (origin.address, origin.commit, origin.updated_utc) == (ADDRESS, commit, UPDATED)
    assert dataset.name == "ds004362"
    assert "lossy copies in 16 bit" in dataset.notes[0]


def test_the_second_opening_asks_for_the_index_only(copies, tmp_path):
    with copies.access(tmp_path / "cache") as access:
        first = open_dataset(ADDRESS, access)
        copies.git.reset()
        copies.server.reset()
        second = open_dataset(ADDRESS, access)
    assert second.root == first.root
    assert copies.git.requests == []
    assert copies.server.requests == [f"/{ACCESSION}/zarr/index.json"]


def test_a_newer_format_is_refused(copies, tmp_path):
    copies.write_index(format_version=4)
    with (
        copies.access(tmp_path / "cache") as access,
        pytest.raises(SourceError, match=r"index has format 4, this version .* reads 1, 3; update"),
    ):
        open_dataset(ADDRESS, access)


def without_second(copies, **lists):
    """Remove the second recording from the copies, and add it to other lists of the index."""
    copies.write_index(stores=copies.index["stores"][:1], **lists)


@pytest.mark.parametrize(
    ("name", "entry", "message", "transient"),
    [
        ("failures", {"code": "not_continuous", "reason": "Epoched."}, "has no copy .not_", False),
        ("pending", {"reason": "not_attempted", "attempts": 0}, "has no copy yet .not_", True),
    ],
)
def test_a_recording_without_a_copy_fails_with_its_reason(
    copies, tmp_path, name, entry, message, transient
):
    without_second(copies, **{name: [{"path": f"{RUN.format(2)}.edf", **entry}]})
    with copies.access(tmp_path / "cache") as access:
        dataset = open_dataset(ADDRESS, access)
        [first, second] = find_recordings(dataset, SourceConfig())
        assert read_header(dataset, first).n_times == 9760
        with pytest.raises(RecordingError, match=f"^source: {RUN.format(2)}.zarr {message}") as it:
            read_header(dataset, second)
    assert it.value.transient is transient


def test_a_processed_copy_is_refused(copies, tmp_path):
    [first, second] = copies.index["stores"]
    copies.write_index(stores=[{**first, "derived": True, "sss": {}}, second])
    with copies.access(tmp_path / "cache") as access:
        dataset = open_dataset(ADDRESS, access)
        recording = find_recordings(dataset, SourceConfig())[0]
        with pytest.raises(RecordingError, match="processed signal"):
            read_header(dataset, recording)


def test_the_group_of_the_datatype_with_the_most_channels_is_read():
    groups = [
        {"name": "emg_1000hz", "modality": "EMG", "n_channels": 200},
        {"name": "eeg_250hz", "modality": "EEG", "n_channels": 2},
        {"name": "eeg_100hz", "modality": "EEG", "n_channels": 60},
    ]
    store = {"path": f"{RUN.format(1)}.set", "zarr": "x.zarr", "groups": groups}
    index = {"format": "nemar-zarr-index", "format_version": 3, "stores": [store]}
    [copy] = zarr_index.parse_index(index, ADDRESS).copies
    assert (copy.group, copy.omitted) == ("eeg_100hz", ("emg_1000hz", "eeg_250hz"))


def test_the_parts_of_a_split_recording_have_one_copy():
    path = "sub-1/eeg/sub-1_task-x_split-01_eeg.fif"
    groups = [{"name": "eeg_250hz", "modality": "EEG"}]
    store = {"path": path, "zarr": path.replace("fif", "zarr"), "groups": groups}
    index = {"format": "nemar-zarr-index", "format_version": 3, "stores": [store]}
    [copy] = zarr_index.parse_index(index, ADDRESS).copies
    assert copy.path == "sub-1/eeg/sub-1_task-x_eeg.zarr"
    assert copy.zarr == "sub-1/eeg/sub-1_task-x_split-01_eeg.zarr"


@pytest.mark.parametrize("field", ["path", "zarr"])
def test_a_path_out_of_the_dataset_is_refused(copies, tmp_path, field):
    [first, second] = copies.index["stores"]
    foreign = {"path": "sub-1/../../x_eeg.edf", "zarr": "../../x.zarr"}[field]
    copies.write_index(stores=[{**first, field: foreign}, second])
    with (
        copies.access(tmp_path / "cache") as access,
        pytest.raises(SourceError, match="leads out of the dataset"),
    ):
        open_dataset(ADDRESS, access)


def test_a_dataset_without_copies_is_refused_with_the_archive_to_use(copies, tmp_path):
    with (
        copies.access(tmp_path / "cache") as access,
        pytest.raises(SourceError, match=r"serves no Zarr copies of it \(HTTP 404\); use nemar:"),
    ):
        open_dataset("nemar-zarr:nm000999", access)


@pytest.mark.parametrize("body", ["<html>", "[]", '{"format": "other"}'])
def test_an_answer_that_is_no_index_is_refused(copies, tmp_path, body):
    (copies.root / "index.json").write_text(body)
    with copies.access(tmp_path / "cache") as access, pytest.raises(SourceError, match="index"):
        open_dataset(ADDRESS, access)


def test_copies_of_another_commit_are_refused(copies, tmp_path):
    commit = copies.index["source_commit"]
    with copies.access(tmp_path / "cache") as access:
        assert open_dataset(f"{ADDRESS}@{commit}", access).origin.commit == commit
        with pytest.raises(SourceError, match=f"its copies are of commit {commit} now"):
            open_dataset(f"{ADDRESS}@{'0' * 40}", access)


def test_an_index_without_a_commit_takes_the_newest_text_and_says_so(copies, tmp_path):
    copies.write_index(source_commit="", format_version=1)
    with copies.access(tmp_path / "cache") as access:
        dataset = open_dataset(ADDRESS, access)
    assert "the text is that of version v1.0.0" in dataset.notes[-1]
    assert dataset.origin.commit == ""


def test_a_mirror_gives_the_same_plan(copies, tmp_path):
    with copies.access(tmp_path / "cache") as access:
        dataset = open_dataset(ADDRESS, access)
    content = json.loads((dataset.root / f"{RUN.format(1)}.zarr").read_text())
    assert copies.server.url not in json.dumps(content)


def test_the_address_is_parsed():
    address = parse_address(ADDRESS)
    assert (address.kind, address.accession) == ("nemar-zarr", ACCESSION)
    with pytest.raises(SourceError, match="write openneuro:ds004362"):
        parse_address("nemar-zarr:ds004362")
