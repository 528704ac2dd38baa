"""Headers and signals of recordings through mne-bids."""

from __future__ import annotations

import errno
import os

import mne
import numpy as np
import pytest
from signal_files import EdfChannel, edf_bytes, noise, refusal, write_recording

from bids_dl.config.stages import SourceConfig
from bids_dl.errors import RecordingError
from bids_dl.source import (
    find_recordings,
    open_dataset,
    open_raw,
    read_header,
    read_header_with_notes,
)


def test_names_of_channels_tsv_replace_those_of_the_file(eegbci):
    dataset = open_dataset(str(eegbci))
    [recording] = find_recordings(dataset, SourceConfig(subject=("001",), run=("1",)))
    header = read_header(dataset, recording)
    assert (header.sfreq, header.n_times) == (160.0, 9760)
    assert {"Fc3", "O1", "O2"} <= set(header.ch_names)
    assert set(header.ch_types) == {"eeg"}


def test_the_signal_is_that_of_the_file_in_volts(eegbci):
    dataset = open_dataset(str(eegbci))
    [recording] = find_recordings(dataset, SourceConfig(subject=("002",), run=("2",)))
    expected = mne.io.read_raw_edf(eegbci / recording.signal, verbose="error").get_data()
    with open_raw(dataset, recording) as raw:
        np.testing.assert_array_equal(raw.get_data(), expected)


def test_every_recording_of_the_real_dataset_is_read_without_changing_a_unit(eegbci):
    dataset = open_dataset(str(eegbci))
    for recording in find_recordings(dataset, SourceConfig()):
        report = read_header_with_notes(dataset, recording)
        assert (report.header.sfreq, report.header.boundaries) == (160.0, ())
        assert not [note for note in report.notes if "10-05" not in note]


def test_a_damaged_file_is_refused_without_a_path_of_this_machine(eegbci_copy):
    (eegbci_copy / "sub-001/eeg/sub-001_task-motion_run-1_eeg.edf").write_bytes(b"not an EDF")
    dataset = open_dataset(str(eegbci_copy))
    failure = refusal(dataset, find_recordings(dataset, SourceConfig())[0])
    assert failure.stage == "header"
    assert str(eegbci_copy.parent) not in failure.reason


@pytest.mark.parametrize("folder", ["kept", "kept by John Smith", ".git/annex/objects/a1"])
@pytest.mark.parametrize("extension", [".edf", ".set", ".vhdr", ".fif"])
def test_a_reason_does_not_name_the_folder_that_links_lead_to(tmp_path, folder, extension):
    kept = tmp_path / folder / f"file{extension}"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"MATLAB 5.0 MAT-file".ljust(126) + b"IM" + b"not a recording" * 300)
    dataset, recording = write_recording(tmp_path / "bids", {f"_eeg{extension}": "x"})
    signal = dataset.root / recording.signal
    signal.unlink()
    signal.symlink_to(kept)
    reason = refusal(dataset, recording).reason
    assert "kept" not in reason
    assert "objects" not in reason
    assert str(tmp_path) not in reason


def test_an_error_while_a_recording_is_open_loses_the_paths_of_this_machine(eegbci):
    dataset = open_dataset(str(eegbci))
    recording = find_recordings(dataset, SourceConfig())[0]
    with pytest.raises(RecordingError) as failure, open_raw(dataset, recording) as raw:
        raise RecordingError("filter", f"{raw.filenames[0]} is too short", transient=True)
    assert failure.value.reason == f"{recording.signal} is too short"
    assert (failure.value.stage, failure.value.transient) == ("filter", True)


def test_an_error_of_mne_has_the_stage_of_the_caller(tmp_path):
    dataset, recording = write_recording(tmp_path, {"_eeg.fif": b"not a FIF file at all"})
    assert refusal(dataset, recording).stage == "header"
    message = r"^read: MNE cannot open the file, which may be damaged \(\w+: "
    with pytest.raises(RecordingError, match=message), open_raw(dataset, recording):
        pass


@pytest.mark.parametrize("table", ["", "participant_id\tage\nsub-001\n", "age\n3\n"])
def test_damaged_tables_of_participants_and_events_do_not_prevent_reading(eegbci_copy, table):
    (eegbci_copy / "participants.tsv").write_text(table)
    (eegbci_copy / "sub-001/eeg/sub-001_task-motion_run-1_events.tsv").write_text(
        "onset\tvalue\n0.0\tBASE1T0\nabc\n"
    )
    dataset = open_dataset(str(eegbci_copy))
    assert read_header(dataset, find_recordings(dataset, SourceConfig())[0]).n_times == 9760


def test_boundaries_are_those_of_the_signal_file(eegbci_copy):
    stem = eegbci_copy / "sub-001/eeg/sub-001_task-motion_run-1_eeg"
    raw = mne.io.read_raw_edf(stem.with_suffix(".edf"), preload=True, verbose="error")
    raw.pick(["Cz..", "O1.."])
    raw.set_annotations(mne.Annotations([20.5], [0.0], ["boundary"]))
    stem.with_suffix(".edf").unlink()
    raw.export(stem.with_suffix(".edf"), verbose="error")
    stem.with_name(stem.name.replace("_eeg", "_channels.tsv")).write_text(
        "name\ttype\tunits\nCz\tEEG\tuV\nO1\tEEG\tuV\n"
    )
    dataset = open_dataset(str(eegbci_copy))
    assert read_header(dataset, find_recordings(dataset, SourceConfig())[0]).boundaries == (20.5,)


def test_the_rate_of_the_file_is_used_if_the_sidecar_contradicts_it(shared, tmp_path):
    files = {"_eeg.edf": shared / "formats/test.edf"}
    sidecar = {"SamplingFrequency": 32}
    report = read_header_with_notes(*write_recording(tmp_path, files, sidecar=sidecar))
    assert report.header.sfreq == 256.0
    assert "eeg.json states 32 Hz, the file 256 Hz; the file's rate was used" in report.notes


def test_an_epoched_recording_is_refused_by_its_sidecar(tmp_path):
    files = {"_eeg.edf": edf_bytes([EdfChannel("Cz", np.arange(300))])}
    sidecar = {"RecordingType": "epoched"}
    failure = refusal(*write_recording(tmp_path, files, sidecar=sidecar))
    assert failure.stage == "source"
    assert "the recording is epoched (RecordingType)" in failure.reason


def test_unusable_positions_are_omitted_with_a_note(tmp_path):
    files = {
        "_eeg.edf": edf_bytes([EdfChannel("Cz", np.arange(300))]),
        "_electrodes.tsv": "name\tx\ty\tz\nCz\tzero\t0\t0.1\n",
        "_coordsystem.json": '{"EEGCoordinateSystem": "CapTrak", "EEGCoordinateUnits": "m"}',
    }
    report = read_header_with_notes(*write_recording(tmp_path, files))
    assert report.header.ch_names == ("Cz",)
    assert "electrodes.tsv or its coordsystem.json cannot be used" in report.notes[0]


def test_meg_channels_in_a_fif_of_the_eeg_folder_are_refused(tmp_path):
    info = mne.create_info(["MEG 0111", "Cz"], 100.0, ["mag", "eeg"])
    mne.io.RawArray(noise(2) * 1e-12, info, verbose="error").save(
        tmp_path / "x_raw.fif", verbose="error"
    )
    files = {"_eeg.fif": tmp_path / "x_raw.fif"}
    failure = refusal(*write_recording(tmp_path / "bids", files))
    assert "the file has MEG channels (mag); MEG is not supported" in failure.reason


def test_a_fif_with_samples_that_were_not_recorded_is_refused(tmp_path):
    raw = mne.io.RawArray(noise(1) * 1e-6, mne.create_info(["Cz"], 100.0, "eeg"), verbose="error")
    raw.set_annotations(mne.Annotations([1.0], [0.5], ["BAD_ACQ_SKIP"]))
    raw.save(tmp_path / "x_raw.fif", verbose="error")
    files = {"_eeg.fif": tmp_path / "x_raw.fif"}
    failure = refusal(*write_recording(tmp_path / "bids", files))
    assert "0.5 s at 1 s were not recorded (BAD_ACQ_SKIP)" in failure.reason


@pytest.mark.parametrize("label", ["NDAR-INV1", "A_1", "1.5", "José Ñ", "李"])
def test_a_recording_is_read_whatever_its_labels(tmp_path, label):
    files = {"_eeg.edf": edf_bytes([EdfChannel("Cz", np.arange(300))])}
    dataset, recording = write_recording(tmp_path, files)
    folder = dataset.root / f"sub-{label}" / "eeg"
    folder.mkdir(parents=True)
    name = f"sub-{label}_task-{label}_run-{label}_eeg.edf"
    (dataset.root / recording.signal).rename(folder / name)
    [recording] = find_recordings(open_dataset(str(dataset.root)), SourceConfig(subject=(label,)))
    assert recording.subject == recording.task == recording.run == label
    assert read_header(open_dataset(str(dataset.root)), recording).ch_names == ("Cz",)


@pytest.mark.parametrize(("number", "may_pass"), [(errno.ENOSPC, True), (errno.EINVAL, False)])
def test_an_error_of_the_machine_may_pass_and_one_of_the_file_does_not(
    eegbci, monkeypatch, number, may_pass
):
    def fail(*_arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("bids_dl.source.signal.inspect_file", fail)
    dataset = open_dataset(str(eegbci))
    recording = find_recordings(dataset, SourceConfig())[0]
    with pytest.raises(RecordingError) as failure:
        read_header(dataset, recording)
    assert failure.value.transient == may_pass
