"""Bipolar derivations against MNE."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from step_runs import run_step, run_steps

from bids_dl.errors import RecordingError
from bids_dl.preprocess import positions
from bids_dl.preprocess.steps.derive import Derive
from bids_dl.preprocess.steps.dropouts import Dropouts, dropout_mask


@pytest.fixture(scope="module")
def real(eegbci):
    """24 channels of real EEG with positions."""
    raw = mne.io.read_raw_edf(sorted(eegbci.rglob("*_eeg.edf"))[0], preload=True, verbose="error")
    return raw.rename_channels(lambda name: name.strip(".")).set_montage(
        positions.load_montage("standard_1005"), match_case=False
    )


def test_derivations_equal_the_bipolar_reference_of_mne(real):
    expected = mne.set_bipolar_reference(
        real, ["C3", "Fp1"], ["Cz", "O1"], ["C3-Cz", "front-back"], drop_refs=False, verbose="error"
    )
    step = Derive({"C3-Cz": ("c3", "CZ"), "front-back": ("Fp1", "O1")})
    derived, report = run_step(real, step)
    assert derived.ch_names == expected.ch_names
    assert_allclose(derived.get_data(), expected.get_data(), rtol=0, atol=1e-18)
    assert report.channels == ("C3-Cz", "front-back")
    position = positions.electrode_positions(derived.info, ["C3-Cz"])["C3-Cz"]
    assert_allclose(position, positions.electrode_positions(real.info, ["C3"])["C3"])


def test_a_recorded_derivation_is_kept(real):
    raw = real.copy().rename_channels({"C3": "C3-Cz"})
    derived, report = run_step(raw, Derive({"c3-cz": ("C3", "Cz"), "C4-Cz": ("C4", "Cz")}))
    assert derived.ch_names == [*raw.ch_names, "C4-Cz"]
    assert_array_equal(derived.get_data("C3-Cz"), raw.get_data("C3-Cz"))
    assert report.notes == ("as recorded: c3-cz",)


def test_a_derivation_inherits_bad_flags_and_dropouts(real):
    raw = real.copy()
    raw.info["bads"] = ["Cz"]
    raw._data[raw.ch_names.index("Fp1"), 1000:1200] = 0
    step = Derive({"C3-Cz": ("C3", "Cz"), "Fp1-O1": ("Fp1", "O1")})
    derived, _ = run_steps(raw, Dropouts(impute=0.0), step)
    assert derived.info["bads"] == ["Cz", "C3-Cz"]
    in_dropout = np.flatnonzero(dropout_mask(derived, ["Fp1-O1"])[0])
    assert_array_equal(in_dropout[:200], np.arange(1000, 1200))
    assert not dropout_mask(derived, ["C3-Cz"])[0, :9000].any()


def test_a_derivation_of_a_missing_channel_is_refused(real):
    with pytest.raises(RecordingError, match="no channel Fpz"):
        run_step(real, Derive({"Fpz-Cz": ("Fpz", "Cz")}))


def test_a_derivation_of_two_channel_types_is_refused(real):
    raw = real.copy().set_channel_types({"Fp1": "eog"}, verbose="error")
    with pytest.raises(RecordingError, match="derive: Fp1-Cz: Fp1 is of type eog, Cz of type eeg"):
        run_step(raw, Derive({"Fp1-Cz": ("Fp1", "Cz")}))


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        ({}, "channels"),
        ({"Cz-Cz": ("Cz", "cz")}, "Cz-Cz is a channel against itself"),
        ({"Cz": ("Cz",)}, "channels"),
    ],
)
def test_invalid_pairs_are_refused(channels, message):
    with pytest.raises(ValueError, match=message):
        Derive(channels=channels)
