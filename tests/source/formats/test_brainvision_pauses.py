"""Pauses of BrainVision recordings by the dates of their New Segment markers."""

from __future__ import annotations

import doctest

import pytest
from signal_files import noise, vhdr_text, write_recording

from bids_dl.datamodel import IN_GAP
from bids_dl.source import read_event_rows, read_header, read_header_with_notes
from bids_dl.source.formats import brainvision_pauses
from bids_dl.source.formats.brainvision_pauses import read_markers

# 200 Hz: 1 s, then a pause of 4 s
PAUSED = (
    "Mk1=New Segment,,1,1,0,20240101120000000000",
    "Mk2=Stimulus,S  1,101,1,0",
    "Mk3=New Segment,,201,1,0,20240101120005000000",
    "Mk4=Stimulus,S  1,261,1,0",
    "Mk5=Stimulus,S  1,331,1,0",
)


def write_paused(root, markers, events, *, header=""):
    content = "Brain Vision Data Exchange Marker File, Version 1.0\n[Marker Infos]\n"
    text = vhdr_text(["Cz,,0.5,µV"], n_times=400, data="x.eeg", markers="x.vmrk")
    files = {
        "_eeg.vhdr": text.replace("SamplingInterval", f"{header}SamplingInterval"),
        "x.eeg": noise(1, 400).tobytes(),
        "x.vmrk": content + "\n".join(markers),
    }
    return write_recording(root, files, events=events)


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(brainvision_pauses).failed == 0


@pytest.mark.parametrize(
    ("onsets", "expected"),
    [
        (("0.5", "1.3", "1.65"), ("0.5", "1.3", "1.65")),  # samples of the file
        (("0.5", "5.3", "5.65"), ("0.5", "1.3", "1.65")),  # true time
        (("0.5", "3", "5.3"), ("0.5", IN_GAP, "1.3")),
        (("0.5", "1.0", "1.5"), ("0.5", "1.0", "1.5")),  # no marker tells
    ],
)
def test_onsets_after_a_pause_are_those_of_the_markers(tmp_path, onsets, expected):
    events = "onset\tduration\n" + "".join(f"{onset}\t0\n" for onset in onsets)
    dataset, recording = write_paused(tmp_path, PAUSED, events)
    assert read_event_rows(dataset, recording).columns["onset"] == expected
    report = read_header_with_notes(dataset, recording)
    assert report.header.boundaries == (1.0,)
    assert report.notes[0].startswith("1 pause of 4 s in total by the dates of New Segment, the")


@pytest.mark.parametrize(
    "date", ["", ",00000000000000000000", ",20240101120000500000", ",20240101120001000000"]
)
def test_segments_without_dates_that_overlap_or_that_follow_each_other_have_no_pause(
    tmp_path, date
):
    markers = [PAUSED[0], f"Mk3=New Segment,,201,1,0{date}", PAUSED[3]]
    events = "onset\tduration\n5.3\t0\n"
    dataset, recording = write_paused(tmp_path, markers, events)
    assert read_event_rows(dataset, recording).columns["onset"] == ("5.3",)
    report = read_header_with_notes(dataset, recording)
    assert report.header.boundaries == (1.0,)
    assert not any("pause" in note for note in report.notes)


def test_segments_of_one_length_are_boundaries_even_without_markers(tmp_path):
    header = "SegmentationType=MARKERBASED\nSegmentDataPoints=150\n"
    dataset, recording = write_paused(tmp_path, (), "onset\n0\n", header=header)
    assert read_header(dataset, recording).boundaries == (0.75, 1.5)


def test_lines_that_are_not_markers_are_skipped(tmp_path):
    path = tmp_path / "x.vmrk"
    path.write_text("Mk1=Comment\nMk2=Comment,x,y,1,0\n; Mk3=A,b,3,1,0\nMk4=A,b, 4 ,1,0\n")
    assert [(marker.kind, marker.sample) for marker in read_markers(path)] == [("A", 3)]
