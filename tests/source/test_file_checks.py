"""Files that are not what their name says."""

from __future__ import annotations

import pytest
from signal_files import refusal, write_recording

from bids_dl.config.stages import SourceConfig
from bids_dl.errors import RecordingError
from bids_dl.source import find_recordings, hash_source_files, open_dataset
from bids_dl.source.file_checks import check_content, text_conversion_damage

REPLACEMENTS = [
    (b"", "is empty; download it again"),
    (
        b"/annex/objects/MD5E-s1275936--abc.edf\n",
        "is a git-annex pointer without content; fetch it with: datalad get sub-1/eeg/",
    ),
    (b"\n<!DOCTYPE html><html><body>504 Gateway Time-out", "is a web page, not a recording"),
    (
        b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
        "is a web page, not a recording",
    ),
]


@pytest.mark.parametrize(("content", "reason"), REPLACEMENTS)
@pytest.mark.parametrize("name", ["_eeg.edf", "_eeg.fdt"])
def test_content_in_place_of_a_file_is_refused(shared, tmp_path, name, content, reason):
    files = {name: content}
    if name == "_eeg.fdt":
        files["_eeg.set"] = shared / "eeglab/eeglab_data.set"
    failure = refusal(*write_recording(tmp_path, files))
    assert (failure.stage, failure.transient) == ("source", False)
    assert reason in failure.reason


def test_a_broken_link_is_refused_before_anything_is_opened(tmp_path):
    dataset, recording = write_recording(tmp_path, {"_eeg.edf": b"x"})
    (tmp_path / recording.signal).unlink()
    (tmp_path / recording.signal).symlink_to("../../.git/annex/objects/x.edf")
    assert "datalad get sub-1/eeg/sub-1_task-x_eeg.edf" in refusal(dataset, recording).reason


def test_a_broken_link_is_refused_when_files_are_hashed(eegbci_copy):
    signal = eegbci_copy / "sub-001/eeg/sub-001_task-motion_run-1_eeg.edf"
    signal.unlink()
    signal.symlink_to("../../.git/annex/objects/nowhere")
    dataset = open_dataset(str(eegbci_copy))
    recording = find_recordings(dataset, SourceConfig())[0]
    message = r"datalad get sub-001/eeg/sub-001_task-motion_run-1_eeg\.edf"
    with pytest.raises(RecordingError, match=message):
        hash_source_files(dataset, recording)


def test_a_missing_file_is_refused_without_a_hint_at_datalad(tmp_path):
    with pytest.raises(RecordingError, match=r"^source: x\.edf does not exist$"):
        check_content(tmp_path / "x.edf", "x.edf")


def test_a_file_that_cannot_be_opened_is_transient(tmp_path):
    (tmp_path / "folder").write_text("")
    with pytest.raises(RecordingError, match=r"x\.edf cannot be read") as failure:
        check_content(tmp_path / "folder" / "x.edf", "x.edf")
    assert failure.value.transient


def test_a_folder_passes(tmp_path):
    check_content(tmp_path, "x.ds")


@pytest.mark.parametrize(
    ("content", "damage"),
    [
        (bytes(range(256)) * 50, ""),
        (b"\x80\x00\r\n" * 30, "line ends were rewritten"),
        (b"\x80\x00\r\n" * 20, ""),
        (b"\x80\x00\r\n\n" * 30, ""),
        ("\ufffd".encode() * 300, "decoded as text"),
        (b"plain text", ""),
    ],
)
def test_damage_by_a_text_conversion_is_recognized(tmp_path, content, damage):
    path = tmp_path / "x.edf"
    path.write_bytes(b"header" + content)
    assert text_conversion_damage(path, len(b"header")) == damage


def test_characters_split_between_two_reads_are_recognized(tmp_path, monkeypatch):
    monkeypatch.setattr("bids_dl.source.file_checks.READ_BYTES", 7)
    path = tmp_path / "x.edf"
    path.write_bytes("\ufffd".encode() * 300)
    assert text_conversion_damage(path) == "decoded as text"
    path.write_bytes(b"\x80ab\r\n" * 30)
    assert text_conversion_damage(path) == "line ends were rewritten"
