"""Structures of EEGLAB for the functions of eegprep."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from recipe_yaml import make_recording

from bids_dl.errors import RecordingError
from bids_dl.preprocess.eeglab import (
    good_eeg_channels,
    quiet_eegprep,
    read_microvolts,
    to_eeglab,
)
from bids_dl.preprocess.recipe import spec_of


def test_only_eeg_channels_that_are_not_marked_bad_are_good():
    raw = make_recording(n_times=10)
    raw.info["bads"] = ["Cz", "EOG1"]
    assert good_eeg_channels(raw, spec_of(raw)) == ["Fp1", "O1"]


def test_samples_are_a_copy_in_microvolts():
    raw = make_recording(n_times=10)
    signals = read_microvolts(raw, ["O1", "Fp1"], "asr")
    np.testing.assert_allclose(signals, raw.get_data(["O1", "Fp1"]) * 1e6)
    signals[:] = 0
    assert raw.get_data().all()


def test_no_channel_and_samples_that_are_not_finite_fail_the_step():
    raw = make_recording(n_times=10)
    with pytest.raises(RecordingError, match="asr: no EEG channel that is not marked bad"):
        read_microvolts(raw, [], "asr")
    raw._data[1, 3] = np.nan
    with pytest.raises(RecordingError, match="samples of Cz are not finite numbers") as failed:
        read_microvolts(raw, ["Fp1", "Cz"], "asr")
    assert failed.value.stage == "asr"


def test_the_x_axis_of_eeglab_points_to_the_nose():
    right_ear, nose = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]
    structure = to_eeglab(np.zeros((2, 5)), 128.0, np.array([right_ear, nose]))
    assert (structure["nbchan"], structure["pnts"], structure["srate"]) == (2, 5, 128.0)
    axes = [(place["X"], place["Y"], place["Z"]) for place in structure["chanlocs"]]
    assert axes == [(0.0, -1.0, 0.0), (1.0, 0.0, 0.0)]
    assert "chanlocs" not in to_eeglab(np.zeros((2, 5)), 128.0)


def test_the_log_of_eegprep_is_quiet_inside_the_context_only():
    log = logging.getLogger("eegprep")
    level = log.level
    with quiet_eegprep():
        assert not log.isEnabledFor(logging.CRITICAL)
    assert log.level == level
    with pytest.raises(ValueError, match="stop"), quiet_eegprep():
        raise ValueError("stop")
    assert log.level == level
