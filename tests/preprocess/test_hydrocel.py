"""The table of HydroCel equivalents against the published pairs and MNE's templates; names there and back."""

from __future__ import annotations

from fractions import Fraction

import mne
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess import positions
from bids_dl.preprocess.hydrocel import N_ELECTRODES, TO_1010, canonical, from_1010, to_1010
from bids_dl.preprocess.recipe import Recipe
from bids_dl.preprocess.steps.rename import Rename

NET = [*(f"E{i}" for i in range(1, N_ELECTRODES + 1)), "Cz"]
# fmt: off
# Truong et al. 2021 (arXiv 2105.04762), with old names of the 10-20 system
PUBLISHED = {
    "Fp1": 22, "Fp2": 9, "F7": 33, "F3": 24, "Fz": 11, "F4": 124, "F8": 122, "FC3": 29, "FCz": 6, "FC4": 111, "T3": 45, "C3": 36,
    "C4": 104, "T4": 108, "CP3": 42, "CPz": 55, "CP4": 93, "T5": 58, "P3": 52, "Pz": 62, "P4": 92, "T6": 96, "O1": 70,
}
# fmt: on


def spec(names):
    return SignalSpec(tuple(names), ("eeg",) * len(names), Fraction(500))


def renamed(names, scheme, **parameters):
    return Rename(scheme=scheme, **parameters).output_spec(spec(names)).ch_names


def test_the_table_holds_every_published_pair():
    assert from_1010(PUBLISHED) == {name: f"E{number}" for name, number in PUBLISHED.items()}


def test_each_name_of_the_table_stands_once():
    assert len(set(TO_1010.values())) == len(TO_1010) == 70


def test_the_table_is_the_same_on_both_sides_of_the_head():
    """The mirror image of an electrode is the electrode of the mirrored name: F3 and F4 lie over E24 and E124, which mirror each other."""
    places = positions.template("GSN-HydroCel-129")
    for number, name in TO_1010.items():
        mirrored = (
            name[:-1] + "z"
            if name.endswith("z")
            else name.rstrip("0123456789") + str(_other_side(name))
        )
        [other] = [n for n, there in TO_1010.items() if there == mirrored]
        np.testing.assert_allclose(
            places[f"e{number}"] * [-1, 1, 1], places[f"e{other}"], atol=3e-3
        )


def _other_side(name):
    number = int(name[-2:] if name.endswith("10") else name[-1])
    return number + 1 if number % 2 else number - 1


def test_an_electrode_lies_near_the_place_of_its_name():
    net, system = (
        positions.template_directions("GSN-HydroCel-129"),
        positions.template_directions("standard_1005"),
    )
    angles = {
        name: np.degrees(np.arccos(net[f"e{number}"] @ system[name.casefold()]))
        for number, name in TO_1010.items()
    }
    assert np.median(list(angles.values())) < 9
    assert (
        max(angles.values()) < 26
    )  # FT7 and FT8, one electrode further down the row; neighbours are 20 degrees apart
    assert np.degrees(np.arccos(net["cz"] @ system["cz"])) < 3


def test_rows_of_the_table_run_from_front_to_back_and_from_left_to_right():
    places = positions.template_directions("GSN-HydroCel-129")
    right, front, up = np.array([places[f"e{number}"] for number in TO_1010]).T
    sideways, forwards = (
        dict(zip(TO_1010.values(), np.arctan2(axis, up), strict=True)) for axis in (right, front)
    )
    for row in (
        "F9 F7 F5 F3 F1 Fz F2 F4 F6 F8 F10",
        "T9 T7 C5 C3 C1 C2 C4 C6 T8 T10",
        "P9 P7 P5 P3 P1 Pz P2 P4 P6 P8 P10",
        "PO7 PO3 POz PO4 PO8",
    ):
        assert (np.diff([sideways[name] for name in row.split()]) > 0).all()
    for column in (
        "Fp1 AF3 F3 FC3 C3 CP3 P3 PO3 O1",
        "Fpz AFz Fz FCz CPz Pz POz Oz",
        "Fp2 AF4 F4 FC4 C4 CP4 P4 PO4 O2",
    ):
        assert (np.diff([forwards[name] for name in column.split()]) < 0).all()


@pytest.mark.parametrize(
    "written",
    [
        NET,
        [f"E{i}" for i in range(1, 130)],
        [*(f"EEG {i:03d}" for i in range(1, 129)), "VREF"],
        [*(f"EEG{i:03d}" for i in range(1, 129)), "Vertex Reference"],
        [*(f"e{i}" for i in range(1, 129)), "CZ"],
    ],
)
def test_however_a_net_is_written_its_names_are_those_of_the_template(written):
    assert renamed(written, "hydrocel") == tuple(
        mne.channels.make_standard_montage("GSN-HydroCel-129").ch_names
    )


def test_names_go_to_the_10_20_system_and_back():
    there = renamed(NET, "hydrocel-to-1020")
    assert there[21] == "Fp1"
    assert there[7] == "E8"
    assert there[128] == "Cz"
    assert renamed(there, "1020-to-hydrocel") == tuple(NET)


@given(st.lists(st.sampled_from(NET), unique=True, min_size=70))
def test_any_part_of_the_net_goes_there_and_back(names):
    assert renamed(renamed(names, "hydrocel-to-1020"), "1020-to-hydrocel") == tuple(names)


def test_a_scheme_comes_before_the_names_and_renames_samples_not_at_all():
    raw = mne.io.RawArray(
        np.arange(12.0).reshape(3, 4),
        mne.create_info(["E45", "E22", "VREF"], 100.0, "eeg"),
        verbose="error",
    )
    step = Rename(scheme="hydrocel-to-1020", names={"t7": "T3"})
    made, reports = Recipe("", "", (step,)).run(raw)
    assert made.ch_names == ["T3", "Fp1", "Cz"]
    np.testing.assert_array_equal(made.get_data(), np.arange(12.0).reshape(3, 4))
    assert reports[0].channels == ("T3", "Fp1", "Cz")


def test_old_names_of_the_10_20_system_become_new_ones():
    assert renamed(["T3", "t4", "T5", "T6", "Cz"], "t3-to-t7") == ("T7", "T8", "P7", "P8", "Cz")


@pytest.mark.parametrize(
    ("names", "scheme", "message"),
    [
        (
            ["Fp1", "Cz9"],
            "hydrocel-to-1020",
            "no channel that the scheme hydrocel-to-1020 knows; the recording has Fp1, Cz9",
        ),
        (
            [f"E{i}" for i in range(1, 65)],
            "hydrocel-to-1020",
            "E1 to E64 are those of a smaller net",
        ),
        ([f"E{i}" for i in range(1, 257)], "hydrocel", "E256 is not on the net of 128 electrodes"),
        (["E0", "E1"], "hydrocel", "E0 is not on the net"),
        (["E129", "Cz", "E22"], "hydrocel", "two channels would be named Cz"),
        (["E22", "Fp1"], "hydrocel-to-1020", "two channels would be named Fp1"),
        (["E1", "E2"], "t3-to-t7", "no channel that the scheme t3-to-t7 knows"),
    ],
)
def test_a_scheme_that_does_not_fit_is_refused(names, scheme, message):
    with pytest.raises(RecordingError, match=message):
        renamed(names, scheme)


def test_a_scheme_that_knows_nothing_may_be_ignored():
    assert renamed(["C3", "C4"], "t3-to-t7", missing="ignore") == ("C3", "C4")


def test_rename_needs_names_or_a_scheme_that_there_is():
    with pytest.raises(ValidationError, match="give names"):
        Rename()
    with pytest.raises(ValidationError, match="hydrocel-to-1020"):
        Rename(scheme="hydrocel-to-1010")


def test_names_that_are_not_of_the_net_stay():
    assert canonical(["ECG", "EOG1", "E1x", "EMG1"]) == {}
    assert to_1010(["E22", "EOG"]) == {"E22": "Fp1"}
