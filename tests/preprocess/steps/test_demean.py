"""Means of channels."""

from __future__ import annotations

from fractions import Fraction

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess.recipe import Recipe
from bids_dl.preprocess.steps.demean import Demean


def test_each_brain_channel_loses_its_mean_and_nothing_else():
    signals = np.random.default_rng(0).standard_normal((3, 500)) * 1e-5 + [[0.04], [-0.02], [0.01]]
    raw = mne.io.RawArray(
        signals, mne.create_info(3, 100.0, ["eeg", "seeg", "eog"]), verbose="error"
    )
    made, [report] = Recipe("test", "", (Demean(),)).run(raw.copy())
    assert_allclose(
        made.get_data()[:2], signals[:2] - signals[:2].mean(1, keepdims=True), atol=1e-15
    )
    assert_array_equal(made.get_data()[2], signals[2])
    assert report.share == pytest.approx(2 / 3)


def test_a_recording_without_brain_channels_is_refused():
    with pytest.raises(
        RecordingError, match="demean: no EEG or intracranial channel; the recording has EOG1"
    ):
        Demean().output_spec(SignalSpec(("EOG1",), ("eog",), Fraction(100)))
