"""Artifact subspace reconstruction against eegprep on real EEG."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from step_runs import run_step

from bids_dl.errors import RecordingError
from bids_dl.preprocess.steps.asr import Asr

pytest.importorskip("eegprep", reason="needs bids_dl[clean]")


@pytest.fixture(scope="module")
def real(shared):
    """EEGLAB's sample, high-pass filtered: 32 channels, 128 Hz, 238 s."""
    raw = mne.io.read_raw_eeglab(shared / "eeglab/eeglab_data.set", preload=True, verbose="error")
    return raw.filter(0.5, None, verbose="error")


@pytest.fixture(scope="module")
def cleaned(real):
    return run_step(real, Asr())


def test_real_eeg_is_cleaned_as_by_eegprep(real, cleaned):
    from eegprep.plugins.clean_rawdata.clean_asr import clean_asr

    signals = real.get_data() * 1e6
    n_chans, n_times = signals.shape
    structure = {
        "data": signals,
        "srate": 128.0,
        "nbchan": n_chans,
        "pnts": n_times,
        "trials": 1,
        "event": [],
        "etc": {},
        "xmin": 0.0,
    }
    expected = clean_asr(structure | {"xmax": (n_times - 1) / 128}, cutoff=20.0)["data"]
    assert np.abs(expected - signals).max() > 10  # µV, so that there is a burst
    assert_allclose(cleaned[0].get_data() * 1e6, expected, rtol=0, atol=1e-6)


def test_samples_without_a_burst_keep_every_bit(real, cleaned):
    is_equal = cleaned[0].get_data() == real.get_data()
    assert cleaned[1].share == pytest.approx(1 - is_equal.mean(), abs=1e-4)
    assert 0.001 < cleaned[1].share < 0.2


def test_the_report_has_the_duration_of_the_calibration(cleaned):
    assert cleaned[1].notes[0].startswith("calibrated on ")
    assert "of 238.3 s" in cleaned[1].notes[0]


def test_a_burst_is_removed(real):
    rng = np.random.default_rng(0)
    burst = rng.standard_normal((32, 1)) * rng.standard_normal((1, 128)) * 2e-3
    dirty = real.copy()
    dirty[:, 12800:12928] = dirty[:, 12800:12928][0] + burst
    repaired = run_step(dirty, Asr())[0]

    def deviation(raw):
        return np.sqrt(np.mean((raw[:, 12800:12928][0] - real[:, 12800:12928][0]) ** 2))

    assert deviation(repaired) < deviation(dirty) / 20


def test_the_same_recording_gives_the_same_bits(real, cleaned):
    assert_array_equal(run_step(real, Asr())[0].get_data(), cleaned[0].get_data())


def test_a_channel_marked_bad_is_neither_used_nor_changed(real):
    marked = real.copy()
    marked.info["bads"] = ["Cz"]
    dropped = real.copy().drop_channels("Cz")
    repaired = run_step(marked, Asr(cutoff=5.0))[0]
    assert_array_equal(repaired.get_data("Cz"), real.get_data("Cz"))
    without = run_step(dropped, Asr(cutoff=5.0))[0]
    assert_array_equal(repaired.get_data(dropped.ch_names), without.get_data())


def test_channels_of_other_types_do_not_change(real):
    eog = real.copy().set_channel_types({"EOG1": "eog", "EOG2": "eog"}, verbose="error")
    repaired, _ = run_step(eog, Asr(cutoff=5.0))
    assert_array_equal(repaired.get_data(["EOG1", "EOG2"]), real.get_data(["EOG1", "EOG2"]))


def test_a_cutoff_that_no_sample_reaches_is_flagged(real):
    assert run_step(real, Asr(cutoff=1e6))[1].flag == "changed nothing"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw.crop(0, 1.5), r"asr: needs more than 2 s of signal, got 1.5"),
        (
            lambda raw: raw.info.update(bads=raw.ch_names[1:]),
            "fewer than two channels are not marked bad",
        ),
        (lambda raw: raw.info.update(bads=raw.ch_names), "no EEG channel that is not marked bad"),
        (lambda raw: raw.__setitem__(["Cz"], np.nan), "samples of Cz are not finite numbers"),
        (lambda raw: raw.pick(["Cz"]), "needs two EEG channels or more; the recording has Cz"),
    ],
)
def test_a_signal_that_cannot_be_cleaned_is_refused(real, change, message):
    raw = real.copy()
    change(raw)
    with pytest.raises(RecordingError, match=message):
        run_step(raw, Asr())


@pytest.mark.parametrize(
    "parameters",
    [
        {"cutoff": 0},
        {"max_dims": 1.5},
        {"tolerances": (1, 2)},
        {"tolerances": (-1,)},
        {"max_bad_channels": True},
    ],
)
def test_invalid_parameters_are_refused(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        Asr(**parameters)
