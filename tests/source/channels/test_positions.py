"""Positions of electrodes are those that mne-bids reads, or are left to mne-bids."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import mne
import mne_bids.config
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signal_files import EdfChannel, edf_bytes, write_recording

from bids_dl.remote.scratch import scratch_folder
from bids_dl.source import mne_reading, open_raw, signal
from bids_dl.source.channels.positions import (
    FRAMES,
    METERS,
    Positions,
    _montage_in_head,
    read_positions,
    set_positions,
)
from bids_dl.source.recordings.single_recording import link_recording

NAMES = ("Fp1", "Cz", "Oz", "T7")
WALK = np.round(np.random.default_rng(0).normal(scale=30, size=(len(NAMES), 200)))
EDF = edf_bytes([EdfChannel(name, row) for name, row in zip(NAMES, WALK, strict=True)])
ROWS = ("-0.03\t0.09\t0", "0\t0\t0.12", "0\t-0.08\t0.01", "-0.08\t0\t0")
TABLE = "\n".join(f"{name}\t{row}" for name, row in zip(NAMES, ROWS, strict=True))
SYSTEM = {"EEGCoordinateSystem": "CapTrak", "EEGCoordinateUnits": "m"}
CELLS = st.sampled_from(["n/a", "", "x", "nan", "inf", "1e3", '"0"', " 0", "0 ", "N/A", "Fp1", "µ"])
VALUES = st.sampled_from(
    [*FRAMES, *METERS, "Other", "n/a", "", "MNI152Lin", "ScanRAS", 1, None, []]
)


def as_dataset(folder, table, system, *, space=""):
    files = {"_eeg.edf": EDF, f"sub-1_task-x{space}_electrodes.tsv": table}
    if system is not None:
        files[f"sub-1_task-x{space}_coordsystem.json"] = json.dumps(system)
    return write_recording(Path(folder), files)


def read_with_mne_bids(dataset, recording):
    """Return the channels of a recording as mne-bids sets them, and its notes."""
    inspected = signal._inspect(dataset, recording)
    with scratch_folder() as folder:
        linked = link_recording(dataset, recording, inspected.info, inspected.sidecar, folder)
        raw, notes = mne_reading.read_raw(linked, inspected.info, inspected.sidecar, None)
    return raw, notes


def check_equal(dataset, recording):
    """Check that positions are those of mne-bids, and return whether they are read without it."""
    raw, notes = read_with_mne_bids(dataset, recording)
    expected = np.array([channel["loc"] for channel in raw.info["chs"]])
    frames = [channel["coord_frame"] for channel in raw.info["chs"]]
    with open_raw(dataset, recording) as opened:
        found = np.array([channel["loc"] for channel in opened.info["chs"]])
        np.testing.assert_array_equal(found, expected)
        assert [channel["coord_frame"] for channel in opened.info["chs"]] == frames
        assert str(opened.info["dig"]) == str(raw.info["dig"])
    is_plain = read_positions(dataset, recording) is not None
    assert not (is_plain and notes)
    return is_plain


@pytest.mark.parametrize("frame", FRAMES)
def test_each_known_coordinate_system_is_read_without_mne_bids(tmp_path, frame):
    system = SYSTEM | {"EEGCoordinateSystem": frame}
    table = f"name\tx\ty\tz\n{TABLE}\n"
    assert check_equal(*as_dataset(tmp_path, table, system, space="_space-X"))


@pytest.mark.parametrize("frame", FRAMES)
def test_positions_are_set_without_output(capsys, frame):
    raw = mne.io.RawArray(np.zeros((1, 2)), mne.create_info(["Cz"], 100, "eeg"), verbose="error")
    positions = Positions(names=("Cz",), coordinates=((0.0, 0.01, 0.1),), frame=FRAMES[frame])
    _montage_in_head.cache_clear()
    with mne.utils.use_log_level("info"):
        set_positions(raw, positions)
    assert capsys.readouterr() == ("", "")


def test_the_coordinate_systems_have_the_frames_of_mne_bids():
    known = mne_bids.config.BIDS_TO_MNE_FRAMES
    assert {name: known[name] for name in FRAMES} == FRAMES
    assert set(FRAMES) <= set(mne_bids.config.ALLOWED_SPACES["eeg"])
    assert list(METERS) == mne_bids.config.BIDS_COORDINATE_UNITS


@settings(max_examples=60)
@given(st.data())
def test_any_table_gives_the_positions_of_mne_bids(data):
    lines = ["name\tx\ty\tz", *TABLE.split("\n")]
    for _ in range(data.draw(st.integers(0, 2))):
        number = data.draw(st.integers(0, len(lines) - 1))
        cells = lines[number].split("\t")
        cells[data.draw(st.integers(0, len(cells) - 1))] = data.draw(CELLS)
        lines[number] = "\t".join(cells)
    system = dict(SYSTEM)
    for name in data.draw(st.sets(st.sampled_from(list(SYSTEM)))):
        system[name] = data.draw(VALUES)
    ends = data.draw(st.sampled_from(["\n", "\r\n", "\n\n"]))
    with tempfile.TemporaryDirectory() as folder:
        check_equal(*as_dataset(folder, ends.join(lines) + ends, system))


def test_a_table_without_a_coordinate_system_or_with_another_name_is_left_to_mne_bids(tmp_path):
    table = f"name\tx\ty\tz\n{TABLE}\n"
    assert not check_equal(*as_dataset(tmp_path / "1", table, None))
    files = {"_eeg.edf": EDF, "task-x_electrodes.tsv": table, "task-x_coordsystem.json": "{}"}
    dataset, recording = write_recording(tmp_path / "2", files)
    assert not check_equal(dataset, recording)
