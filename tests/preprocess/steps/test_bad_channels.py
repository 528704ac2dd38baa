"""Bad channels put into real EEG are found, the good ones are not, and the spline is MNE's."""

from __future__ import annotations

from fractions import Fraction

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess import positions
from bids_dl.preprocess.recipe import Recipe
from bids_dl.preprocess.steps.bad_channels import BadChannels

pytest.importorskip("eegprep", reason="needs bids_dl[clean]")


def run(raw, *steps):
    made, reports = Recipe("test", "", steps).run(raw.copy())
    return made, reports[-1]


@pytest.fixture(scope="module")
def real(shared):
    """A minute of 64 channels of real EEG with positions, high-pass filtered, without the channels that are bad as recorded."""
    raw = mne.io.read_raw_edf(
        sorted((shared / "eegbci").rglob("sub-001_*run-2_eeg.edf"))[0],
        preload=True,
        verbose="error",
    )
    raw.rename_channels(lambda name: name.strip("."))
    raw.set_montage(positions.montage("standard_1005"), match_case=False)
    raw.filter(0.5, None, verbose="error")
    return raw.drop_channels(run(raw, BadChannels(then="mark"))[0].info["bads"])


@pytest.fixture(scope="module")
def broken(real):
    """C3 flat for 8 s, P4 of slow noise alone, Fz with a second of artefact, Oz humming."""
    rng = np.random.default_rng(0)
    raw = real.copy()
    raw["C3", 1600:2880] = raw["C3", 1600][0]
    raw["P4"] = mne.filter.filter_data(
        rng.standard_normal((1, raw.n_times)) * 1e-4, 160.0, 1.0, 30.0, verbose="error"
    )
    raw["Fz", 3200:3360] = raw["Fz", 3200:3360][0] + 4e-4
    raw["Oz"] = raw["Oz"][0] + 4e-4 * np.sin(2 * np.pi * 60 * raw.times)
    return raw


def test_each_kind_of_bad_channel_is_found_and_no_other(broken):
    made, report = run(broken, BadChannels(then="mark"))
    assert set(report.channels) == set(made.info["bads"]) == {"C3", "P4", "Oz"}
    assert report.notes[0] == "flat for 5 s: C3"
    assert set(
        report.notes[1].removeprefix("unlike other channels or with line noise: ").split(", ")
    ) == {"P4", "Oz"}


@pytest.mark.parametrize(
    ("off", "found"),
    [
        ({"flat": 10.0}, {"P4", "Oz"}),
        ({"correlation": None}, {"C3", "Oz"}),
        ({"correlation": None, "line_noise": None}, {"C3"}),
    ],
)
def test_each_criterion_finds_its_own(broken, off, found):
    assert set(run(broken, BadChannels(then="mark", **off))[1].channels) == found


def test_marked_channels_keep_their_samples(broken):
    made, report = run(broken, BadChannels(then="mark"))
    assert_array_equal(made.get_data(), broken.get_data())
    assert report.share == 0


def test_what_is_found_is_interpolated_as_mne_does_and_the_rest_keeps_every_bit(broken):
    made, report = run(broken, BadChannels())
    wanted = broken.copy()
    wanted.info["bads"] = list(report.channels)
    centre = positions.sphere(np.array([channel["loc"][:3] for channel in wanted.info["chs"]]))[0]
    wanted.interpolate_bads(origin=tuple(centre), method={"eeg": "spline"}, verbose="error")
    assert made.info["bads"] == []
    assert made.ch_names == broken.ch_names
    assert_allclose(made.get_data(), wanted.get_data(), rtol=0, atol=1e-13)
    good = [name for name in broken.ch_names if name not in report.channels]
    assert_array_equal(made.get_data(good), broken.get_data(good))
    assert report.share == pytest.approx(3 / len(broken.ch_names))


def test_channels_between_others_stay_where_they_are(broken):
    mixed = broken.copy().set_channel_types({"Fp1": "eog", "Cz": "misc"}, verbose="error")
    made, report = run(mixed, BadChannels())
    assert made.ch_names == mixed.ch_names
    assert_array_equal(made.get_data(["Fp1", "Cz"]), mixed.get_data(["Fp1", "Cz"]))
    assert "P4" in report.channels


def test_a_channel_that_was_marked_before_is_interpolated_too_and_misleads_nobody(broken):
    marked = broken.copy()
    marked.info["bads"] = ["P4"]
    made, report = run(marked, BadChannels())
    assert set(report.channels) == {"C3", "P4", "Oz"}
    assert made.info["bads"] == []
    assert "P4" not in " ".join(report.notes)


def test_a_good_recording_is_flagged_as_unchanged(real):
    assert run(real, BadChannels())[1].notes == ("changed nothing",)


def test_an_amplifier_that_pauses_makes_no_channel_bad(real):
    raw = real.copy()
    raw[:, 1600:2880] = raw[:, 1600][0]
    assert run(raw, BadChannels(correlation=None, line_noise=None))[1].channels == ()


def test_a_channel_that_never_changes_is_bad_however_short_the_recording(real):
    raw = real.copy().crop(0, 2.0)
    raw["Cz"] = 0.0
    assert run(raw, BadChannels(correlation=None, line_noise=None))[1].channels == ("Cz",)


@pytest.mark.parametrize("then", ["interpolate", "mark"])
def test_without_positions_the_way_out_is_named(real, then):
    raw = real.copy().set_montage(None)
    with pytest.raises(
        RecordingError,
        match=r"bad_channels: no position for .* and \d+ more; put a step montage before",
    ):
        run(raw, BadChannels(then=then))


def test_positions_in_the_wrong_unit_are_refused(real):
    raw = real.copy()
    for channel in raw.info["chs"]:
        channel["loc"][:3] *= 1000
    with pytest.raises(RecordingError, match="is the unit right"):
        run(raw, BadChannels())


@pytest.mark.parametrize(
    ("change", "said"),
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
def test_what_cannot_be_searched_is_refused_in_one_line(real, change, said):
    raw = real.copy()
    change(raw)
    with pytest.raises(RecordingError, match=f"bad_channels: .*{said}"):
        run(raw, BadChannels())


def test_too_few_channels_are_known_from_the_header():
    with pytest.raises(RecordingError, match="needs 8 EEG channels or more, got C3, C4"):
        BadChannels().output_spec(
            SignalSpec(("C3", "C4", "EOG"), ("eeg", "eeg", "eog"), Fraction(250))
        )


@pytest.mark.parametrize(
    "wrong",
    [
        {"flat": 0},
        {"correlation": 1.5},
        {"line_noise": -1},
        {"broken": 2},
        {"then": "drop"},
        {"correlation": True},
    ],
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        BadChannels(**wrong)
