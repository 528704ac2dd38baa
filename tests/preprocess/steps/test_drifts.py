"""High-pass filter of clean_rawdata: its response, and eegprep on real EEG."""

from __future__ import annotations

from fractions import Fraction

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import freqz
from step_runs import make_raw, run_step

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess.steps.drifts import Drifts

pytest.importorskip("eegprep", reason="needs bids_dl[clean]")


SFREQ = 100.0


def filter_signals(signals):
    """Filter signals (n_chans, n_times) in V and return them."""
    return run_step(make_raw(signals, SFREQ), Drifts())[0].get_data()


def test_the_response_is_that_of_a_filter_run_in_both_directions():
    impulse = np.zeros((1, 20001))
    impulse[0, 10000] = 1e-6
    response = filter_signals(impulse)[0] / 1e-6
    frequencies = np.array([0.0, 0.1, 0.25, 0.5, 0.75, 2.0, 20.0])
    gains = np.abs(freqz(response, worN=frequencies, fs=SFREQ)[1])
    assert gains[0] < 1e-4
    assert (gains[1:3] < 0.01).all()
    assert 0.6 < gains[4] < 0.8  # EEGLAB's kernel is half as long as the band requires
    assert_allclose(gains[5:], 1, atol=1e-4)


def test_the_filter_does_not_delay():
    impulse = np.zeros((1, 20001))
    impulse[0, 10000] = 1e-6
    response = filter_signals(impulse)[0]
    assert np.argmax(response) == 10000
    assert_allclose(response, response[::-1], atol=1e-18)


def test_real_eeg_is_filtered_as_by_eegprep(shared):
    from eegprep.plugins.clean_rawdata.clean_drifts import clean_drifts

    raw = mne.io.read_raw_eeglab(shared / "eeglab/eeglab_data.set", preload=True, verbose="error")
    structure = {"data": raw.get_data() * 1e6, "srate": 128.0, "etc": {}}
    expected = clean_drifts(structure, (0.25, 0.75))["data"]
    assert_allclose(run_step(raw, Drifts())[0].get_data() * 1e6, expected, rtol=0, atol=1e-9)


def test_the_filter_starts_anew_where_time_jumps():
    signals = np.random.default_rng(0).standard_normal((2, 6000)) * 1e-5
    signals[:, 2500:] += 1e-3
    raw = make_raw(signals, SFREQ)
    raw.annotations.append(25.0, 0.0, "EDGE boundary")
    filtered = run_step(raw, Drifts())[0].get_data()
    assert_allclose(filtered[:, :2500], filter_signals(signals[:, :2500]), atol=1e-15)
    assert_allclose(filtered[:, 2500:], filter_signals(signals[:, 2500:]), atol=1e-15)


def test_a_jump_is_found_in_a_recording_that_does_not_start_at_sample_0():
    signals = np.random.default_rng(0).standard_normal((1, 6000)) * 1e-5
    raw = mne.io.RawArray(
        signals, mne.create_info(1, 100.0, "eeg"), first_samp=700, verbose="error"
    )
    raw.annotations.append(7.0 + 25.0, 0.0, "EDGE boundary")
    filtered = run_step(raw, Drifts())[0].get_data()
    assert_allclose(filtered[:, :2500], filter_signals(signals[:, :2500]), atol=1e-15)


def test_channels_of_other_types_do_not_change_and_are_reported():
    noise = np.random.default_rng(0).standard_normal((2, 3000))
    raw = make_raw(noise, SFREQ, ["eeg", "eog"])
    filtered, report = run_step(raw, Drifts())
    assert_array_equal(filtered.get_data(picks=[1]), raw.get_data(picks=[1]))
    assert report.notes == ("not filtered: E2",)


def test_a_band_above_the_nyquist_frequency_is_refused_by_the_plan():
    with pytest.raises(
        RecordingError, match=r"drifts: 0.75 Hz is not below the Nyquist frequency, 0.5 Hz"
    ):
        Drifts().output_spec(SignalSpec(("Cz",), ("eeg",), Fraction(1)))


@pytest.mark.parametrize("parameters", [{"low": 1.0, "high": 0.5}, {"low": 0}, {"attenuation": 3}])
def test_invalid_parameters_are_refused(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        Drifts(**parameters)
