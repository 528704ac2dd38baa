"""Interpolation against MNE, against the electrode that was left out of real EEG, and between nets."""

from __future__ import annotations

from fractions import Fraction

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_dl import source
from bids_dl.config.stages import PreprocessConfig, SourceConfig
from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess import load_recipe, positions
from bids_dl.preprocess.recipe import Recipe, spec_of
from bids_dl.preprocess.steps.drop import Drop
from bids_dl.preprocess.steps.filter import Filter
from bids_dl.preprocess.steps.interpolate import LISTS, Interpolate
from bids_dl.preprocess.steps.montage import Montage
from bids_dl.preprocess.steps.reference import Reference
from bids_dl.testing import make_dataset

TEN_TWENTY = LISTS["10-20"]


def run(raw, *steps):
    return Recipe("test", "", steps).run(raw.copy())


@pytest.fixture(scope="module")
def real(eegbci):
    """24 channels of real EEG with positions, filtered."""
    raw = mne.io.read_raw_edf(
        sorted(eegbci.rglob("*run-2_eeg.edf"))[0], preload=True, verbose="error"
    )
    raw.rename_channels(lambda name: name.strip("."))
    return run(raw, Montage("standard_1005"), Filter(low=1.0, high=40.0))[0]


def field(directions):
    """A smooth potential over the head, as sources a few cm deep make it."""
    sources = np.array([[0.3, 0.2, 0.5], [-0.4, 0.1, 0.3], [0.1, -0.5, 0.2]])
    return sum(
        (-1) ** i / np.linalg.norm(directions - place, axis=1) for i, place in enumerate(sources)
    )


def net(template, names=(), sfreq=100.0):
    """A recording that holds the field at each electrode of a template, in the first sample."""
    montage = positions.montage(template)
    names = list(names or montage.ch_names)
    values = field(
        np.array([positions.template_directions(template)[name.casefold()] for name in names])
    )
    raw = mne.io.RawArray(
        np.outer(values, [1e-5, 2e-5, 0.0]), mne.create_info(names, sfreq, "eeg"), verbose="error"
    )
    return raw.set_montage(montage, match_case=False)


def test_the_interpolated_bad_channel_is_the_one_mne_makes(real):
    real = real.copy()
    real.info["bads"] = ["C3", "Pz"]
    centre = positions.sphere(np.array([channel["loc"][:3] for channel in real.info["chs"]]))[0]
    wanted = real.copy().interpolate_bads(origin=tuple(centre), verbose="error")
    made, reports = run(real, Interpolate())
    assert (made.ch_names, made.info["bads"]) == (wanted.ch_names, [])
    np.testing.assert_allclose(made.get_data() * 1e6, wanted.get_data() * 1e6, rtol=0, atol=1e-8)
    assert reports[0].channels == ("C3", "Pz")
    assert reports[0].share == pytest.approx(2 / 24)


@pytest.mark.parametrize("name", ["C3", "Cz", "P4"])
def test_an_electrode_left_out_of_real_eeg_comes_back_close_to_what_it_measured(real, name):
    made, _ = run(real, Drop(names=(name,)), Interpolate(channels=(name,)))
    assert made.ch_names == [name]
    assert np.corrcoef(made.get_data()[0], real.get_data(picks=[name])[0])[0, 1] > 0.97


def test_channels_that_are_there_and_good_are_kept_as_they_are(real):
    order = ("O1", "fz", "T9", "Cz")
    made, reports = run(real, Interpolate(channels=order))
    assert made.ch_names == list(order)
    np.testing.assert_array_equal(
        made.get_data(picks=["O1", "fz", "Cz"]), real.get_data(picks=["O1", "Fz", "Cz"])
    )
    assert reports[0].channels == ("T9",)
    assert made.annotations == real.annotations
    assert (made.first_samp, made.info["line_freq"], made.info["highpass"]) == (
        real.first_samp,
        real.info["line_freq"],
        1.0,
    )


def test_a_hydrocel_net_becomes_the_10_20_system():
    made, reports = run(
        net("GSN-HydroCel-129"), Montage("GSN-HydroCel-129"), Interpolate(channels="10-20")
    )
    assert made.ch_names == list(TEN_TWENTY)
    wanted = field(
        np.array(
            [positions.template_directions("standard_1005")[name.casefold()] for name in TEN_TWENTY]
        )
    )
    np.testing.assert_allclose(
        made.get_data()[:, 0] * 1e5, wanted, rtol=0, atol=0.03 * np.ptp(wanted)
    )
    assert reports[-1].channels == tuple(name for name in TEN_TWENTY if name != "Cz")


@pytest.mark.parametrize("template", ["biosemi64", "easycap-M1", "GSN-HydroCel-65_1.0", "EGI_256"])
def test_any_net_gives_the_same_field_at_the_same_places(template):
    made, _ = run(net(template), Interpolate(channels="10-20"))
    wanted = field(
        np.array(
            [positions.template_directions("standard_1005")[name.casefold()] for name in TEN_TWENTY]
        )
    )
    assert np.corrcoef(made.get_data()[:, 0], wanted)[0, 1] > 0.98


def test_positions_of_the_new_channels_are_those_of_their_names():
    made, _ = run(net("GSN-HydroCel-129"), Interpolate(channels="10-20"))
    angles = _angles(made, "standard_1005")
    assert max(angles) < 3


def _angles(raw, template):
    own = positions.directions(np.array([channel["loc"][:3] for channel in raw.info["chs"]]))
    usual = np.array(
        [positions.template_directions(template)[name.casefold()] for name in raw.ch_names]
    )
    return np.degrees(np.arccos(np.clip((own * usual).sum(1), -1, 1)))


def test_the_reference_before_makes_no_difference_but_the_constant(real):
    made, _ = run(real, Interpolate(channels="10-20"), Reference())
    other, _ = run(real, Reference(), Interpolate(channels="10-20"), Reference())
    np.testing.assert_allclose(made.get_data() * 1e6, other.get_data() * 1e6, rtol=0, atol=1e-6)


@given(start=st.integers(0, 3000), length=st.integers(1, 500))
@settings(max_examples=10, deadline=None)
def test_an_excerpt_is_interpolated_like_the_whole(real, start, length):
    step = Interpolate(channels=("T9", "Cz", "FC1"))
    assert step.needs(spec_of(real)).kind == "samples"
    whole, _ = run(real, step)
    part, _ = run(real.copy().crop(start / 160, (start + length - 1) / 160), step)
    np.testing.assert_allclose(
        part.get_data() * 1e6, whole.get_data()[:, start : start + length] * 1e6, rtol=0, atol=1e-9
    )


def test_channels_of_other_types_stay_behind(real):
    raw = real.copy().set_channel_types({"Fp2": "eog"}, verbose="error")
    made, _ = run(raw, Interpolate(channels=("Oz", "Cz")))
    assert (made.ch_names, made.get_channel_types()) == (["Oz", "Cz", "Fp2"], ["eeg", "eeg", "eog"])
    np.testing.assert_array_equal(made.get_data(picks=["Fp2"]), real.get_data(picks=["Fp2"]))


def test_a_channel_far_from_any_electrode_is_named(real):
    frontal = real.copy().pick(["Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8"])
    _, reports = run(frontal, Interpolate(channels=("F3", "O1", "F1")))
    [note] = reports[0].notes
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
            "Fp1 is to be an EEG channel, and the recording has one",
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
def test_what_cannot_be_made_is_known_from_the_header(names, types, step, message):
    with pytest.raises(RecordingError, match=message):
        step.output_spec(SignalSpec(tuple(names.split()), tuple(types.split()), Fraction(100)))


def test_without_positions_or_good_channels_it_says_what_to_do():
    raw = net("easycap-M1", ["Fp1", "Fp2", "C3", "C4", "O1", "O2"])
    bare = raw.copy().set_montage(None)
    with pytest.raises(
        RecordingError, match=r"no position for Fp1, Fp2, .*; put a step montage before"
    ):
        run(bare, Interpolate(channels="10-20"))
    raw.info["bads"] = ["Fp1", "Fp2", "C3"]
    with pytest.raises(
        RecordingError, match="fewer than 4 channels are not marked bad; good are C4, O1, O2"
    ):
        run(raw, Interpolate())


def test_positions_with_a_wrong_unit_are_refused_not_used(real):
    raw = real.copy()
    for channel in raw.info["chs"]:
        channel["loc"][:3] /= 1000
    with pytest.raises(
        RecordingError, match=r"they lie 0.\d+ mm from their middle.*put a step montage before"
    ):
        run(raw, Interpolate(channels=("T9", "Cz")))


def test_recordings_of_two_nets_and_rates_become_alike(tmp_path):
    variants = [
        {},
        {"sfreq": 250},
        {"template": "GSN-HydroCel-129", "ch_names": [], "format": "brainvision"},
    ]
    ten = ("Fp1", "Fp2", "F7", "F8", "C3", "Cz", "C4", "T7", "T8", "P3", "Pz", "P4", "O1", "O2")
    made = make_dataset(tmp_path, n_subjects=3, n_blocks=2, ch_names=ten, variants=variants)
    dataset = source.open_dataset(str(tmp_path))
    recipe = load_recipe(PreprocessConfig("to-10-20"))
    specs = set()
    for recording, content in zip(
        source.find_recordings(dataset, SourceConfig()), made.recordings, strict=True
    ):
        with source.open_raw(dataset, recording) as raw:
            clean, _ = recipe.run(raw)
        specs.add(spec_of(clean))
        closed = content.events[3].sample / content.design.sfreq
        wave = np.sin(2 * np.pi * 10 * clean.times) * (clean.times >= closed)
        alpha = dict(
            zip(clean.ch_names, 2 * clean.get_data() @ wave / (wave != 0).sum() * 1e6, strict=True)
        )
        assert min(alpha["O1"], alpha["O2"]) > 8 + max(alpha["Fp1"], alpha["C3"], alpha["F8"])
    assert specs == {SignalSpec(TEN_TWENTY, ("eeg",) * 19, Fraction(128))}
