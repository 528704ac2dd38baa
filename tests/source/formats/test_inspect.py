"""Supported formats, companions of a signal file, and files that are refused by name."""

from __future__ import annotations

import doctest
import shutil
from pathlib import Path

import numpy as np
import pytest
from signal_files import (
    STEM,
    EdfChannel,
    edf_bytes,
    noise,
    read_microvolts,
    refusal,
    write_recording,
)

from bids_dl.config.stages import SourceConfig
from bids_dl.source import find_recordings, hash_source_files, read_header
from bids_dl.source.formats import inspect


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(inspect).failed == 0


def test_split_fif_files_are_one_recording(tmp_path):
    import mne

    info = mne.create_info(["Cz", "Pz", "Oz"], 100.0, "eeg")
    raw = mne.io.RawArray(noise(3, 300_000) * 1e-6, info, verbose="error")
    folder = tmp_path / "sub-1/eeg"
    folder.mkdir(parents=True)
    file = folder / "sub-1_task-x_eeg.fif"
    raw.save(file, split_size="2MB", split_naming="bids", verbose="error")
    assert len(list(folder.glob("*_split-*_eeg.fif"))) > 1
    dataset, recording = write_recording(tmp_path, {})
    assert len(find_recordings(dataset, SourceConfig())) == 1
    assert recording.path == STEM
    signals = read_microvolts(dataset, recording)[1]
    np.testing.assert_allclose(signals, noise(3, 300_000), rtol=1e-6)
    digests = hash_source_files(dataset, recording).digests
    hashed = [name for name in digests if name.endswith(".fif")]
    assert len(hashed) == len(list(folder.glob("*.fif")))


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["_eeg.cnt"], ".cnt is not supported"),
        (["_eeg.gdf"], ".gdf is not supported"),
        (["_eeg.edf.gz"], "is compressed, which is not supported; unpack it"),
        (["_eeg.zip"], "is compressed"),
        (
            ["_eeg.eeg", "_eeg.vmrk"],
            "cannot be read without its header sub-1/eeg/sub-1_task-x_eeg.vhdr",
        ),
        (["_eeg.fdt"], "cannot be read without its header sub-1/eeg/sub-1_task-x_eeg.set"),
        (["_split-01_eeg.edf"], "one part of a split recording"),
    ],
)
def test_an_unsupported_signal_is_listed_and_refused_by_name(tmp_path, names, reason):
    failure = refusal(*write_recording(tmp_path, dict.fromkeys(names, b"some bytes")))
    assert failure.stage == "source"
    assert reason in failure.reason


def test_a_folder_that_is_a_recording_is_refused_by_name(tmp_path):
    for folder in ("eeg/sub-1_task-x_eeg.mff", "meg/sub-1_task-x_meg.ds"):
        (tmp_path / "sub-1" / folder).mkdir(parents=True)
        (tmp_path / "sub-1" / folder / "signal1.bin").write_bytes(b"0")
    dataset, _ = write_recording(tmp_path, {})
    recordings = find_recordings(dataset, SourceConfig())
    assert [refusal(dataset, recording).reason for recording in recordings] == [
        "sub-1/eeg/sub-1_task-x_eeg.mff: .mff is not supported; "
        "convert it to .edf, .bdf, .vhdr or .set",
        "sub-1/meg/sub-1_task-x_meg.ds is MEG, which is not supported; only EEG and iEEG are",
    ]


def test_the_real_cnt_file_that_crashes_its_reader_is_never_opened(shared, tmp_path):
    failure = refusal(*write_recording(tmp_path, {"_eeg.cnt": shared / "formats/test.cnt"}))
    assert ".cnt is not supported" in failure.reason


@pytest.mark.parametrize(("extension", "package"), [(".mefd", "pymef"), (".nwb", "pynwb")])
def test_a_format_without_its_reader_names_the_package(tmp_path, monkeypatch, extension, package):
    monkeypatch.setattr("bids_dl.source.formats.inspect.find_spec", lambda _: None)
    failure = refusal(*write_recording(tmp_path, {f"_eeg{extension}": b"x"}))
    assert f"the package {package} is not installed; run pip install '{package}" in failure.reason


def test_a_supported_format_takes_precedence(tmp_path):
    files = {
        "_eeg.cnt": b"x",
        "_eeg.edf": edf_bytes([EdfChannel("Cz", np.zeros(100))]),
        "_eeg.eeg": b"x",
    }
    _, recording = write_recording(tmp_path, files)
    assert recording.signal == f"{STEM}_eeg.edf"


def test_a_text_only_copy_is_refused_by_its_events_file(tmp_path):
    failure = refusal(*write_recording(tmp_path, {}))
    assert failure.reason == (
        f"no signal file beside {STEM}_events.tsv; the dataset has only its text files"
    )


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (
            "eeglab/eeglab_data.set",
            "sub-1_task-x_eeg.fdt with the samples of sub-1/eeg/sub-1_task-x_eeg.set "
            "does not exist",
        ),
        (
            "formats/testbva.vhdr",
            "testbva.dat with the samples of sub-1/eeg/sub-1_task-x_eeg.vhdr does not exist",
        ),
    ],
)
def test_a_missing_companion_is_named(shared, tmp_path, file, reason):
    files = {f"_eeg{Path(file).suffix}": shared / file}
    assert reason in refusal(*write_recording(tmp_path, files)).reason


def test_an_extension_in_capitals_is_read(shared, tmp_path):
    files = {"_eeg.EDF": shared / "formats/test.edf"}
    assert read_header(*write_recording(tmp_path, files)).n_times == 15360


def test_entities_in_another_order_are_read(shared, tmp_path):
    folder = tmp_path / "sub-1/eeg"
    folder.mkdir(parents=True)
    shutil.copy(shared / "formats/test.edf", folder / "sub-1_run-1_task-y_eeg.edf")
    dataset, _ = write_recording(tmp_path, {})
    recordings = find_recordings(dataset, SourceConfig())
    recording = next(recording for recording in recordings if recording.signal)
    assert read_header(dataset, recording).n_times == 15360
