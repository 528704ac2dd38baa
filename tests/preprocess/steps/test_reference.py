"""References and the restored reference of a recording, against MNE."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from recipe_yaml import make_recording
from step_runs import assert_signals_close, make_noise, run_step, run_steps

from bids_dl.errors import RecordingError
from bids_dl.preprocess import positions
from bids_dl.preprocess.steps.montage import Montage
from bids_dl.preprocess.steps.reference import Reference


@pytest.fixture(scope="module")
def real(eegbci):
    """24 channels of real EEG with positions."""
    raw = mne.io.read_raw_edf(sorted(eegbci.rglob("*_eeg.edf"))[0], preload=True, verbose="error")
    return raw.rename_channels(lambda name: name.strip(".")).set_montage(
        positions.load_montage("standard_1005"), match_case=False
    )


def position_of(raw, name):
    return raw.info["chs"][raw.ch_names.index(name)]["loc"][:3]


@pytest.mark.parametrize("channels", ["average", ("E2",), ("e1", "E3")])
def test_reference_equals_mne(channels):
    raw = make_noise()
    names = channels if channels == "average" else [name.upper() for name in channels]
    referenced, _ = run_step(raw, Reference(channels))
    assert_signals_close(referenced, raw.copy().set_eeg_reference(names, verbose="error"))


@pytest.mark.parametrize("channels", ["average", ("T7", "T8"), ("AFz",)])
def test_a_restored_reference_is_part_of_the_average_as_in_mne(real, channels):
    with mne.utils.use_log_level("error"):
        expected = mne.add_reference_channels(real, "AFz")
    names = channels if channels == "average" else list(channels)
    expected.set_eeg_reference(names, verbose="error")
    referenced, report = run_step(real, Reference(channels, restore="AFz"))
    assert referenced.ch_names == [*real.ch_names, "AFz"]
    assert_allclose(referenced.get_data(), expected.get_data(), rtol=0, atol=1e-18)
    assert (report.channels, report.notes[0]) == (("AFz",), "restored: AFz")
    assert np.ptp(referenced.get_data("AFz")) > 0 or channels == ("AFz",)


def test_a_recorded_reference_is_not_restored(real):
    referenced, report = run_step(real, Reference("average", restore="CZ"))
    expected, _ = run_step(real, Reference("average"))
    assert referenced.ch_names == expected.ch_names
    assert_array_equal(referenced.get_data(), expected.get_data())
    assert report.notes == ()


def test_a_restored_reference_has_the_position_of_the_template(real):
    referenced, _ = run_step(real, Reference(restore="AFz"))
    expected = positions.template_positions("standard_1005")["afz"]
    assert_allclose(position_of(referenced, "AFz"), expected, atol=1e-6)


def test_a_restored_vertex_of_a_hydrocel_net_has_the_position_of_its_template():
    names = [f"E{i}" for i in range(1, 129)]
    noise = np.random.default_rng(0).standard_normal((128, 200))
    raw = mne.io.RawArray(noise, mne.create_info(names, 100.0, "eeg"), verbose="error")
    net = "GSN-HydroCel-129"
    referenced, _ = run_steps(raw, Montage(net), Reference(restore="Cz", template=net))
    expected = positions.template_positions(net)["cz"]
    assert_allclose(position_of(referenced, "Cz"), expected, atol=1e-6)


def test_on_a_head_of_another_size_the_position_is_on_the_sphere_of_the_others(real):
    raw = real.copy()
    for channel in raw.info["chs"]:
        channel["loc"][:3] *= 0.8
    referenced, _ = run_step(raw, Reference(restore="AFz"))
    located = np.array([position_of(raw, name) for name in raw.ch_names])
    centre, radius = positions.fit_sphere(located)
    direction = (position_of(referenced, "AFz") - centre) / radius
    assert_allclose(direction, positions.template_directions("standard_1005")["afz"], atol=1e-6)


@pytest.mark.parametrize("name", ["AFz", "somewhere"])
def test_without_other_positions_or_a_known_name_there_is_no_position(real, name):
    raw = real.copy().set_montage(None) if name == "AFz" else real
    referenced, _ = run_step(raw, Reference(restore=name))
    assert not positions.electrode_positions(referenced.info, [name])


def test_a_reference_of_zeros_is_flagged(real):
    referenced, report = run_step(real, Reference("AFz", restore="AFz"))
    assert_array_equal(referenced.get_data()[:24], real.get_data())
    assert report.notes == ("restored: AFz",)
    assert (report.share, report.flag) == (0, "changed nothing")


def test_channels_marked_bad_are_kept_but_neither_averaged_nor_referenced():
    raw = make_recording(("Fp1", "Cz", "O1", "Pz"), ("eeg",) * 4)
    raw.info["bads"] = ["Cz"]
    before = raw.get_data()
    referenced, report = run_step(raw, Reference())
    good = [0, 2, 3]
    expected = before[good] - before[good].mean(0)
    assert_allclose(referenced.get_data()[good], expected, atol=1e-18)
    assert_array_equal(referenced.get_data()[1], before[1])
    assert report.notes == ("marked bad, so neither averaged nor referenced: Cz",)


def test_an_average_needs_two_good_channels():
    raw = make_recording(("Fp1", "Cz"), ("eeg", "eeg"))
    raw.info["bads"] = ["Cz"]
    message = "fewer than two channels are not marked bad; bad are Cz"
    with pytest.raises(RecordingError, match=message):
        run_step(raw, Reference())


def test_channels_of_another_type_are_neither_averaged_nor_counted():
    raw = make_recording(("Fp1", "Cz", "G1", "G2"), ("eeg", "eeg", "ecog", "ecog"))
    referenced, report = run_step(raw, Reference())
    names = ["G1", "G2"]
    assert_array_equal(referenced.get_data(picks=names), raw.get_data(picks=names))
    assert report.notes == ("not referenced: G1, G2",)
    referenced.info["bads"] = ["Fp1"]
    message = "fewer than two channels are not marked bad; bad are Fp1"
    with pytest.raises(RecordingError, match=message):
        run_step(referenced, Reference())


def derivations(names, seed=0):
    info = mne.create_info(names, 100.0, "eeg", verbose="error")
    data = np.random.default_rng(seed).normal(size=(len(names), 500)) * 1e-5
    return mne.io.RawArray(data, info, verbose="error")


def test_derivations_of_different_references_are_left_as_they_are():
    raw = derivations(["Fpz-Cz", "Pz-Oz"])
    referenced, report = run_step(raw, Reference("average"))
    assert_array_equal(referenced.get_data(), raw.get_data())
    assert report.share == 0.0
    assert report.flag
    assert "derivations keep their own reference: Fpz-Cz, Pz-Oz" in report.notes[0]


def test_a_derivation_beside_electrodes_is_neither_averaged_nor_referenced():
    raw = derivations(["Fp1", "Cz", "EEG A2-A1", "O1"])
    referenced, report = run_step(raw, Reference("average"))
    expected = raw.copy().pick(["Fp1", "Cz", "O1"]).set_eeg_reference("average", verbose="error")
    assert_allclose(referenced.get_data(["Fp1", "Cz", "O1"]), expected.get_data(), atol=1e-20)
    assert_array_equal(referenced.get_data("EEG A2-A1"), raw.get_data("EEG A2-A1"))
    assert "not referenced: EEG A2-A1" in report.notes


@pytest.mark.parametrize("names", [["Fp1-A1", "Fp2-A1", "Cz-A1"], ["EEG Fp1-Ref", "EEG Cz-Ref"]])
def test_channels_that_name_one_common_reference_are_averaged_as_any(names):
    raw = derivations(names)
    referenced, _ = run_step(raw, Reference("average"))
    expected = raw.copy().set_eeg_reference("average", verbose="error")
    assert_allclose(referenced.get_data(), expected.get_data(), atol=1e-20)
