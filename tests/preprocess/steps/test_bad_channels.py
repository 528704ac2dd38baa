"""Detection of bad channels simulated in real EEG, and their interpolation against MNE."""

from __future__ import annotations

from fractions import Fraction

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from step_runs import run_step

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess import positions
from bids_dl.preprocess.steps.bad_channels import BadChannels

pytest.importorskip("eegprep", reason="needs bids_dl[clean]")


@pytest.fixture(scope="module")
def real(shared):
    """A minute of real EEG with positions, high-pass filtered, without its own bad channels."""
    raw = mne.io.read_raw_edf(
        sorted((shared / "eegbci").rglob("sub-001_*run-2_eeg.edf"))[0],
        preload=True,
        verbose="error",
    )
    raw.rename_channels(lambda name: name.strip("."))
    raw.set_montage(positions.load_montage("standard_1005"), match_case=False)
    raw.filter(0.5, None, verbose="error")
    marked, _ = run_step(raw, BadChannels(then="mark"))
    return raw.drop_channels(marked.info["bads"])


@pytest.fixture(scope="module")
def broken(real):
    """Real EEG with C3 flat for 8 s, P4 replaced by noise, a jump on Fz and line noise on Oz."""
    rng = np.random.default_rng(0)
    raw = real.copy()
    raw["C3", 1600:2880] = raw["C3", 1600][0]
    raw["P4"] = mne.filter.filter_data(
        rng.standard_normal((1, raw.n_times)) * 1e-4, 160.0, 1.0, 30.0, verbose="error"
    )
    raw["Fz", 3200:3360] = raw["Fz", 3200:3360][0] + 4e-4
    raw["Oz"] = raw["Oz"][0] + 4e-4 * np.sin(2 * np.pi * 60 * raw.times)
    return raw


def test_flat_uncorrelated_and_noisy_channels_are_found_and_no_other(broken):
    marked, report = run_step(broken, BadChannels(then="mark"))
    assert set(report.channels) == set(marked.info["bads"]) == {"C3", "P4", "Oz"}
    assert report.notes[0] == "flat for 5 s: C3"
    atypical = report.notes[1].removeprefix("poorly correlated or with line noise: ")
    assert set(atypical.split(", ")) == {"P4", "Oz"}


@pytest.mark.parametrize(
    ("parameters", "bads"),
    [
        ({"flat": 10.0}, {"P4", "Oz"}),
        ({"correlation": None}, {"C3", "Oz"}),
        ({"correlation": None, "line_noise": None}, {"C3"}),
    ],
)
def test_each_criterion_finds_its_channels(broken, parameters, bads):
    _, report = run_step(broken, BadChannels(then="mark", **parameters))
    assert set(report.channels) == bads


def test_marked_channels_keep_their_samples(broken):
    marked, report = run_step(broken, BadChannels(then="mark"))
    assert_array_equal(marked.get_data(), broken.get_data())
    assert report.share == 0


def test_bad_channels_are_interpolated_as_by_mne_and_others_keep_every_bit(broken):
    repaired, report = run_step(broken, BadChannels())
    expected = broken.copy()
    expected.info["bads"] = list(report.channels)
    located = np.array([channel["loc"][:3] for channel in expected.info["chs"]])
    centre = positions.fit_sphere(located)[0]
    expected.interpolate_bads(origin=tuple(centre), method={"eeg": "spline"}, verbose="error")
    assert repaired.info["bads"] == []
    assert repaired.ch_names == broken.ch_names
    assert_allclose(repaired.get_data(), expected.get_data(), rtol=0, atol=1e-13)
    good = [name for name in broken.ch_names if name not in report.channels]
    assert_array_equal(repaired.get_data(good), broken.get_data(good))
    assert report.share == pytest.approx(3 / len(broken.ch_names))


def test_channels_of_other_types_keep_their_place(broken):
    mixed = broken.copy().set_channel_types({"Fp1": "eog", "Cz": "misc"}, verbose="error")
    repaired, report = run_step(mixed, BadChannels())
    assert repaired.ch_names == mixed.ch_names
    assert_array_equal(repaired.get_data(["Fp1", "Cz"]), mixed.get_data(["Fp1", "Cz"]))
    assert "P4" in report.channels


def test_a_channel_already_marked_bad_is_not_searched_but_interpolated(broken):
    marked = broken.copy()
    marked.info["bads"] = ["P4"]
    repaired, report = run_step(marked, BadChannels())
    assert set(report.channels) == {"C3", "P4", "Oz"}
    assert repaired.info["bads"] == []
    assert "P4" not in " ".join(report.notes)


def test_a_good_recording_is_flagged_as_unchanged(real):
    report = run_step(real, BadChannels())[1]
    assert (report.notes, report.flag) == ((), "changed nothing")


def test_a_pause_of_the_amplifier_makes_no_channel_bad(real):
    raw = real.copy()
    raw[:, 1600:2880] = raw[:, 1600][0]
    _, report = run_step(raw, BadChannels(correlation=None, line_noise=None))
    assert report.channels == ()


def test_a_constant_channel_is_bad_even_in_a_short_recording(real):
    raw = real.copy().crop(0, 2.0)
    raw["Cz"] = 0.0
    _, report = run_step(raw, BadChannels(correlation=None, line_noise=None))
    assert report.channels == ("Cz",)


@pytest.mark.parametrize("then", ["interpolate", "mark"])
def test_a_recording_without_positions_is_refused_with_the_remedy(real, then):
    raw = real.copy().set_montage(None)
    with pytest.raises(
        RecordingError,
        match=r"bad_channels: no position for .* and \d+ more; add the step montage before",
    ):
        run_step(raw, BadChannels(then=then))


def test_positions_in_the_wrong_unit_are_refused(real):
    raw = real.copy()
    for channel in raw.info["chs"]:
        channel["loc"][:3] *= 1000
    with pytest.raises(RecordingError, match="is the unit right"):
        run_step(raw, BadChannels())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw.crop(0, 4), "needs more than 5 s of signal, got 4"),
        (lambda raw: raw.pick(raw.ch_names[:5]), "needs 8 EEG channels or more"),
        (
            lambda raw: raw.info.update(bads=raw.ch_names[6:]),
            "needs 8 channels that are neither flat nor marked bad, got 6",
        ),
        (lambda raw: raw.__setitem__(["Cz"], np.inf), "samples of Cz are not finite numbers"),
        (
            lambda raw: raw.__setitem__(
                slice(None),
                np.random.default_rng(0).standard_normal((len(raw.ch_names), raw.n_times)),
            ),
            "over 75 %",
        ),
    ],
)
def test_a_recording_that_cannot_be_searched_is_refused(real, change, message):
    raw = real.copy()
    change(raw)
    with pytest.raises(RecordingError, match=f"bad_channels: .*{message}"):
        run_step(raw, BadChannels())


def test_too_few_channels_are_refused_by_the_plan():
    with pytest.raises(RecordingError, match="needs 8 EEG channels or more, got C3, C4"):
        BadChannels().output_spec(
            SignalSpec(("C3", "C4", "EOG"), ("eeg", "eeg", "eog"), Fraction(250))
        )


@pytest.mark.parametrize(
    "parameters",
    [
        {"flat": 0},
        {"correlation": 1.5},
        {"line_noise": -1},
        {"broken": 2},
        {"then": "drop"},
        {"correlation": True},
    ],
)
def test_invalid_parameters_are_refused(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        BadChannels(**parameters)
