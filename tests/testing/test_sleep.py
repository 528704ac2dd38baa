"""Signals of planted sleep stages."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from scipy.signal import welch

from bids_dl.errors import ConfigError
from bids_dl.testing import make_dataset
from bids_dl.testing.design import make_design
from bids_dl.testing.sleep import EPOCH_SECONDS, NEXT_STAGE, STAGES, simulate_sleep

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


def test_the_stages_of_a_night_follow_one_another_and_are_unequally_frequent(tmp_path):
    dataset = make_dataset(
        tmp_path,
        events="night",
        n_subjects=2,
        n_blocks=400,
        block_duration=30,
        sfreq=64,
        ch_names=("Fpz", "Oz"),
        format="brainvision",
    )
    for recording in dataset.recordings:
        stages = [event.label for event in recording.events]
        assert stages[0] == "W"
        followers = set(pairwise(stages))
        assert followers <= {(stage, after) for stage in STAGES for after in NEXT_STAGE[stage]}
        assert max(STAGES, key=stages.count) == "N2"
        assert stages.count("N2") > 3 * stages.count("N1")
    assert dataset.recordings[0].path == "sub-001/eeg/sub-001_task-sleep_run-1"


def test_the_probabilities_of_the_next_stage_sum_to_one():
    for following in NEXT_STAGE.values():
        assert sum(following.values()) == pytest.approx(1)


def test_the_same_share_of_the_epochs_is_unclear_in_all_channels():
    shape = (2, 200, EPOCH_SECONDS * SFREQ)  # channels, epochs, samples
    stages = ["N3"] * 200
    all_clear = np.reshape(list(simulate_sleep(stages, 2, SFREQ, (0, 0, 0))), shape)
    some = np.reshape(list(simulate_sleep(stages, 2, SFREQ, (0, 0, 0), unclear=0.25)), shape)
    is_unclear = (all_clear != some).any(axis=2)
    np.testing.assert_array_equal(is_unclear[0], is_unclear[1])
    assert 0.15 <= is_unclear.mean() <= 0.35
