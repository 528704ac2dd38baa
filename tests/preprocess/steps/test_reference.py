"""The recording reference restored, and bipolar derivations, against MNE."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bids_dl.errors import RecordingError
from bids_dl.preprocess import positions
from bids_dl.preprocess.recipe import Recipe
from bids_dl.preprocess.steps.derive import Derive
from bids_dl.preprocess.steps.dropouts import Dropouts, dropout_mask
from bids_dl.preprocess.steps.montage import Montage
from bids_dl.preprocess.steps.reference import Reference


@pytest.fixture(scope="module")
def real(eegbci):
    """24 channels of real EEG, with positions."""
    raw = mne.io.read_raw_edf(sorted(eegbci.rglob("*_eeg.edf"))[0], preload=True, verbose="error")
    return raw.rename_channels(lambda name: name.strip(".")).set_montage(
        positions.montage("standard_1005"), match_case=False
    )


def run(raw, *steps):
    made, reports = Recipe("test", "", steps).run(raw.copy())
    return made, reports[-1]


def place(raw, name):
    return raw.info["chs"][raw.ch_names.index(name)]["loc"][:3]


@pytest.mark.parametrize("channels", ["average", ("T7", "T8"), ("AFz",)])
def test_a_restored_reference_has_its_part_as_in_mne(real, channels):
    with mne.utils.use_log_level("error"):
        wanted = mne.add_reference_channels(real, "AFz")
    wanted.set_eeg_reference(channels if channels == "average" else list(channels), verbose="error")
    made, report = run(real, Reference(channels, restore="AFz"))
    assert made.ch_names == [*real.ch_names, "AFz"]
    assert_allclose(made.get_data(), wanted.get_data(), rtol=0, atol=1e-18)
    assert (report.channels, report.notes[0]) == (("AFz",), "restored: AFz")
    assert np.ptp(made.get_data("AFz")) > 0 or channels == ("AFz",)


def test_a_reference_that_is_there_is_not_restored(real):
    made, report = run(real, Reference("average", restore="CZ"))
    wanted, _ = run(real, Reference("average"))
    assert made.ch_names == wanted.ch_names
    assert_array_equal(made.get_data(), wanted.get_data())
    assert report.notes == ()


def test_a_restored_reference_lies_where_the_template_says(real):
    made, _ = run(real, Reference(restore="AFz"))
    assert_allclose(place(made, "AFz"), positions.template("standard_1005")["afz"], atol=1e-6)
    net = [f"E{i}" for i in range(1, 129)]
    raw = mne.io.RawArray(
        np.random.default_rng(0).standard_normal((128, 200)),
        mne.create_info(net, 100.0, "eeg"),
        verbose="error",
    )
    made, _ = run(
        raw, Montage("GSN-HydroCel-129"), Reference(restore="Cz", template="GSN-HydroCel-129")
    )
    assert_allclose(place(made, "Cz"), positions.template("GSN-HydroCel-129")["cz"], atol=1e-6)


def test_on_a_head_of_another_size_it_lies_on_the_sphere_of_the_others(real):
    raw = real.copy()
    for channel in raw.info["chs"]:
        channel["loc"][:3] *= 0.8
    made, _ = run(raw, Reference(restore="AFz"))
    centre, radius = positions.sphere(np.array([place(raw, name) for name in raw.ch_names]))
    direction = (place(made, "AFz") - centre) / radius
    assert_allclose(direction, positions.template_directions("standard_1005")["afz"], atol=1e-6)


@pytest.mark.parametrize("name", ["AFz", "somewhere"])
def test_without_positions_or_a_known_name_it_has_none(real, name):
    raw = real.copy().set_montage(None) if name == "AFz" else real
    made, _ = run(raw, Reference(restore=name))
    assert not positions.held(made.info, [name])


def test_a_reference_of_zeros_is_flagged(real):
    made, report = run(real, Reference("AFz", restore="AFz"))
    assert_array_equal(made.get_data()[:24], real.get_data())
    assert report.notes == ("restored: AFz", "changed nothing")
    assert report.share == 0


def test_derivations_equal_mnes_bipolar_reference(real):
    wanted = mne.set_bipolar_reference(
        real, ["C3", "Fp1"], ["Cz", "O1"], ["C3-Cz", "front-back"], drop_refs=False, verbose="error"
    )
    made, report = run(real, Derive({"C3-Cz": ("c3", "CZ"), "front-back": ("Fp1", "O1")}))
    assert made.ch_names == wanted.ch_names
    assert_allclose(made.get_data(), wanted.get_data(), rtol=0, atol=1e-18)
    assert report.channels == ("C3-Cz", "front-back")
    assert_allclose(place(made, "C3-Cz"), place(real, "C3"))


def test_a_derivation_that_was_recorded_stays(real):
    raw = real.copy().rename_channels({"C3": "C3-Cz"})
    made, report = run(raw, Derive({"c3-cz": ("C3", "Cz"), "C4-Cz": ("C4", "Cz")}))
    assert made.ch_names == [*raw.ch_names, "C4-Cz"]
    assert_array_equal(made.get_data("C3-Cz"), raw.get_data("C3-Cz"))
    assert report.notes == ("as recorded: c3-cz",)


def test_a_derivation_of_a_bad_or_silent_channel_is_so_too(real):
    raw = real.copy()
    raw.info["bads"] = ["Cz"]
    raw._data[raw.ch_names.index("Fp1"), 1000:1200] = 0
    made, _ = run(
        raw, Dropouts(impute=0.0), Derive({"C3-Cz": ("C3", "Cz"), "Fp1-O1": ("Fp1", "O1")})
    )
    assert made.info["bads"] == ["Cz", "C3-Cz"]
    assert_array_equal(
        np.flatnonzero(dropout_mask(made, ["Fp1-O1"])[0])[:200], np.arange(1000, 1200)
    )
    assert not dropout_mask(made, ["C3-Cz"])[0, :9000].any()


def test_what_cannot_be_derived_is_refused(real):
    with pytest.raises(RecordingError, match="no channel Fpz"):
        run(real, Derive({"Fpz-Cz": ("Fpz", "Cz")}))
    raw = real.copy().set_channel_types({"Fp1": "eog"}, verbose="error")
    with pytest.raises(RecordingError, match="derive: Fp1-Cz: Fp1 is of type eog, Cz of type eeg"):
        run(raw, Derive({"Fp1-Cz": ("Fp1", "Cz")}))
    for wrong, said in (
        ({}, "channels"),
        ({"Cz-Cz": ("Cz", "cz")}, "against itself"),
        ({"Cz": ("Cz",)}, "channels"),
    ):
        with pytest.raises(ValueError, match=said):
            Derive(channels=wrong)
