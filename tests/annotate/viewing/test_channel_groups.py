"""Names of contacts and electrodes, and the order in which readers expect them."""

from __future__ import annotations

import pytest
from array_signals import TEN_TWENTY

from bids_dl.annotate.viewing.channel_groups import (
    Contact,
    canonical_electrode,
    find_region,
    make_channels,
    parse_contact,
    reading_order,
)


@pytest.mark.parametrize(
    ("name", "contact"),
    [
        ("A1", Contact("A", 1)),
        ("A01", Contact("A", 1)),
        ("B'10", Contact("B'", 10)),
        ("B\u201910", Contact("B'", 10)),
        ("TB'2", Contact("TB'", 2)),
        ("POL LA3", Contact("LA", 3)),
        ("EEG OF12-Ref", Contact("OF", 12)),
        ("G64", Contact("G", 64)),
        ("LA 3", Contact("LA", 3)),
        ("Fp1-F7", None),
        ("ECG", None),
        ("12", None),
        ("", None),
    ],
)
def test_a_contact_is_letters_a_prime_and_a_number(name, contact):
    assert parse_contact(name) == contact


@pytest.mark.parametrize(
    ("name", "electrode"),
    [
        ("Fp1", "fp1"),
        ("FP1", "fp1"),
        ("EEG T3-LE", "t7"),
        ("t6", "p8"),
        ("Fc5.", "fc5"),
        ("Cz..", "cz"),
        ("EEG Pz-A1", ""),  # a difference is not an electrode
        ("ECG", ""),
        ("X1", ""),
    ],
)
def test_old_and_new_names_of_electrodes_are_one_name(name, electrode):
    assert canonical_electrode(name) == electrode


def test_temporal_electrodes_of_the_ten_twenty_system_are_in_their_rows():
    assert [find_region(name) for name in ("T3", "T7", "T5", "P8", "Fz")] == [
        *("central", "central", "parietal", "parietal", "frontal")
    ]


def test_scalp_electrodes_are_read_from_front_to_back_and_left_to_right():
    channels = make_channels([*reversed(TEN_TWENTY), "EKG"], ["eeg"] * 19 + ["ecg"])
    ordered = [channels[number].name for number in reading_order(channels)]
    assert ordered == [*TEN_TWENTY, "EKG"]


def test_shafts_stay_in_the_order_of_the_file_and_contacts_are_numbered():
    names = ["B'2", "B'10", "B'1", "A2", "A1", "odd name", "ECG"]
    channels = make_channels(names, ["seeg"] * 6 + ["ecg"])
    ordered = [channels[number].name for number in reading_order(channels)]
    assert ordered == ["B'1", "B'2", "B'10", "A1", "A2", "odd name", "ECG"]
    assert [channel.group for channel in channels] == ["B'", "B'", "B'", "A", "A", "", ""]


def test_caps_with_numbered_sensors_keep_the_order_of_the_file():
    names = [f"{letter}{number}" for letter in "DABC" for number in range(1, 33)]
    channels = make_channels(names, ["eeg"] * len(names))
    assert reading_order(channels) == list(range(128))
    assert {channel.group for channel in channels} == {""}


def test_channels_that_are_not_in_volts_are_not_shown():
    kinds = ["eeg", "stim", "misc", "eog", "ecg", "emg", "resp", "eeg"]
    channels = make_channels([f"X{i}" for i in range(8)], kinds, bads=["X7"])
    assert [channel.name for channel in channels] == ["X0", "X3", "X4", "X5", "X7"]
    assert [channel.is_bad for channel in channels] == [False] * 4 + [True]
