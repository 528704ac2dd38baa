"""Removal of the mean of each channel."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from step_runs import make_raw, run_step

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess.steps.demean import Demean


def test_the_mean_of_each_brain_channel_is_subtracted_and_nothing_else():
    signals = np.random.default_rng(0).standard_normal((3, 500)) * 1e-5 + [[0.04], [-0.02], [0.01]]
    raw = make_raw(signals, 100.0, ["eeg", "seeg", "eog"])
    demeaned, report = run_step(raw, Demean())
    expected = signals[:2] - signals[:2].mean(1, keepdims=True)
    assert_allclose(demeaned.get_data()[:2], expected, atol=1e-15)
    assert_array_equal(demeaned.get_data()[2], signals[2])
    assert report.share == pytest.approx(2 / 3)


def test_a_signal_without_a_mean_is_flagged_as_unchanged():
    demeaned, report = run_step(make_raw(np.array([[1.0, -1.0]]), 100.0), Demean())
    assert_array_equal(demeaned.get_data(), [[1.0, -1.0]])
    assert (report.share, report.flag) == (0, "changed nothing")


def test_a_recording_without_brain_channels_is_refused():
    with pytest.raises(
        RecordingError, match="demean: no EEG or intracranial channel; the recording has EOG1"
    ):
        Demean().output_spec(SignalSpec(("EOG1",), ("eog",), Fraction(100)))
