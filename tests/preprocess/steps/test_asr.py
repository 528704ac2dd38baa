"""ASR against eegprep's own function on real EEG."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bids_dl.errors import RecordingError
from bids_dl.preprocess.recipe import Recipe
from bids_dl.preprocess.steps.asr import Asr

pytest.importorskip("eegprep", reason="needs bids_dl[clean]")


def run(raw, *steps):
    made, reports = Recipe("test", "", steps).run(raw.copy())
    return made, reports[-1]


@pytest.fixture(scope="module")
def real(shared):
    """EEGLAB's sample: 32 channels, 128 Hz, 238 s; high-pass filtered."""
    raw = mne.io.read_raw_eeglab(shared / "eeglab/eeglab_data.set", preload=True, verbose="error")
    return raw.filter(0.5, None, verbose="error")


@pytest.fixture(scope="module")
def cleaned(real):
    return run(real, Asr())


def test_real_eeg_comes_out_as_from_eegprep(real, cleaned):
    from eegprep.plugins.clean_rawdata.clean_asr import clean_asr

    signals = real.get_data() * 1e6
    n_chans, n_times = signals.shape
    given = {
        "data": signals,
        "srate": 128.0,
        "nbchan": n_chans,
        "pnts": n_times,
        "trials": 1,
        "event": [],
        "etc": {},
        "xmin": 0.0,
    }
    wanted = clean_asr(given | {"xmax": (n_times - 1) / 128}, cutoff=20.0)["data"]
    assert np.abs(wanted - signals).max() > 10  # µV: it had something to do
    assert_allclose(cleaned[0].get_data() * 1e6, wanted, rtol=0, atol=1e-6)


def test_samples_without_a_burst_keep_every_bit(real, cleaned):
    same = cleaned[0].get_data() == real.get_data()
    assert cleaned[1].share == pytest.approx(1 - same.mean(), abs=1e-4)
    assert 0.001 < cleaned[1].share < 0.2


def test_the_report_says_how_much_was_clean_enough_to_calibrate_on(cleaned):
    assert cleaned[1].notes[0].startswith("calibrated on ")
    assert "of 238.3 s" in cleaned[1].notes[0]


def test_a_burst_is_taken_out_and_the_rest_is_not(real):
    rng = np.random.default_rng(0)
    burst = rng.standard_normal((32, 1)) * rng.standard_normal((1, 128)) * 2e-3
    dirty = real.copy()
    dirty[:, 12800:12928] = dirty[:, 12800:12928][0] + burst
    made = run(dirty, Asr())[0]

    def left(raw):
        return np.sqrt(np.mean((raw[:, 12800:12928][0] - real[:, 12800:12928][0]) ** 2))

    assert left(made) < left(dirty) / 20


def test_the_same_recording_gives_the_same_bits(real, cleaned):
    assert_array_equal(run(real, Asr())[0].get_data(), cleaned[0].get_data())


def test_a_channel_marked_bad_neither_helps_nor_changes(real):
    marked = real.copy()
    marked.info["bads"] = ["Cz"]
    dropped = real.copy().drop_channels("Cz")
    made = run(marked, Asr(cutoff=5.0))[0]
    assert_array_equal(made.get_data("Cz"), real.get_data("Cz"))
    assert_array_equal(made.get_data(dropped.ch_names), run(dropped, Asr(cutoff=5.0))[0].get_data())


def test_other_channels_stay(real):
    eog = real.copy().set_channel_types({"EOG1": "eog", "EOG2": "eog"}, verbose="error")
    made, _ = run(eog, Asr(cutoff=5.0))
    assert_array_equal(made.get_data(["EOG1", "EOG2"]), real.get_data(["EOG1", "EOG2"]))


def test_a_cutoff_that_nothing_reaches_is_flagged(real):
    assert "changed nothing" in run(real, Asr(cutoff=1e6))[1].notes


@pytest.mark.parametrize(
    ("change", "said"),
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
def test_what_cannot_be_cleaned_is_refused_in_one_line(real, change, said):
    raw = real.copy()
    change(raw)
    with pytest.raises(RecordingError, match=said):
        run(raw, Asr())


@pytest.mark.parametrize(
    "wrong",
    [
        {"cutoff": 0},
        {"max_dims": 1.5},
        {"tolerances": (1, 2)},
        {"tolerances": (-1,)},
        {"max_bad_channels": True},
    ],
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Asr(**wrong)
