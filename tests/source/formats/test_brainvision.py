"""BrainVision: header, units, markers, renamed and truncated files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from signal_files import noise, read_microvolts, refusal, vhdr_text, write_recording

from bids_dl.config.stages import SourceConfig
from bids_dl.errors import RecordingError
from bids_dl.source import (
    find_recordings,
    hash_source_files,
    open_dataset,
    read_header,
    read_header_with_notes,
)
from bids_dl.source.formats.brainvision import decode_text, read_vhdr


@pytest.mark.parametrize("renamed", [False, True])
def test_a_real_file_is_read_even_if_its_header_still_has_the_old_names(shared, tmp_path, renamed):
    formats = shared / "formats"
    data, markers = ("_eeg.eeg", "_eeg.vmrk") if renamed else ("testbva.dat", "testbva.vmrk")
    files = {
        "_eeg.vhdr": formats / "testbva.vhdr",
        data: formats / "testbva.dat",
        markers: formats / "testbva.vmrk",
    }
    dataset, recording = write_recording(tmp_path, files)
    expected = np.fromfile(formats / "testbva.dat", "<f4").reshape(-1, 32).T
    np.testing.assert_allclose(read_microvolts(dataset, recording)[1], expected, rtol=1e-6)
    extensions = {Path(file).suffix for file in hash_source_files(dataset, recording).digests}
    assert extensions >= {".vhdr", ".vmrk", Path(data).suffix}


def test_the_unit_of_a_real_ieeg_header_is_used_and_the_other_one_is_noted(shared):
    dataset = open_dataset(str(shared / "ieeg_mnehfo"))
    [recording] = find_recordings(dataset, SourceConfig())
    report = read_header_with_notes(dataset, recording)
    assert (report.header.sfreq, set(report.header.ch_types)) == (2000.0, {"ecog"})
    assert len(report.notes) == 1
    assert "channels.tsv has the unit V, the file µV" in report.notes[0]
    content = np.fromfile(dataset.root / recording.signal.replace(".vhdr", ".eeg"), "<f4")
    expected = content.reshape(-1, 50).T * 0.1
    np.testing.assert_allclose(read_microvolts(dataset, recording)[1], expected, rtol=1e-6)


def test_new_segments_are_boundaries_except_the_first(tmp_path):
    markers = (
        "Brain Vision Data Exchange Marker File, Version 1.0\n[Marker Infos]\n"
        "Mk1=New Segment,,1,1,0,20240101000000000000\n"
        "Mk2=Comment,M\u00fcde,50,1,0\nMk3=New Segment,,201,1,0\n"
    )
    header = vhdr_text(["Cz,,0.5,µV"], n_times=400, data="x.eeg", markers="x.vmrk")
    files = {
        "_eeg.vhdr": header,
        "x.eeg": noise(1, 400).tobytes(),
        "x.vmrk": markers.encode("latin-1"),
    }
    dataset, recording = write_recording(tmp_path, files)
    assert read_header(dataset, recording).boundaries == (1.0,)
    signals = read_microvolts(dataset, recording)[1]
    np.testing.assert_allclose(signals, noise(1, 400) * 0.5, rtol=1e-6)


def test_a_missing_marker_file_is_noted(tmp_path):
    header = vhdr_text(["Cz,,1,µV"], n_times=400, data="x.eeg", markers="x.vmrk")
    files = {"_eeg.vhdr": header, "x.eeg": noise(1, 400).tobytes()}
    notes = read_header_with_notes(*write_recording(tmp_path, files)).notes
    assert "x.vmrk with its markers does not exist: boundaries are unknown" in notes


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("µV", 1),
        ("uV", 1),
        ("UV", 1),
        ("μV", 1),
        ("mV", 1e3),
        ("MV", 1e3),
        ("nV", 1e-3),
        ("", 1),
        ("V", 1e6),
    ],
)
def test_units_are_read_in_every_spelling(tmp_path, unit, factor):
    files = {
        "_eeg.vhdr": vhdr_text([f"Cz,,0.5,{unit}"], n_times=400, data="x.eeg"),
        "x.eeg": noise(1, 400).tobytes(),
    }
    table = "name\ttype\tunits\nCz\tEEG\tn/a\n"
    signals = read_microvolts(*write_recording(tmp_path, files, channels=table))[1]
    np.testing.assert_allclose(signals, noise(1, 400) * 0.5 * factor, rtol=1e-6)


def test_a_truncated_file_ends_early_with_a_note(tmp_path):
    files = {
        "_eeg.vhdr": vhdr_text(["Cz,,1,µV", "Pz,,1,µV"], n_times=400, data="x.eeg"),
        "x.eeg": noise(2, 400).T.tobytes()[:2404],
    }
    report = read_header_with_notes(*write_recording(tmp_path, files))
    assert report.header.n_times == 300
    assert report.notes == (
        "sub-1/eeg/x.eeg has 300 samples and 4 bytes, its header promises 400 samples; "
        "300 were read",
        "Cz, Pz: no type given, EEG because of their 10-05 names",
    )


def test_a_truncated_file_stored_channel_by_channel_is_refused(tmp_path):
    header = vhdr_text(["Cz,,1,µV", "Pz,,1,µV"], n_times=400, data="x.eeg")
    header = header.replace("MULTIPLEXED", "VECTORIZED")
    files = {"_eeg.vhdr": header, "x.eeg": noise(2, 300).tobytes()}
    reason = refusal(*write_recording(tmp_path, files)).reason
    assert "has 2400 bytes, its header promises 3200" in reason


def test_samples_converted_as_text_are_refused(tmp_path):
    content = noise(2, 4000).T.tobytes()
    damaged = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    header = vhdr_text(["Cz,,1,µV", "Pz,,1,µV"], n_times=4000, data="x.eeg")
    files = {"_eeg.vhdr": header, "x.eeg": damaged}
    reason = refusal(*write_recording(tmp_path, files)).reason
    assert "corrupted in transfer (line ends were rewritten)" in reason


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("DataFile=x.eeg\n", "", "is damaged ('datafile')"),
        ("SamplingInterval=5000", "SamplingInterval=0", "SamplingInterval is not positive"),
        ("NumberOfChannels=1", "NumberOfChannels=one", "'one'"),
    ],
)
def test_an_incomplete_header_is_refused_with_the_entry(tmp_path, old, new, reason):
    path = tmp_path / "x.vhdr"
    text = vhdr_text(["Cz,,1,µV"], n_times=400, data="x.eeg")
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(RecordingError, match=r"x\.vhdr is not a BrainVision header") as failure:
        read_vhdr(path)
    assert reason in failure.value.reason


def test_a_header_that_names_a_file_in_another_folder_is_refused(tmp_path):
    header = vhdr_text(["Cz,,1,µV"], n_times=400, data="../x.eeg")
    reason = refusal(*write_recording(tmp_path, {"_eeg.vhdr": header})).reason
    assert "names the file '../x.eeg'; expected a file name without a folder" in reason


@pytest.mark.parametrize("content", ["a\r\nµ\rb\n".encode(), "\ufeffa\nµ\nb\n".encode()])
def test_text_is_decoded_without_byte_order_mark_and_with_one_kind_of_line_end(content):
    assert decode_text(content) == "a\nµ\nb\n"


def test_text_that_is_not_utf_8_is_decoded_as_latin_1():
    assert decode_text("Müde µV".encode("latin-1")) == "Müde µV"
