"""HydroCel equivalents against published pairs and MNE's templates, and mappings of names."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.preprocess import positions
from bids_dl.preprocess.hydrocel import (
    N_ELECTRODES,
    TO_1010,
    from_1010,
    from_old_1020,
    net_names,
    to_1010,
)

NET = [*(f"E{i}" for i in range(1, N_ELECTRODES + 1)), "Cz"]
# fmt: off
# Truong et al. 2021 (arXiv 2105.04762), with old names of the 10-20 system
PUBLISHED = {
    "Fp1": 22, "Fp2": 9, "F7": 33, "F3": 24, "Fz": 11, "F4": 124, "F8": 122, "FC3": 29, "FCz": 6,
    "FC4": 111, "T3": 45, "C3": 36, "C4": 104, "T4": 108, "CP3": 42, "CPz": 55, "CP4": 93,
    "T5": 58, "P3": 52, "Pz": 62, "P4": 92, "T6": 96, "O1": 70,
}
# fmt: on


def apply_mapping(mapping, names):
    return [mapping.get(name, name) for name in names]


def mirrored_name(name):
    """Return the 10-10 name of the mirrored position: odd numbers are on the left."""
    if name.endswith("z"):
        return name
    digits = 2 if name.endswith("10") else 1
    number = int(name[-digits:])
    return f"{name[:-digits]}{number + 1 if number % 2 else number - 1}"


def test_the_table_holds_every_published_pair():
    assert from_1010(PUBLISHED) == {name: f"E{number}" for name, number in PUBLISHED.items()}


def test_each_name_of_the_table_occurs_once():
    assert len(set(TO_1010.values())) == len(TO_1010) == 70


def test_the_table_is_the_same_on_both_sides_of_the_head():
    """F3 and F4 are E24 and E124, whose positions mirror each other; so for all pairs."""
    net = positions.template_positions("GSN-HydroCel-129")
    numbers = {name: number for number, name in TO_1010.items()}
    for number, name in TO_1010.items():
        other = numbers[mirrored_name(name)]
        np.testing.assert_allclose(net[f"e{number}"] * [-1, 1, 1], net[f"e{other}"], atol=3e-3)


def test_each_electrode_is_near_the_position_of_its_10_10_name():
    net = positions.template_directions("GSN-HydroCel-129")
    system = positions.template_directions("standard_1005")
    angles = [
        np.degrees(np.arccos(net[f"e{number}"] @ system[name.casefold()]))
        for number, name in TO_1010.items()
    ]
    assert np.median(angles) < 9
    # FT7 and FT8 are one electrode further down; neighbours are 20 degrees apart.
    assert max(angles) < 26
    assert np.degrees(np.arccos(net["cz"] @ system["cz"])) < 3


def test_rows_run_from_left_to_right_and_columns_from_front_to_back():
    net = positions.template_directions("GSN-HydroCel-129")
    right, front, up = np.array([net[f"e{number}"] for number in TO_1010]).T
    sideways = dict(zip(TO_1010.values(), np.arctan2(right, up), strict=True))
    forwards = dict(zip(TO_1010.values(), np.arctan2(front, up), strict=True))
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
    "spelling",
    [
        NET,
        [f"E{i}" for i in range(1, 130)],
        [*(f"EEG {i:03d}" for i in range(1, 129)), "VREF"],
        [*(f"EEG{i:03d}" for i in range(1, 129)), "Vertex Reference"],
        [*(f"e{i}" for i in range(1, 129)), "CZ"],
    ],
)
def test_every_spelling_of_the_net_maps_to_the_names_of_the_template(spelling):
    template = mne.channels.make_standard_montage("GSN-HydroCel-129").ch_names
    assert list(net_names(spelling).values()) == template


def test_electrodes_without_an_equivalent_keep_their_names():
    names = list(to_1010(NET).values())
    assert (names[21], names[7], names[128]) == ("Fp1", "E8", "Cz")
    assert apply_mapping(from_1010(names), names) == NET


@given(st.lists(st.sampled_from(NET), unique=True, min_size=70))
def test_any_part_of_the_net_maps_to_10_10_names_and_back(names):
    mapped = apply_mapping(to_1010(names), names)
    assert apply_mapping(from_1010(mapped), mapped) == names


def test_old_names_of_the_10_20_system_map_to_new_ones():
    assert from_old_1020(["T3", "t4", "T5", "T6", "Cz"]) == {
        "T3": "T7",
        "t4": "T8",
        "T5": "P7",
        "T6": "P8",
    }


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([f"E{i}" for i in range(1, 65)], "E1 to E64 are the electrodes of a smaller net"),
        ([f"E{i}" for i in range(1, 257)], "E256 is not on the net of 128 electrodes"),
        (["E0", "E1"], "E0 is not on the net"),
    ],
)
def test_the_numbers_of_another_net_are_refused(names, message):
    with pytest.raises(ValueError, match=message):
        net_names(names)


def test_names_that_are_not_of_the_net_are_left_out():
    assert net_names(["ECG", "EOG1", "E1x", "EMG1"]) == {}
    assert to_1010(["E22", "EOG"]) == {"E22": "Fp1"}
