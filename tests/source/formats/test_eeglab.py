"""EEGLAB: .set with and without .fdt, version 7.3, epochs and boundaries."""

from __future__ import annotations

import numpy as np
import pytest
from signal_files import (
    CONTINUOUS_SET,
    noise,
    read_microvolts,
    refusal,
    write_recording,
    write_set,
)

from bids_dl.source import read_header
from bids_dl.source.formats.eeglab import explain_error


def test_a_real_dataset_has_the_samples_of_its_fdt(shared, tmp_path):
    files = {
        "_eeg.set": shared / "eeglab/eeglab_data.set",
        "_eeg.fdt": shared / "eeglab/eeglab_data.fdt",
    }
    dataset, recording = write_recording(tmp_path, files)
    header = read_header(dataset, recording)
    assert (header.sfreq, header.n_times, len(header.ch_names)) == (128.0, 30504, 32)
    expected = np.fromfile(shared / "eeglab/eeglab_data.fdt", "<f4").reshape(-1, 32).T
    np.testing.assert_allclose(read_microvolts(dataset, recording)[1], expected, rtol=1e-6)


def test_samples_inside_a_set_are_in_microvolts(tmp_path):
    path = write_set(tmp_path / "x.set", noise())
    signals = read_microvolts(*write_recording(tmp_path / "bids", {"_eeg.set": path}))[1]
    assert np.abs(signals - noise()).max() < 1e-5


def test_boundaries_are_the_first_sample_after_the_cut(tmp_path):
    path = write_set(tmp_path / "x.set", noise(), boundaries=(0.5, 100.5, 301.0))
    header = read_header(*write_recording(tmp_path / "bids", {"_eeg.set": path}))
    assert header.boundaries == (1.0, 3.0)


def test_an_epoched_set_is_refused(tmp_path):
    path = write_set(tmp_path / "x.set", np.zeros((3, 500, 2)), trials=2.0)
    reason = refusal(*write_recording(tmp_path / "bids", {"_eeg.set": path})).reason
    assert "is epoched (The number of trials is 2)" in reason


def test_a_set_of_version_7_3_is_read(tmp_path):
    h5py = pytest.importorskip("h5py")
    pytest.importorskip("pymatreader")
    fields = {**CONTINUOUS_SET, "nbchan": 3.0, "pnts": 500.0}
    del fields["setname"]
    with h5py.File(tmp_path / "x.set", "w", userblock_size=512) as file:
        for name, value in fields.items():
            array = file.create_dataset(name, data=[[value]])
            array.attrs["MATLAB_class"] = np.bytes_("double")
        file.create_dataset("data", data=noise().T).attrs["MATLAB_class"] = np.bytes_("single")
        for name in ("chanlocs", "event"):
            empty = file.create_dataset(name, data=np.zeros(2, "u8"))
            empty.attrs["MATLAB_class"] = np.bytes_("struct")
            empty.attrs["MATLAB_empty"] = 1
    user_block = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    content = user_block + (tmp_path / "x.set").read_bytes()[128:]
    names, signals = read_microvolts(*write_recording(tmp_path / "bids", {"_eeg.set": content}))
    assert len(names) == 3
    np.testing.assert_allclose(signals, noise(), rtol=1e-6)


def test_a_set_of_version_7_3_without_its_reader_names_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr("bids_dl.source.formats.eeglab.find_spec", lambda _: None)
    content = b"MATLAB 7.3 MAT-file".ljust(512, b"\0") + b"\x89HDF\r\n\x1a\n"
    failure = refusal(*write_recording(tmp_path, {"_eeg.set": content}))
    assert failure.stage == "source"
    command = "run pip install 'pymatreader>="
    assert f"the package pymatreader is not installed; {command}" in failure.reason


def test_a_set_that_is_not_a_mat_file_is_refused_with_its_first_bytes(tmp_path):
    failure = refusal(*write_recording(tmp_path, {"_eeg.set": b"hello world"}))
    assert failure.stage == "header"
    assert "is not a MATLAB file: it begins with b'hello world'" in failure.reason


def test_a_truncated_fdt_is_refused_with_both_sizes(shared, tmp_path):
    content = (shared / "eeglab/eeglab_data.fdt").read_bytes()[:1_000_000]
    files = {"_eeg.set": shared / "eeglab/eeglab_data.set", "_eeg.fdt": content}
    reason = refusal(*write_recording(tmp_path, files)).reason
    expected = "has 1000000 bytes, its .set promises 3904512 (32 channels, 30504 samples)"
    assert expected in reason


@pytest.mark.parametrize(
    ("error", "explanation"),
    [
        (FileNotFoundError("x.fdt"), "a/x.fdt with the samples of a/x.set does not exist"),
        (KeyError("chanlocs"), "a/x.set is not an EEGLAB dataset, or is damaged (KeyError: "),
        (ValueError("a clear message"), ""),
    ],
)
def test_errors_of_mne_are_explained_unless_they_are_clear(error, explanation):
    text = explain_error(error, "a/x.set")
    assert text.startswith(explanation)
    assert bool(text) == bool(explanation)
