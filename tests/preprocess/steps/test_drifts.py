"""clean_rawdata's high-pass against an independent one."""

from __future__ import annotations

from fractions import Fraction

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import freqz

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess.recipe import Recipe
from bids_dl.preprocess.steps.drifts import Drifts

pytest.importorskip("eegprep", reason="needs bids_dl[clean]")


def recording(signals, sfreq=100.0, kinds="eeg"):
    return mne.io.RawArray(
        signals, mne.create_info(len(signals), sfreq, kinds, verbose="error"), verbose="error"
    )


def run(raw, *steps):
    made, reports = Recipe("test", "", steps).run(raw.copy())
    return made, reports[-1]


def test_the_response_is_that_of_a_filter_run_twice():
    impulse = np.zeros((1, 20001))
    impulse[0, 10000] = 1e-6
    made = run(recording(impulse), Drifts())[0].get_data()[0] / 1e-6
    frequencies = np.array([0.0, 0.1, 0.25, 0.5, 0.75, 2.0, 20.0])
    gains = np.abs(freqz(made, worN=frequencies, fs=100.0)[1])
    assert gains[0] < 1e-4
    assert (gains[1:3] < 0.01).all()
    assert 0.6 < gains[4] < 0.8  # EEGLAB's design is half as long as such a band asks for
    assert_allclose(gains[5:], 1, atol=1e-4)


def test_the_filter_does_not_delay():
    impulse = np.zeros((1, 20001))
    impulse[0, 10000] = 1e-6
    made = run(recording(impulse), Drifts())[0].get_data()[0]
    assert np.argmax(made) == 10000
    assert_allclose(made, made[::-1], atol=1e-18)


def test_real_eeg_comes_out_as_from_eegprep(shared):
    from eegprep.plugins.clean_rawdata.clean_drifts import clean_drifts

    raw = mne.io.read_raw_eeglab(shared / "eeglab/eeglab_data.set", preload=True, verbose="error")
    wanted = clean_drifts({"data": raw.get_data() * 1e6, "srate": 128.0, "etc": {}}, (0.25, 0.75))[
        "data"
    ]
    assert_allclose(run(raw, Drifts())[0].get_data() * 1e6, wanted, rtol=0, atol=1e-9)


def test_where_time_jumps_the_filter_begins_anew():
    signals = np.random.default_rng(0).standard_normal((2, 6000)) * 1e-5
    signals[:, 2500:] += 1e-3
    raw = recording(signals)
    raw.annotations.append(25.0, 0.0, "EDGE boundary")
    made = run(raw, Drifts())[0].get_data()
    assert_allclose(
        made[:, :2500], run(recording(signals[:, :2500]), Drifts())[0].get_data(), atol=1e-15
    )
    assert_allclose(
        made[:, 2500:], run(recording(signals[:, 2500:]), Drifts())[0].get_data(), atol=1e-15
    )


def test_a_jump_is_found_where_the_recording_does_not_start_at_zero():
    signals = np.random.default_rng(0).standard_normal((1, 6000)) * 1e-5
    raw = mne.io.RawArray(
        signals, mne.create_info(1, 100.0, "eeg"), first_samp=700, verbose="error"
    )
    raw.annotations.append(7.0 + 25.0, 0.0, "EDGE boundary")
    made = run(raw, Drifts())[0].get_data()
    assert_allclose(
        made[:, :2500], run(recording(signals[:, :2500]), Drifts())[0].get_data(), atol=1e-15
    )


def test_other_channels_stay_and_are_named():
    raw = recording(np.random.default_rng(0).standard_normal((2, 3000)), kinds=["eeg", "eog"])
    made, report = run(raw, Drifts())
    assert_array_equal(made.get_data(picks=[1]), raw.get_data(picks=[1]))
    assert report.notes == ("not filtered: 1",)


def test_a_band_above_nyquist_is_known_from_the_header():
    with pytest.raises(
        RecordingError, match=r"drifts: 0.75 Hz is not below the Nyquist frequency, 0.5 Hz"
    ):
        Drifts().output_spec(SignalSpec(("Cz",), ("eeg",), Fraction(1)))


@pytest.mark.parametrize("wrong", [{"low": 1.0, "high": 0.5}, {"low": 0}, {"attenuation": 3}])
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Drifts(**wrong)
