"""Headers that are read without MNE are equal to those that MNE reads, or are left to MNE."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from every_format import write_every_format
from hypothesis import given, settings
from hypothesis import strategies as st
from signal_files import EdfChannel, edf_bytes, vhdr_text, write_recording

from bids_dl.config.stages import SourceConfig
from bids_dl.errors import RecordingError, SourceError
from bids_dl.source import find_recordings, open_dataset, signal

WALK = np.round(np.random.default_rng(0).normal(scale=30, size=(3, 400)))
TEXTS = st.sampled_from(
    [
        *("", "0", "1", "-1", "100", "1,5", "nan", "inf", "1e3", "x", "\xb5V", "uV", "UV", "mV"),
        *("Cz", "cz", "Status", "STATUS", "trigger", "auto", "EDF Annotations", "EEG Fz-Ref"),
        *("X F 02-MAY-1951 Haagse_Harry", "X M X X hand=1=2", "X M X X weight=x", "99.99.99"),
        *("Startdate 02-MAR-2002 PSG X X", "HP:0.1Hz LP:75Hz", "HP:DC", "LP:.", "EDF+C", "EDF+D"),
    ]
)
# Position of a field of the fixed part, and its size
FIXED_FIELDS = st.sampled_from(
    [(0, 8), (8, 80), (88, 80), (168, 8), (176, 8), (184, 8), (192, 44), (236, 8), (244, 8)]
)
SIGNAL_FIELDS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
COMMENT = """
[Comment]

A m p l i f i e r  S e t u p
============================
Number of channels: 3
Sampling Rate [Hz]: 200

Channels
--------
#     Name      Phys. Chn.    Resolution / Unit   Low Cutoff [s]   High Cutoff [Hz]   Notch [Hz]
1     Fp1         1                0.5 µV             10             1000              Off
2     Fz          2                0.5 µV             10             1000              Off
3     Resp        3                0.5 µV             10             1000              Off

S o f t w a r e  F i l t e r s
==============================
Disabled

Data Electrodes Selected Impedance Measurement Range: 0 - 100 kOhm
Reference Electrode Selected Impedance Measurement Range: 0 - 10 kOhm
Impedance [kOhm] at 16:12:27 :
Fp1:          3
Fz:         Out of Range!
"""
MARKERS = """Brain Vision Data Exchange Marker File, Version 1.0

[Common Infos]
Codepage=UTF-8
DataFile=x.eeg

[Marker Infos]
Mk1=New Segment,,1,1,0,20131113161403794232
Mk2=Stimulus,S 1,50,1,0
Mk3=New Segment,,200,1,0,20131113161503794232
Mk4=Comment,boundary,301,1,0
"""
LINES = st.sampled_from(
    [
        *("", "[Coordinates]", "[Comment]", "Codepage=ANSI", "Codepage=x", "[Channel Infos]"),
        *("Ch1=Fp1,,0.5,µV", "Ch1=Fz,,0.5,V", "Ch4=Cz,,1,µV", "Ch2=Fz,,,", "Ch3=VEOGb,,1,C"),
        *("DataOrientation=VECTORIZED", "DataFormat=ASCII", "BinaryFormat=INT_16", "DataPoints=x"),
        *("SamplingInterval=0", "SamplingInterval=1000", "NumberOfChannels=2", "MarkerFile=y.vmrk"),
        *("Channels", "#     Low Cutoff [s]   High Cutoff [Hz]", "1     Fp1    1   0.5 µV   0  x"),
        *("Impedance [kOhm] at x :", "Impedance [kOhm] at 25:00:00 :", "; comment", "x"),
        *("Mk5=New Segment,,20,1,20200101000000000000", "Mk1=Stimulus,S\\11,x,1,0", "Mk2=a,b,3"),
        *("Mk1=New Segment,,1,1,0,99999999999999999999", "Mk6=Stimulus,New Segment,9000,1,0"),
        *("Mk7=BAD boundary,x,100,1,0", "[Marker infos]", "Mk8=Event,-99/x,120,1,0"),
    ]
)


def outcome_of_mne(dataset, recording):
    """Return the header that MNE reads with its notes, or None if that is an error."""
    try:
        return signal._read_header_with_mne(dataset, recording)
    except (RecordingError, SourceError):
        return None


def check_equal(dataset, recording):
    """Check that a header that is read without MNE is the one of MNE, and return it."""
    plain = signal._read_plain_header(dataset, recording)
    if plain is not None:
        assert plain == outcome_of_mne(dataset, recording)
    return plain


def replace_field(content: bytes, start: int, size: int, text: str) -> bytes:
    field = text.encode("latin-1")[:size].ljust(size)
    return content[:start] + field + content[start + size :]


@settings(max_examples=150)
@given(st.lists(st.tuples(FIXED_FIELDS, TEXTS), max_size=2), st.data())
def test_an_edf_with_any_field_in_its_header_has_the_header_of_mne(changes, data):
    is_bdf = data.draw(st.booleans())
    onsets = data.draw(st.sampled_from([None, [0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 5.0, 6.0]]))
    channels = [
        EdfChannel(f"EEG {n}", row) for n, row in zip(("Fp1", "Cz", "Oz"), WALK, strict=True)
    ]
    content = edf_bytes(channels, onsets=onsets, bdf=is_bdf)
    for (start, size), text in changes:
        content = replace_field(content, start, size, text)
    n_signals = 3 + (onsets is not None)
    for number in range(data.draw(st.integers(0, 2))):
        column = data.draw(st.integers(0, len(SIGNAL_FIELDS) - 1), label=f"column {number}")
        row = data.draw(st.integers(0, n_signals - 1))
        start = 256 + n_signals * sum(SIGNAL_FIELDS[:column]) + row * SIGNAL_FIELDS[column]
        content = replace_field(content, start, SIGNAL_FIELDS[column], data.draw(TEXTS))
    annotation = data.draw(st.sampled_from([b"", b"+1\x14boundary\x14\x00", b"+1\x142\x14\x00"]))
    content = content[: len(content) - len(annotation)] + annotation
    table = data.draw(st.sampled_from(["", "name\ttype\nCz\tEEG\nOz\tEOG\nFp1\tn/a\n"]))
    with tempfile.TemporaryDirectory() as folder:
        ending = "_eeg.bdf" if is_bdf else "_eeg.edf"
        check_equal(*write_recording(Path(folder), {ending: content}, channels=table))


@settings(max_examples=150)
@given(st.data())
def test_a_brainvision_recording_with_any_line_has_the_header_of_mne(data):
    channels = ("Fp1,,0.5,µV", "Fz,,0.5,µV", "Resp,,1,°C")
    header = vhdr_text(channels, n_times=400, data="x.eeg", markers="x.vmrk")
    texts = [header + data.draw(st.sampled_from(["", COMMENT])), MARKERS]
    for _ in range(data.draw(st.integers(0, 3))):
        number = data.draw(st.integers(0, 1))
        lines = texts[number].split("\n")
        place = data.draw(st.integers(0, len(lines) - 1))
        is_added = data.draw(st.booleans())
        lines[place : place + (not is_added)] = [data.draw(LINES)]
        texts[number] = "\n".join(lines)
    encoding = data.draw(st.sampled_from(["utf-8", "latin-1"]))
    ends = data.draw(st.sampled_from(["\n", "\r\n"]))
    files = {
        "_eeg.vhdr": texts[0].replace("\n", ends).encode(encoding),
        "x.vmrk": texts[1].replace("\n", ends).encode(encoding),
        "x.eeg": WALK.T.astype("<f4").tobytes(),
    }
    with tempfile.TemporaryDirectory() as folder:
        check_equal(*write_recording(Path(folder), files))


def test_usual_files_are_read_without_mne(tmp_path):
    channels = [EdfChannel(name, row) for name, row in zip(("Fp1", "Cz", "Oz"), WALK, strict=True)]
    onsets = [0.0, 1.0, 2.0, 3.0]
    header = vhdr_text(["Fp1,,0.5,µV", "Fz,,0.5,µV", "Resp,,1,°C"], n_times=400, data="x.eeg")
    brainvision = {
        "_eeg.vhdr": header.replace("MarkerFile=", "MarkerFile=x.vmrk") + COMMENT,
        "x.vmrk": MARKERS.replace("\n", "\r\n"),
        "x.eeg": WALK.T.astype("<f4").tobytes(),
    }
    for number, files in enumerate(
        (
            {"_eeg.edf": edf_bytes(channels)},
            {"_eeg.edf": edf_bytes(channels, onsets=onsets, reserved="EDF+C")},
            {"_eeg.bdf": edf_bytes(channels, bdf=True)},
            brainvision,
        )
    ):
        report = check_equal(*write_recording(tmp_path / str(number), files))
        assert report is not None, f"file {number} is read with MNE"
        assert report.header.n_times == 400
    assert report.header.boundaries == (0.995, 1.5)


def test_real_and_written_files_of_all_formats_have_the_header_of_mne(tmp_path, eegbci):
    n_plain = 0
    for root in (write_every_format(tmp_path / "formats", n_seconds=20), eegbci):
        dataset = open_dataset(str(root))
        for recording in find_recordings(dataset, SourceConfig()):
            n_plain += check_equal(dataset, recording) is not None
    assert n_plain >= 8 + 4  # of the sample, and EDF, BDF and BrainVision of the others


def test_files_that_others_wrote_have_the_header_of_mne(shared):
    n_plain = 0
    for name in ("eegmat", "eegbci", "ieeg_mnehfo", "eeglab/BIDS_test"):
        dataset = open_dataset(str(shared / name))
        for recording in find_recordings(dataset, SourceConfig()):
            n_plain += check_equal(dataset, recording) is not None
    assert n_plain > 50


@pytest.mark.parametrize("folder", ["formats", "malformed", "psg"])
def test_single_and_malformed_files_have_the_header_of_mne(shared, folder, tmp_path):
    for file in sorted((shared / folder).iterdir()):
        if file.suffix in {".edf", ".bdf", ".vhdr"}:
            files = {f"_eeg{file.suffix}": file}
            if file.suffix == ".vhdr":
                companions = [file.with_suffix(ending) for ending in (".dat", ".vmrk")]
                files |= {path.name: path for path in companions}
            check_equal(*write_recording(tmp_path / file.stem / file.suffix[1:], files))


def test_a_header_with_a_field_that_stops_mne_is_refused_with_the_error_of_mne(tmp_path):
    content = edf_bytes([EdfChannel("Cz", WALK[0])])
    content = replace_field(content, 8, 80, "X M X X hand=1=2")
    dataset, recording = write_recording(tmp_path, {"_eeg.edf": content})
    with pytest.raises(RecordingError, match=re.escape("MNE cannot open the file")):
        signal.read_header_with_notes(dataset, recording)
