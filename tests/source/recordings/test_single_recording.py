"""Temporary dataset of one recording."""

from __future__ import annotations

import json
from pathlib import Path

from signal_files import write_recording

from bids_dl.source.formats.signal_info import SignalInfo
from bids_dl.source.recordings.single_recording import link_recording


def test_signal_companions_and_positions_are_linked_and_tables_are_not(tmp_path):
    files = {
        "_eeg.set": b"set",
        "_eeg.fdt": b"fdt",
        "_channels.tsv": "name\nCz\n",
        "_electrodes.tsv": "name\tx\ty\tz\n",
    }
    dataset, recording = write_recording(tmp_path / "bids", files)
    folder = tmp_path / "single"
    folder.mkdir()
    info = SignalInfo(companions={"old name.fdt": "sub-1/eeg/sub-1_task-x_eeg.fdt"})
    linked = link_recording(dataset, recording, info, {"TaskName": "x"}, folder)
    assert {file.name for file in linked.signal.parent.iterdir()} == {
        "sub-1_task-x_eeg.set",
        "sub-1_task-x_eeg.fdt",
        "sub-1_task-x_eeg.json",
        "sub-1_task-x_electrodes.tsv",
    }
    assert linked.signal.read_bytes() == b"set"
    assert json.loads(linked.signal.with_suffix(".json").read_text()) == {"TaskName": "x"}


def test_markers_are_reduced_to_ascii(tmp_path):
    files = {"_eeg.vhdr": b"header", "_eeg.vmrk": "Mk2=Comment,Müde".encode("latin-1")}
    dataset, recording = write_recording(tmp_path / "bids", files)
    folder = tmp_path / "single"
    folder.mkdir()
    info = SignalInfo(companions={"x.vmrk": "sub-1/eeg/sub-1_task-x_eeg.vmrk"})
    linked = link_recording(dataset, recording, info, {}, folder)
    assert (linked.signal.parent / "x.vmrk").read_text() == "Mk2=Comment,M?de"


def test_files_are_copied_on_a_file_system_without_links(tmp_path, monkeypatch):
    def refuse(self, target, target_is_directory=False):
        raise OSError("links are not supported")

    dataset, recording = write_recording(tmp_path / "bids", {"_eeg.edf": b"edf"})
    folder = tmp_path / "single"
    folder.mkdir()
    monkeypatch.setattr(Path, "symlink_to", refuse)
    linked = link_recording(dataset, recording, SignalInfo(), {}, folder)
    assert not linked.signal.is_symlink()
    assert linked.signal.read_bytes() == b"edf"
