"""Notch filters against MNE."""

from __future__ import annotations

import numpy as np
import pytest
from step_runs import assert_signals_close, make_noise, make_raw, run_step

from bids_dl.errors import RecordingError
from bids_dl.preprocess.recipe import spec_of
from bids_dl.preprocess.steps.notch import Notch


def test_the_power_line_of_the_recording_and_its_multiples_are_removed():
    raw = make_noise(250.0, n_times=5000)
    raw.info["line_freq"] = 50.0
    filtered, report = run_step(raw, Notch())
    assert_signals_close(filtered, raw.copy().notch_filter([50, 100], verbose="error"))
    assert report.notes == ("notches at 50, 100 Hz",)


def test_a_notch_removes_its_frequency_and_no_other():
    times = np.arange(20000) / 500
    signals = np.array([np.sin(2 * np.pi * 60 * times), np.sin(2 * np.pi * 40 * times)]) * 1e-5
    filtered, _ = run_step(make_raw(signals, 500.0), Notch((60.0,)))
    middle = filtered.get_data()[:, 5000:-5000]
    assert np.abs(middle[0]).max() < 2e-3 * 1e-5
    np.testing.assert_allclose(middle[1], signals[1, 5000:-5000], atol=2e-8)


def test_a_power_line_at_the_nyquist_frequency_is_not_removed():
    raw = make_noise(100.0)
    raw.info["line_freq"] = 50.0
    filtered, report = run_step(raw, Notch())
    assert_signals_close(filtered, raw)
    assert (report.share, report.flag) == (0, "changed nothing")
    assert report.notes == ("the power line frequency is not below the Nyquist frequency",)


def test_an_unknown_power_line_is_refused():
    with pytest.raises(RecordingError, match="notch: the sidecar has no PowerLineFrequency; give"):
        run_step(make_noise(), Notch())


def test_a_notch_above_the_nyquist_frequency_is_refused_by_the_plan():
    message = "a notch at 60 Hz needs a rate over 121.3 Hz, got 120"
    with pytest.raises(RecordingError, match=message):
        Notch((60.0,)).output_spec(spec_of(make_noise(120.0)))
