"""Signals of planted sleep stages."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.signal import welch

from bids_dl.errors import ConfigError
from bids_dl.testing import make_dataset
from bids_dl.testing.design import make_design
from bids_dl.testing.sleep import EPOCH_SECONDS, STAGES, simulate_sleep

SFREQ = 100


def spectra(stage: str) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies, and the ratio of the power of a stage to that of pink noise."""
    [channel] = simulate_sleep([stage] * 20, 1, SFREQ, (0, 0, 0))
    freqs, power = welch(channel, SFREQ, nperseg=4 * SFREQ)
    return freqs, power * np.maximum(freqs, freqs[1])


@pytest.mark.parametrize("stage", STAGES)
def test_the_spectrum_of_a_stage_peaks_at_its_rhythm(stage):
    freqs, power = spectra(stage)
    assert freqs[power.argmax()] == pytest.approx(STAGES[stage].hz, rel=0.15)


@pytest.mark.parametrize(("stage", "low", "high"), [("W", 0.95, 1.0), ("N2", 0.2, 0.5)])
def test_spindles_are_in_bursts_and_other_rhythms_are_continuous(stage, low, high):
    [channel] = simulate_sleep([stage] * 10, 1, SFREQ, (1, 0, 0))
    peaks = np.abs(channel).reshape(-1, SFREQ // 2).max(axis=1)  # of each half second
    assert low <= np.mean(peaks > STAGES[stage].amplitude / 2) <= high


def test_equal_keys_give_equal_signals_and_channels_differ():
    first, second = simulate_sleep(["W", "N3"], 2, SFREQ, (0, 1, 0))
    again, _ = simulate_sleep(["W", "N3"], 2, SFREQ, (0, 1, 0))
    np.testing.assert_array_equal(first, again)
    assert np.abs(np.corrcoef(first, second)[0, 1]) < 0.5
    assert len(first) == 2 * EPOCH_SECONDS * SFREQ


def test_a_dataset_has_a_row_for_each_stage_and_its_hed(tmp_path):
    dataset = make_dataset(
        tmp_path, events="sleep", n_subjects=2, n_blocks=10, block_duration=60, sfreq=SFREQ
    )
    for recording in dataset.recordings:
        stages = [event.label for event in recording.events]
        assert sorted(stages[:5]) == sorted(stages[5:]) == sorted(STAGES)
        assert recording.signals().shape == (8, 600 * SFREQ)
    assert dataset.recordings[0].events != dataset.recordings[1].events
    sidecar = json.loads((tmp_path / "task-sleep_events.json").read_text())
    assert sidecar["trial_type"]["HED"]["N2"] == "Asleep, Label/Stage-N2"
    assert set(sidecar["trial_type"]["Levels"]) == set(STAGES)


def test_blocks_that_are_no_epochs_are_refused():
    with pytest.raises(ConfigError, match="sleep is scored in epochs of 30 s, got 10 s; use a m"):
        make_design({"events": "sleep"})
