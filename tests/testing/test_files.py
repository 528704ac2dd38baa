"""Signal files of synthetic datasets: formats, boundaries, long recordings and damage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from synthetic_files import read_bytes, read_recordings, read_with_mne_bids

from bids_dl.testing import make_dataset

SIGNAL_EXTENSIONS = {".edf", ".bdf", ".set", ".fdt", ".eeg", ".vmrk"}
LONG_RECORDING = """
import sys
from bids_dl.testing import make_dataset
make_dataset(
    sys.argv[1],
    n_subjects=1,
    format="brainvision",
    sfreq=1000,
    n_blocks=2,
    block_duration=600,
    template="biosemi64",
    ch_names=(),
)
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):
        print(int(line.split()[1]) * 1024)
"""


@pytest.mark.parametrize(
    ("file_format", "resolution"),
    [("edf", 0.05), ("bdf", 1e-3), ("brainvision", 1e-3), ("eeglab", 1e-4), ("eeglab-fdt", 1e-4)],
)
@pytest.mark.parametrize("sfreq", [100, 250, 512])
def test_mne_bids_reads_the_stated_content(tmp_path, file_format, resolution, sfreq):
    dataset = make_dataset(
        tmp_path, n_subjects=1, sfreq=sfreq, n_blocks=2, format=file_format, bads=("C3",)
    )
    signals, raw = read_with_mne_bids(dataset, dataset.recordings[0])
    assert raw.info["sfreq"] == sfreq
    assert raw.info["bads"] == ["C3"]
    assert tuple(raw.ch_names) == dataset.recordings[0].ch_names
    np.testing.assert_allclose(signals, dataset.recordings[0].signals(), atol=resolution)


@pytest.mark.parametrize("file_format", ["eeglab", "eeglab-fdt", "edf", "bdf"])
def test_boundaries_have_their_stated_times(tmp_path, file_format):
    dataset = make_dataset(
        tmp_path, n_subjects=1, sfreq=250, format=file_format, boundaries=(5.0, 12.2)
    )
    [(content, signals, header)] = read_recordings(dataset)
    # boundaries of EEGLAB are between two samples
    np.testing.assert_allclose(header.boundaries, (5.0, 12.2), atol=0.5 / 250 + 1e-9)
    np.testing.assert_allclose(signals, content.signals(), atol=0.05)


@pytest.mark.parametrize("file_format", ["eeglab", "eeglab-fdt"])
def test_eeglab_files_do_not_depend_on_the_time_of_writing(tmp_path, file_format, monkeypatch):
    design = {"n_subjects": 1, "n_blocks": 1, "format": file_format}
    first = make_dataset(tmp_path / "a", **design)
    monkeypatch.setattr("time.asctime", lambda: "another time")
    second = make_dataset(tmp_path / "b", **design)
    assert read_bytes(first) == read_bytes(second)


@pytest.mark.parametrize(
    ("file_format", "broken"),
    [
        ("edf", "truncated"),
        ("edf", "empty"),
        ("bdf", "pointer"),
        ("edf", "link"),
        ("brainvision", "truncated"),
        ("brainvision", "empty"),
        ("brainvision", "companion"),
        ("brainvision", "link"),
        ("eeglab", "truncated"),
        ("eeglab-fdt", "truncated"),
        ("eeglab-fdt", "companion"),
        ("eeglab-fdt", "pointer"),
    ],
)
def test_a_broken_file_is_not_read_completely_and_only_signal_files_are_damaged(
    tmp_path, file_format, broken
):
    design = {"n_subjects": 1, "n_blocks": 2, "format": file_format}
    damaged = make_dataset(tmp_path, **design, broken=broken)
    [(content, signals, _)] = read_recordings(damaged)
    if signals is not None and signals.shape[1] == content.n_times:
        assert not np.allclose(signals, content.signals(), atol=0.05)
    healthy_files = read_bytes(make_dataset(tmp_path / "healthy", **design))
    damaged_files = read_bytes(damaged)
    changed = []
    for name, file_content in healthy_files.items():
        if damaged_files.get(name) != file_content:
            changed.append(name)
    assert changed
    assert {name.suffix for name in changed} <= SIGNAL_EXTENSIONS


def test_a_recording_written_channel_by_channel_has_the_stated_content(tmp_path, monkeypatch):
    monkeypatch.setattr("bids_dl.testing.files.MAX_EXPORT_VALUES", 0)
    monkeypatch.setattr("bids_dl.testing.files.MAX_HELD_VALUES", 1000)
    dataset = make_dataset(tmp_path, n_subjects=1, sfreq=250, format="brainvision")
    [(content, signals, header)] = read_recordings(dataset)
    assert (header.sfreq, header.ch_names, header.n_times) == (250, content.ch_names, 10_000)
    np.testing.assert_allclose(signals, content.signals(), atol=1e-4)
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the peak of a process is read from /proc"
)
def test_a_long_recording_takes_little_memory(tmp_path):
    command = [sys.executable, "-c", LONG_RECORDING, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    n_values = 64 * 1000 * 1200
    # less than its samples as float64; written at once it takes three times as much
    assert int(run.stdout) < n_values * 8
    assert next(tmp_path.rglob("*.eeg")).stat().st_size == n_values * 4
