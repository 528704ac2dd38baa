"""FIF files: those that are not recordings, and boundaries."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from signal_files import noise, refusal, write_recording

from bids_dl.source import read_header

INFO = mne.create_info(["Cz", "Pz"], 100.0, "eeg")


def save_epochs(path):
    raw = mne.io.RawArray(noise(2) * 1e-6, INFO, verbose="error")
    mne.make_fixed_length_epochs(raw, 1.0, verbose="error").save(path, verbose="error")


def save_average(path):
    mne.write_evokeds(path, mne.EvokedArray(np.zeros((2, 100)), INFO), verbose="error")


def save_events(path):
    mne.write_events(path, np.array([[1, 0, 1]]), verbose="error")


@pytest.mark.parametrize(
    ("save", "name", "content"),
    [
        (save_epochs, "x-epo.fif", "contains epochs"),
        (save_average, "x-ave.fif", "contains an average (evoked)"),
        (save_events, "x-eve.fif", "contains events"),
    ],
)
def test_a_fif_without_continuous_data_is_refused_by_its_content(tmp_path, save, name, content):
    save(tmp_path / name)
    failure = refusal(*write_recording(tmp_path / "bids", {"_eeg.fif": tmp_path / name}))
    assert failure.stage == "header"
    assert f"sub-1_task-x_eeg.fif {content}; only continuous" in failure.reason


def test_joined_recordings_have_a_boundary(tmp_path):
    parts = [mne.io.RawArray(noise(2) * 1e-6, INFO, verbose="error") for _ in range(2)]
    raw = mne.concatenate_raws(parts, verbose="error")
    raw.save(tmp_path / "x_raw.fif", verbose="error")
    files = {"_eeg.fif": tmp_path / "x_raw.fif"}
    header = read_header(*write_recording(tmp_path / "bids", files))
    assert (header.n_times, header.boundaries) == (1000, (5.0,))
