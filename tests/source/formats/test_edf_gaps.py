"""Gaps between the data records of EDF+ and BDF+."""

from __future__ import annotations

import doctest
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from signal_files import EdfChannel, edf_bytes, read_microvolts, write_recording

from bids_dl.datamodel import IN_GAP
from bids_dl.errors import RecordingError
from bids_dl.source import read_event_rows, read_header, read_header_with_notes
from bids_dl.source.formats import edf_gaps
from bids_dl.source.formats.edf import read_edf_header
from bids_dl.source.formats.edf_gaps import find_gaps

RECORD_COUNTS = st.integers(1, 30)


def ramp(n_times: int) -> np.ndarray:
    return np.arange(n_times) % 2000 - 1000


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(edf_gaps).failed == 0


@given(st.lists(st.tuples(RECORD_COUNTS, st.integers(0, 5)), min_size=1, max_size=10))
def test_gaps_are_between_data_records_that_do_not_follow_each_other(runs):
    onsets: list[float] = []
    time = 0.0
    for count, pause in runs:
        onsets += [time + i for i in range(count)]
        time += count + pause
    gaps = find_gaps(onsets, 1.0, 0.001)
    n_before = list(accumulate(count for count, _ in runs))[:-1]
    expected = [
        (onset, pause) for onset, (_, pause) in zip(n_before, runs[:-1], strict=True) if pause
    ]
    assert [(gap.onset, gap.length) for gap in gaps] == expected


def test_overlapping_data_records_are_refused():
    message = r"data record 3 begins at 1\.5 s, before the end of the previous one \(2 s\)"
    with pytest.raises(RecordingError, match=message):
        find_gaps([0, 1, 1.5], 1.0, 0.001)


def test_a_real_edf_with_gaps_has_contiguous_samples_and_its_gaps_as_boundaries(shared, tmp_path):
    file = shared / "malformed/edfPlusD.edf"
    labels = [signal.label for signal in read_edf_header(file).recorded]
    table = "name\ttype\tunits\n" + "".join(f"{label}\tEEG\tuV\n" for label in labels)
    dataset, recording = write_recording(tmp_path, {"_eeg.edf": file}, channels=table)
    header = read_header(dataset, recording)
    assert (header.sfreq, header.n_times) == (200.0, 2200)
    assert header.boundaries == (1.0, 2.0, 8.0, 9.0, 10.0)
    names, signals = read_microvolts(dataset, recording)
    channel = names.index("sine 8 Hz")
    records = np.frombuffer(file.read_bytes()[3328:], "<i2").reshape(11, -1)
    digital = records[:, :2200].reshape(11, 11, 200)[:, channel].ravel()
    physical = digital * (2000 / 65535) + (-1000 + 32768 * 2000 / 65535)
    np.testing.assert_allclose(signals[channel], physical, atol=1e-6)


def test_a_gap_shorter_than_a_sample_is_rounding(tmp_path):
    onsets = [0, 1.0004, 2.0, 2.9996, 9]
    content = edf_bytes([EdfChannel("Cz", ramp(500))], onsets=onsets, reserved="EDF+D")
    dataset, recording = write_recording(tmp_path, {"_eeg.edf": content})
    assert read_header(dataset, recording).boundaries == (4.0,)


def test_an_edf_with_gaps_but_without_annotations_is_refused(tmp_path):
    content = edf_bytes([EdfChannel("Cz", ramp(300))], reserved="EDF+D")
    with pytest.raises(RecordingError, match="without annotations; the times of its gaps are"):
        read_header(*write_recording(tmp_path, {"_eeg.edf": content}))


def test_a_data_record_without_an_onset_is_refused_by_its_number(tmp_path):
    content = edf_bytes([EdfChannel("Cz", ramp(300))], onsets=[0, 1, 2], reserved="EDF+D")
    content = content.replace(b"+1\x14", b"x1\x14")
    with pytest.raises(RecordingError, match=r"data record 2 of an EDF\+D file does not state its"):
        read_header(*write_recording(tmp_path, {"_eeg.edf": content}))


@pytest.mark.parametrize("bdf", [False, True])
@pytest.mark.parametrize("reserved", ["+D", "+C", ""])
def test_a_gap_is_a_boundary_and_moves_events_even_if_it_is_not_declared(tmp_path, bdf, reserved):
    reserved = reserved and f"{'BDF' if bdf else 'EDF'}{reserved}"
    onsets = [0, 1, 2, 7.5, 8.5]
    content = edf_bytes([EdfChannel("Cz", ramp(500))], onsets=onsets, reserved=reserved, bdf=bdf)
    events = "onset\tduration\n2.5\t0\n5\t0\n8\t0\n"
    files = {"_eeg.bdf" if bdf else "_eeg.edf": content}
    dataset, recording = write_recording(tmp_path, files, events=events)
    report = read_header_with_notes(dataset, recording)
    assert report.header.boundaries == (3.0,)
    assert report.notes[0].startswith("1 gap of 4.5 s in total, the first at 3 s: no window")
    assert read_event_rows(dataset, recording).columns["onset"] == ("2.5", IN_GAP, "3.5")


@pytest.mark.parametrize(
    "onsets",
    [
        [0, 1.5, 3, 4.5, 6],  # another duration of every data record
        [0, 1, 1.5, 3, 9],  # overlapping data records
    ],
)
def test_onsets_that_are_no_pauses_are_ignored_if_the_file_declares_no_gaps(tmp_path, onsets):
    content = edf_bytes([EdfChannel("Cz", ramp(500))], onsets=onsets, reserved="EDF+C")
    dataset, recording = write_recording(tmp_path, {"_eeg.edf": content})
    assert read_header(dataset, recording).boundaries == ()
