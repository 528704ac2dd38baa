"""Interpolation of channels, against MNE, dropped electrodes of real EEG and other nets."""

from __future__ import annotations

from fractions import Fraction

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from step_runs import run_step, run_steps

from bids_dl import source
from bids_dl.config.stages import PreprocessConfig, SourceConfig
from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess import load_recipe, positions
from bids_dl.preprocess.recipe import spec_of
from bids_dl.preprocess.steps.drop import Drop
from bids_dl.preprocess.steps.filter import Filter
from bids_dl.preprocess.steps.interpolate import CHANNEL_SETS, Interpolate
from bids_dl.preprocess.steps.montage import Montage
from bids_dl.preprocess.steps.reference import Reference
from bids_dl.testing import make_dataset

TEN_TWENTY = CHANNEL_SETS["10-20"]


@pytest.fixture(scope="module")
def real(eegbci):
    """24 channels of real EEG with positions, filtered."""
    raw = mne.io.read_raw_edf(
        sorted(eegbci.rglob("*run-2_eeg.edf"))[0], preload=True, verbose="error"
    )
    raw.rename_channels(lambda name: name.strip("."))
    return run_steps(raw, Montage("standard_1005"), Filter(low=1.0, high=40.0))[0]


def template_directions(template, names):
    """Return the unit vectors (n_chans, 3) to some electrodes of a template."""
    directions = positions.template_directions(template)
    return np.array([directions[name.casefold()] for name in names])


def recorded_positions(raw):
    """Return the positions (n_chans, 3) of a recording."""
    return np.array([channel["loc"][:3] for channel in raw.info["chs"]])


def potential(directions):
    """Return a smooth potential over the head, as of three sources a few cm deep."""
    sources = np.array([[0.3, 0.2, 0.5], [-0.4, 0.1, 0.3], [0.1, -0.5, 0.2]])
    values = np.zeros(len(directions))
    for sign, source_position in zip((1, -1, 1), sources, strict=True):
        values += sign / np.linalg.norm(directions - source_position, axis=1)
    return values


def net_recording(template, names=(), sfreq=100.0):
    """Make a recording whose first sample has the potential at each electrode of a template."""
    montage = positions.load_montage(template)
    names = list(names or montage.ch_names)
    values = potential(template_directions(template, names))
    raw = mne.io.RawArray(
        np.outer(values, [1e-5, 2e-5, 0.0]), mne.create_info(names, sfreq, "eeg"), verbose="error"
    )
    return raw.set_montage(montage, match_case=False)


def test_bad_channels_are_interpolated_as_by_mne(real):
    real = real.copy()
    real.info["bads"] = ["C3", "Pz"]
    centre = positions.fit_sphere(recorded_positions(real))[0]
    expected = real.copy().interpolate_bads(origin=tuple(centre), verbose="error")
    repaired, report = run_step(real, Interpolate())
    assert (repaired.ch_names, repaired.info["bads"]) == (expected.ch_names, [])
    np.testing.assert_allclose(
        repaired.get_data() * 1e6, expected.get_data() * 1e6, rtol=0, atol=1e-8
    )
    assert report.channels == ("C3", "Pz")
    assert report.share == pytest.approx(2 / 24)


@pytest.mark.parametrize("name", ["C3", "Cz", "P4"])
def test_a_dropped_electrode_of_real_eeg_is_interpolated_close_to_its_signal(real, name):
    interpolated, _ = run_steps(real, Drop(names=(name,)), Interpolate(channels=(name,)))
    assert interpolated.ch_names == [name]
    measured = real.get_data(picks=[name])[0]
    assert np.corrcoef(interpolated.get_data()[0], measured)[0, 1] > 0.97


def test_good_channels_of_the_recording_are_kept_as_they_are(real):
    order = ("O1", "fz", "T9", "Cz")
    interpolated, report = run_step(real, Interpolate(channels=order))
    assert interpolated.ch_names == list(order)
    np.testing.assert_array_equal(
        interpolated.get_data(picks=["O1", "fz", "Cz"]), real.get_data(picks=["O1", "Fz", "Cz"])
    )
    assert report.channels == ("T9",)
    assert interpolated.annotations == real.annotations
    assert interpolated.first_samp == real.first_samp
    assert interpolated.info["line_freq"] == real.info["line_freq"]
    assert interpolated.info["highpass"] == 1.0


def test_a_recording_with_all_channels_is_flagged_as_unchanged(real):
    interpolated, report = run_step(real, Interpolate())
    np.testing.assert_array_equal(interpolated.get_data(), real.get_data())
    assert (report.share, report.flag) == (0, "changed nothing")


def test_a_hydrocel_net_is_interpolated_to_the_10_20_system():
    interpolated, reports = run_steps(
        net_recording("GSN-HydroCel-129"),
        Montage("GSN-HydroCel-129"),
        Interpolate(channels="10-20"),
    )
    assert interpolated.ch_names == list(TEN_TWENTY)
    expected = potential(template_directions("standard_1005", TEN_TWENTY))
    np.testing.assert_allclose(
        interpolated.get_data()[:, 0] * 1e5, expected, rtol=0, atol=0.03 * np.ptp(expected)
    )
    assert reports[-1].channels == tuple(name for name in TEN_TWENTY if name != "Cz")


@pytest.mark.parametrize("template", ["biosemi64", "easycap-M1", "GSN-HydroCel-65_1.0", "EGI_256"])
def test_any_net_gives_the_same_potential_at_the_same_positions(template):
    interpolated, _ = run_step(net_recording(template), Interpolate(channels="10-20"))
    expected = potential(template_directions("standard_1005", TEN_TWENTY))
    assert np.corrcoef(interpolated.get_data()[:, 0], expected)[0, 1] > 0.98


def test_interpolated_channels_have_the_positions_of_their_names():
    interpolated, _ = run_step(net_recording("GSN-HydroCel-129"), Interpolate(channels="10-20"))
    directions = positions.unit_directions(recorded_positions(interpolated))
    expected = template_directions("standard_1005", interpolated.ch_names)
    cosines = (directions * expected).sum(1)
    assert np.degrees(np.arccos(np.clip(cosines, -1, 1))).max() < 3


def test_an_earlier_reference_adds_only_a_constant(real):
    interpolate = Interpolate(channels="10-20")
    once, _ = run_steps(real, interpolate, Reference())
    twice, _ = run_steps(real, Reference(), interpolate, Reference())
    np.testing.assert_allclose(once.get_data() * 1e6, twice.get_data() * 1e6, rtol=0, atol=1e-6)


@given(start=st.integers(0, 3000), length=st.integers(1, 500))
@settings(max_examples=10)
def test_an_excerpt_is_interpolated_as_the_whole_recording(real, start, length):
    step = Interpolate(channels=("T9", "Cz", "FC1"))
    assert step.required_context(spec_of(real)).kind == "samples"
    whole, _ = run_step(real, step)
    part, _ = run_step(real.copy().crop(start / 160, (start + length - 1) / 160), step)
    np.testing.assert_allclose(
        part.get_data() * 1e6, whole.get_data()[:, start : start + length] * 1e6, rtol=0, atol=1e-9
    )


def test_channels_of_other_types_follow_the_eeg_channels(real):
    raw = real.copy().set_channel_types({"Fp2": "eog"}, verbose="error")
    interpolated, _ = run_step(raw, Interpolate(channels=("Oz", "Cz")))
    assert interpolated.ch_names == ["Oz", "Cz", "Fp2"]
    assert interpolated.get_channel_types() == ["eeg", "eeg", "eog"]
    np.testing.assert_array_equal(
        interpolated.get_data(picks=["Fp2"]), real.get_data(picks=["Fp2"])
    )


def test_a_channel_far_from_any_electrode_is_noted(real):
    frontal = real.copy().pick(["Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8"])
    _, report = run_step(frontal, Interpolate(channels=("F3", "O1", "F1")))
    [note] = report.notes
    assert note.startswith("far from any electrode: O1 (")
    assert "F1" not in note


@pytest.mark.parametrize(
    ("names", "types", "step", "message"),
    [
        (
            "C3 Cz C4",
            "eeg eeg eeg",
            Interpolate(channels="10-20"),
            "needs 4 EEG channels or more, got C3, Cz, C4",
        ),
        (
            "C3 Cz C4 Pz",
            "eeg eeg eeg eeg",
            Interpolate(channels=("Cz", "Q1")),
            "no channel Q1 in the recording, nor in the template standard_1005",
        ),
        (
            "C3 Cz C4 Pz Fp1",
            "eeg eeg eeg eeg eog",
            Interpolate(channels="10-20"),
            "Fp1 is to be an EEG channel, but the recording has a channel of this name",
        ),
        (
            "C3 Cz C4 Pz",
            "eeg eeg eeg eeg",
            Interpolate(channels=("Cz", "CZ")),
            "a channel is named twice",
        ),
        (
            "C3 Cz C4 Pz",
            "eeg eeg eeg eeg",
            Interpolate(channels=("Cz", "Cz")),
            "a channel is named twice",
        ),
    ],
)
def test_channels_that_cannot_be_interpolated_are_refused_by_the_plan(names, types, step, message):
    with pytest.raises(RecordingError, match=message):
        step.output_spec(SignalSpec(tuple(names.split()), tuple(types.split()), Fraction(100)))


def test_a_recording_without_positions_or_good_channels_is_refused():
    raw = net_recording("easycap-M1", ["Fp1", "Fp2", "C3", "C4", "O1", "O2"])
    bare = raw.copy().set_montage(None)
    with pytest.raises(
        RecordingError, match=r"no position for Fp1, Fp2, .*; add the step montage before"
    ):
        run_step(bare, Interpolate(channels="10-20"))
    raw.info["bads"] = ["Fp1", "Fp2", "C3"]
    with pytest.raises(
        RecordingError, match="fewer than 4 channels are not marked bad; good are C4, O1, O2"
    ):
        run_step(raw, Interpolate())


def test_positions_with_a_wrong_unit_are_refused(real):
    raw = real.copy()
    for channel in raw.info["chs"]:
        channel["loc"][:3] /= 1000
    with pytest.raises(
        RecordingError, match=r"they are 0.\d+ mm from their centre.*add the step montage before"
    ):
        run_step(raw, Interpolate(channels=("T9", "Cz")))


def test_recordings_of_two_nets_and_rates_get_the_same_channels(tmp_path):
    variants = [
        {},
        {"sfreq": 250},
        {"template": "GSN-HydroCel-129", "ch_names": [], "format": "brainvision"},
    ]
    ch_names = (
        "Fp1",
        "Fp2",
        "F7",
        "F8",
        "C3",
        "Cz",
        "C4",
        "T7",
        "T8",
        "P3",
        "Pz",
        "P4",
        "O1",
        "O2",
    )
    synthetic = make_dataset(
        tmp_path, n_subjects=3, n_blocks=2, ch_names=ch_names, variants=variants
    )
    dataset = source.open_dataset(str(tmp_path))
    recipe = load_recipe(PreprocessConfig("to-10-20"))
    specs = set()
    recordings = source.find_recordings(dataset, SourceConfig())
    for recording, content in zip(recordings, synthetic.recordings, strict=True):
        with source.open_raw(dataset, recording) as raw:
            cleaned, _ = recipe.run(raw)
        specs.add(spec_of(cleaned))
        onset = content.events[3].sample / content.design.sfreq  # of closed eyes, in s
        wave = np.sin(2 * np.pi * 10 * cleaned.times) * (cleaned.times >= onset)
        amplitudes = 2 * cleaned.get_data() @ wave / (wave != 0).sum() * 1e6
        alpha = dict(zip(cleaned.ch_names, amplitudes, strict=True))
        assert min(alpha["O1"], alpha["O2"]) > 8 + max(alpha["Fp1"], alpha["C3"], alpha["F8"])
    assert specs == {SignalSpec(TEN_TWENTY, ("eeg",) * 19, Fraction(128))}
