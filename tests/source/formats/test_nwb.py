"""NWB files: scaling, times, gaps and names of an ElectricalSeries."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from nwb_files import NAMES, write_nwb

from bids_dl.config.stages import SourceConfig
from bids_dl.datamodel import IN_GAP
from bids_dl.errors import RecordingError
from bids_dl.source import (
    find_recordings,
    open_dataset,
    open_raw,
    read_event_rows,
    read_header,
    read_header_with_notes,
)
from bids_dl.source.formats import nwb, raw_nwb
from bids_dl.source.gaps import Gap

STORED = np.random.default_rng(0).integers(-1000, 1000, (1000, 3)).astype(np.int16)
STEM = "sub-1/ieeg/sub-1_task-x"


def inspect(path) -> nwb.NwbSignal:
    return nwb.inspect_nwb(path, "x.nwb")


def as_dataset(root, stored=STORED, *, events="onset\tduration\n0\tn/a\n", channels="", **series):
    folder = root / "sub-1/ieeg"
    folder.mkdir(parents=True)
    (root / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    (root / f"{STEM}_events.tsv").write_text(events)
    if channels:
        (root / f"{STEM}_channels.tsv").write_text(channels)
    write_nwb(root / f"{STEM}_ieeg.nwb", stored, **series)
    dataset = open_dataset(str(root))
    return dataset, find_recordings(dataset, SourceConfig())[0]


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(nwb).failed == 0


@pytest.mark.parametrize(
    ("scaling", "volts"),
    [
        ({}, STORED * 1e-6),
        ({"conversion": 2.5e-7, "offset": 0.001}, STORED * 2.5e-7 + 0.001),
        ({"channel_conversion": [1.0, 2.0, 0.5]}, STORED * 1e-6 * [1.0, 2.0, 0.5]),
    ],
)
def test_samples_are_scaled_to_volts(tmp_path, scaling, volts):
    dataset, recording = as_dataset(tmp_path, **scaling)
    with open_raw(dataset, recording) as raw:
        np.testing.assert_allclose(raw.get_data(), volts.T, rtol=1e-6)
        part = raw.copy().crop(2.0, 3.0, include_tmax=False).pick(["EKG1"]).load_data().get_data()
    np.testing.assert_allclose(part, volts.T[2:, 200:300], rtol=1e-6)


def test_a_long_recording_is_read_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(raw_nwb, "VALUES_AT_ONCE", 100)
    dataset, recording = as_dataset(tmp_path)
    with open_raw(dataset, recording) as raw:
        np.testing.assert_allclose(raw.get_data(), STORED.T * 1e-6, rtol=1e-6)


def test_names_types_and_rate_are_read(tmp_path):
    report = read_header_with_notes(*as_dataset(tmp_path, rate=512.0))
    assert (report.header.ch_names, report.header.sfreq) == (NAMES, 512.0)
    assert report.header.ch_types == ("seeg", "seeg", "ecg")
    assert report.notes == ("EKG1 (ecg): no type given, not brain signal because of their names",)


def test_types_of_channels_tsv_are_used(tmp_path):
    table = "name\ttype\tunits\nEKG1\tECG\tV\nLA1\tECOG\tV\nLA2\tECOG\tV\n"
    header = read_header(*as_dataset(tmp_path, channels=table))
    assert header.ch_names == ("EKG1", "LA1", "LA2")
    assert header.ch_types == ("ecg", "ecog", "ecog")


def test_repeated_names_are_numbered(tmp_path):
    signal = inspect(write_nwb(tmp_path / "x.nwb", STORED, names=("LA1", "LA1", "LA2")))
    assert signal.ch_names == ("LA1-0", "LA1-1", "LA2")


def test_onsets_count_from_the_first_sample_whatever_the_start_time(tmp_path):
    events = "onset\tduration\n1.5\t1\n"
    dataset, recording = as_dataset(tmp_path, events=events, starting_time=20.0)
    assert read_event_rows(dataset, recording).columns["onset"] == ("1.5",)
    notes = read_header_with_notes(dataset, recording).notes
    assert notes[0].startswith("voltage0 begins 20 s after the reference time of the file")


@pytest.mark.parametrize("start", [0.0, 7.25])
def test_a_gap_of_the_timestamps_is_a_boundary_and_moves_events(tmp_path, start):
    times = np.arange(1000) / 100
    times[400:] += 2.5
    events = "onset\tduration\n3\t0.5\n5\t0.5\n8\t0.5\n"
    dataset, recording = as_dataset(tmp_path, events=events, timestamps=times + start)
    header = read_header(dataset, recording)
    assert (header.sfreq, header.n_times, header.boundaries) == (100.0, 1000, (4.0,))
    assert read_event_rows(dataset, recording).columns["onset"] == ("3", IN_GAP, "5.5")


@pytest.mark.parametrize("sfreq", [256.0, 999.41, 30000.0, 24414.0625])
def test_rounded_timestamps_give_the_exact_rate_and_gaps(tmp_path, sfreq):
    times = np.arange(1000) / sfreq
    times[300:] += 1.0
    signal = inspect(write_nwb(tmp_path / "x.nwb", STORED, timestamps=np.round(times, 7)))
    assert signal.sfreq == pytest.approx(sfreq, rel=1e-5)
    assert [gap.onset * signal.sfreq for gap in signal.gaps] == [pytest.approx(300)]
    assert signal.gaps[0].length == pytest.approx(1.0, abs=1e-6)


def test_a_gap_between_two_pieces_of_timestamps_is_found():
    pieces = [np.array([0.0, 0.1]), np.array([3.2, 3.3]), np.array([3.4])]
    segments = nwb.find_segments(pieces, 0.1, "x.nwb")
    (gap,) = nwb.gaps_between(segments, 10.0)
    assert (gap.onset, gap.length) == (0.2, pytest.approx(3.0))
    assert isinstance(gap, Gap)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda times: np.r_[times[:500], times[400:900]], "sample 500 is not after the one"),
        (lambda times: np.where(times == 2.0, np.nan, times), "sample 200 is not after the one"),
        (np.zeros_like, "the timestamps of voltage0 do not increase"),
    ],
)
def test_timestamps_that_do_not_increase_are_refused(tmp_path, change, reason):
    path = write_nwb(tmp_path / "x.nwb", STORED, timestamps=change(np.arange(1000) / 100))
    with pytest.raises(RecordingError, match=f"^header: x.nwb: .*{reason}"):
        inspect(path)


def test_an_acquired_series_takes_precedence_and_others_are_noted(tmp_path):
    path = write_nwb(tmp_path / "x.nwb", STORED, with_lfp=True, with_audio=True)
    assert inspect(path).notes == ("only the ElectricalSeries voltage0 is read, not audio, lfp",)


def test_a_computed_series_is_read_if_none_was_acquired(tmp_path):
    path = write_nwb(tmp_path / "x.nwb", STORED, n_series=0, with_lfp=True)
    assert inspect(path).data_path == "/processing/ecephys/LFP/lfp/data"


@pytest.mark.parametrize(("n_series", "found"), [(0, "0 .*none"), (2, "2 .*voltage0, voltage1")])
def test_a_file_without_one_series_is_refused(tmp_path, n_series, found):
    path = write_nwb(tmp_path / "x.nwb", STORED, n_series=n_series)
    with pytest.raises(RecordingError, match=f"^header: x.nwb has {found}.*, expected one"):
        inspect(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"some text", "is not an NWB file"), (nwb.HDF5_SIGNATURE + b"x" * 99, "may be damaged")],
)
def test_a_damaged_file_is_refused(tmp_path, content, reason):
    path = tmp_path / "x.nwb"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=f"^header: x.nwb .*{reason}") as refused:
        inspect(path)
    assert str(tmp_path) not in refused.value.reason
