"""MEF3 sessions, read by pymef through MNE."""

from __future__ import annotations

import doctest
import shutil

import numpy as np
import pytest
from mef_files import continue_mef, write_mef

from bids_dl.config.stages import SourceConfig
from bids_dl.datamodel import IN_GAP
from bids_dl.errors import RecordingError
from bids_dl.source import (
    find_recordings,
    hash_source_files,
    open_dataset,
    open_raw,
    read_event_rows,
    read_header,
    read_header_with_notes,
)
from bids_dl.source.formats import mef
from bids_dl.source.formats.mef import MefBlock, find_gaps

STORED = np.random.default_rng(0).integers(-1000, 1000, (3, 2560))
STEM = "sub-1/ieeg/sub-1_task-x"


def as_dataset(root, names, *, channels="", **session):
    folder = root / "sub-1/ieeg"
    folder.mkdir(parents=True)
    (root / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    (root / f"{STEM}_events.tsv").write_text("onset\tduration\n0\tn/a\n")
    if channels:
        (root / f"{STEM}_channels.tsv").write_text(channels)
    write_mef(root / f"{STEM}_ieeg.mefd", dict(zip(names, STORED, strict=False)), **session)
    dataset = open_dataset(str(root))
    return dataset, find_recordings(dataset, SourceConfig())[0]


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(mef).failed == 0


def test_samples_are_those_that_were_written(tmp_path):
    names = ("LA1", "LA2", "EKG")
    dataset, recording = as_dataset(tmp_path, names)
    with open_raw(dataset, recording) as raw:
        np.testing.assert_allclose(raw.get_data(list(names)), STORED * 0.5e-6)
        part = raw.copy().crop(1.0, 2.0, include_tmax=False).pick(["LA2"]).load_data().get_data()
    np.testing.assert_allclose(part, STORED[1:2, 256:512] * 0.5e-6)


def test_names_tell_other_signals_from_the_default_of_the_format(tmp_path):
    report = read_header_with_notes(*as_dataset(tmp_path, ("LA1", "X", "EKG")))
    types = dict(zip(report.header.ch_names, report.header.ch_types, strict=True))
    assert types == {"LA1": "seeg", "X": "seeg", "EKG": "ecg"}
    assert report.header.sfreq == 256.0
    assert report.notes == (
        "LA1, X: no type given and no known name, sEEG by default of the file format",
        "EKG (ecg): no type given, not brain signal because of their names",
    )


def test_types_and_order_are_those_of_channels_tsv(tmp_path):
    table = "name\ttype\tunits\nLA2\tECOG\tuV\nLA1\tECOG\tuV\n"
    header = read_header(*as_dataset(tmp_path, ("LA1", "LA2"), channels=table))
    assert (header.ch_names, header.ch_types) == (("LA2", "LA1"), ("ecog", "ecog"))


def test_the_hash_of_a_session_covers_its_files(tmp_path):
    dataset, recording = as_dataset(tmp_path, ("LA1", "LA2"))
    before = hash_source_files(dataset, recording).digests
    file = next((tmp_path / f"{STEM}_ieeg.mefd").rglob("*.tdat"))
    file.write_bytes(file.read_bytes() + b"x")
    assert hash_source_files(dataset, recording).digests != before


def test_an_encrypted_session_is_refused_by_name(tmp_path):
    dataset, recording = as_dataset(tmp_path, ("LA1",), passwords=("one", "two"))
    with pytest.raises(RecordingError, match=r"_ieeg\.mefd is encrypted, which is not supported"):
        read_header(dataset, recording)


def paused(root, names, *, events, pauses):
    """Write a session whose channels pause after 1000 of 2560 samples, each for its own time."""
    dataset, recording = as_dataset(root, names)
    (root / recording.events).write_text(events)
    session = root / f"{STEM}_ieeg.mefd"
    shutil.rmtree(session)
    for name, samples, pause in zip(names, STORED, pauses, strict=False):
        write_mef(session, {name: samples[:1000]})
        continue_mef(session, {name: samples[1000:]}, start=1000 / 256 + pause)
    return dataset, recording


def test_a_pause_is_a_boundary_and_moves_events(tmp_path):
    events = "onset\tduration\n3\t0.5\n5\t0.5\n9.4\t0.5\n3\t7\n"
    dataset, recording = paused(tmp_path, ("LA1", "LA2"), events=events, pauses=(5.0, 5.0))
    report = read_header_with_notes(dataset, recording)
    assert (report.header.n_times, report.header.boundaries) == (2560, (1000 / 256,))
    assert report.notes[0].startswith("1 gap of 5 s in total, the first at 3.90625 s: no window")
    columns = read_event_rows(dataset, recording).columns
    assert columns["onset"] == ("3", IN_GAP, "4.4", "3")
    assert columns["duration"] == ("0.5", "0.5", "0.5", "2.0")
    with open_raw(dataset, recording) as raw:
        np.testing.assert_allclose(raw.get_data(["LA2"])[0], STORED[1] * 0.5e-6)


def test_a_continued_session_has_no_gap(tmp_path):
    dataset, recording = paused(tmp_path, ("LA1",), events="onset\n0\n", pauses=(0.0,))
    assert read_header(dataset, recording).boundaries == ()


def test_channels_with_different_pauses_are_refused(tmp_path):
    dataset, recording = paused(tmp_path, ("LA1", "LA2"), events="onset\n0\n", pauses=(5.0, 7.0))
    with pytest.raises(RecordingError, match=r"LA1 has 1 gap of 5 s.*LA2 has 1 gap of 7 s"):
        read_header(dataset, recording)


def test_channels_that_begin_at_different_times_are_refused(tmp_path):
    dataset, recording = as_dataset(tmp_path, ("LA1",))
    write_mef(tmp_path / f"{STEM}_ieeg.mefd", {"LA2": STORED[1]}, start=2.0)
    with pytest.raises(
        RecordingError, match=r"_ieeg\.mefd: LA2 begins 2 s after LA1; keep channels"
    ):
        read_header(dataset, recording)


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (MefBlock(100, 100, 0.5), "LA1: block 2 begins 0.5 s before the end of the previous one"),
        (MefBlock(150, 100, 1.0), "LA1: block 2 begins with sample 150, expected 100"),
    ],
)
def test_blocks_that_do_not_follow_each_other_are_refused(block, reason):
    with pytest.raises(RecordingError, match=reason):
        find_gaps([MefBlock(0, 100, 0.0), block], 100.0, "x.mefd: LA1")


def test_the_drift_of_a_clock_is_no_gap():
    blocks = [MefBlock(256 * i, 256, i * 1.0001) for i in range(3600)]
    assert find_gaps(blocks, 256.0, "x.mefd: LA1") == ()
