"""Checks that a file is the one of a pool, without reading large files."""

from __future__ import annotations

import hashlib

import pytest
from bids_folder import write_folder

from bids_dl import source
from bids_dl.annotate.viewing import same_recording
from bids_dl.annotate.viewing.same_recording import check_digests, check_duration
from bids_dl.errors import RecordingError

FILE = "sub-01/eeg/sub-01_task-rest_eeg.edf"
TABLE = "sub-01/eeg/sub-01_task-rest_channels.tsv"


@pytest.fixture
def dataset(tmp_path):
    return source.open_dataset(str(write_folder(tmp_path, {FILE: "samples", TABLE: "name\n"})))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_equal_files_and_changed_tables_are_accepted(dataset):
    check_digests(dataset, {FILE: digest("samples"), TABLE: digest("other")})


def test_a_changed_signal_is_refused(dataset):
    with pytest.raises(RecordingError, match=f"{FILE} is not the file that the pool was conv"):
        check_digests(dataset, {FILE: digest("other")})


def test_a_missing_signal_is_named(dataset):
    with pytest.raises(RecordingError, match=r"sub-02\.edf cannot be read \(No such file"):
        check_digests(dataset, {"sub-02.edf": digest("other")})


def test_large_files_are_not_read(dataset, monkeypatch):
    monkeypatch.setattr(same_recording, "MAX_HASHED_BYTES", 3)
    check_digests(dataset, {FILE: digest("other")})


def test_checksums_of_different_kinds_are_not_compared(dataset):
    check_digests(dataset, {FILE: "md5:0123"})


def test_lengths_are_equal_to_a_sample():
    check_duration(60.0, 60.0 + 0.9 / 128, 128.0)
    check_duration(60.0, None, 128.0)
    with pytest.raises(RecordingError, match=r"it is 60 s long, the pool says 61 s; give the sou"):
        check_duration(60.0, 61.0, 128.0)
