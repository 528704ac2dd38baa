"""One list of channels for all recordings."""

from __future__ import annotations

from fractions import Fraction

import mne
import numpy as np
import pytest

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess.recipe import Recipe
from bids_dl.preprocess.steps.harmonise import Harmonise


def test_a_recording_without_a_named_channel_fails():
    spec = SignalSpec(("O2", "O1", "CZ", "Pz"), ("eeg",) * 4, Fraction(250))
    assert Harmonise(channels=("O1", "cz")).output_spec(spec).ch_names == ("O1", "cz")
    with pytest.raises(RecordingError, match="no channel Fp1; the recording has O2") as failed:
        Harmonise(channels=("O1", "Fp1")).output_spec(spec)
    assert failed.value.stage == "channels"


def test_samples_follow_their_channels():
    raw = mne.io.RawArray(
        np.arange(8.0).reshape(4, 2),
        mne.create_info(["O2", "O1", "CZ", "Pz"], 250.0, "eeg"),
        verbose="error",
    )
    raw.info["bads"] = ["CZ"]
    harmonised, reports = Recipe("", "", (Harmonise(channels=("Cz", "O1")),)).run(raw)
    assert harmonised.ch_names == ["Cz", "O1"]
    np.testing.assert_array_equal(harmonised.get_data(), [[4, 5], [2, 3]])
    assert harmonised.info["bads"] == ["Cz"]
    assert reports[0].channels == ("O2", "Pz")
