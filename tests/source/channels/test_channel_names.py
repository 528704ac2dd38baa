"""Types of channels by their names, and the running numbers of repeated labels."""

from __future__ import annotations

import doctest

import pytest
from mne._fiff.meas_info import _unique_channel_names

from bids_dl.source.channels import channel_names
from bids_dl.source.channels.channel_names import bare_label, number_repeats, types_by_name


def types_of(*labels: str, intracranial: str = "") -> list[str]:
    return [named.ch_type for named in types_by_name(labels, intracranial=intracranial)]


def basis_of(label: str) -> str:
    return types_by_name([label])[0].basis


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(channel_names).failed == 0


@pytest.mark.parametrize(
    "label", ["Cz", "fc5.", "AFp3h", "T3", "Sp1", "C3'", "M1", "EEG Fp1", "EEG Fp1-Ref", "Cz-0"]
)
def test_electrodes_of_the_scalp_are_eeg(label):
    assert (types_of(label), basis_of(label)) == (["eeg"], "electrode")


@pytest.mark.parametrize(
    "label",
    ["C3-M2", "FP1-F7", "EEG Fpz-Cz", "C4:A1", "P3_O1", "C3A2", "F7T3", "T3 - A2", "POL C3-A2"],
)
def test_pairs_of_electrodes_are_eeg(label):
    assert (types_of(label), basis_of(label)) == (["eeg"], "pair")


@pytest.mark.parametrize("label", ["EEG A2-A1", "M1-M2", "A1A2"])
def test_the_difference_of_the_ears_is_no_brain_signal(label):
    assert types_of(label) == ["misc"]


@pytest.mark.parametrize("label", ["EEG 001", "EEG", "EEG(sec)", "EEG 31-REF", "EEG2"])
def test_a_label_that_says_eeg_is_eeg(label):
    assert (types_of(label), basis_of(label)) == (["eeg"], "label")


@pytest.mark.parametrize(
    ("ch_type", "labels"),
    [
        ("ecg", ["ECG", "EKG1", "ECG ECG", "ECG1-ECG2", "EEG EKG1-REF", "POL EKG2", "ecg_ii"]),
        ("eog", ["EOG horizontal", "HEOG", "E1-M2", "E2", "LOC-A2", "ROC", "EOG(L)", "VEO", "IO1"]),
        ("emg", ["Chin1-Chin2", "EMG submental", "Leg/L", "RAT", "PLMl", "EEG EMG-REF"]),
        ("resp", ["Flow", "Thor", "ABDO RES", "Resp oro-nasal", "NasalPressure", "AIRFLOW"]),
        ("gsr", ["GSR1", "EDA"]),
        ("temperature", ["Temp rectal", "Temperature"]),
        ("stim", ["Status", "Trigger Event", "STI 014"]),
        ("misc", ["SpO2", "SaO2", "Pulse", "H.R.", "PlethWave", "Snore", "Body Position", "Mic"]),
        ("misc", ["PHOTIC-REF", "AccX", "acc_y", "Event marker", "DC09", "EXG3", "audio"]),
    ],
)
def test_well_known_other_signals_are_not_eeg(ch_type, labels):
    for label in labels:
        assert (label, types_of(label), basis_of(label)) == (label, [ch_type], "signal")


@pytest.mark.parametrize("label", ["X1", "Knee", "CQ_AF3", "Delta_TP9", "Ch33", "Left", "$A", "-"])
def test_other_names_are_unknown(label):
    assert (types_of("Cz", label)[1], basis_of(label)) == ("misc", "unknown")


def test_numbered_sensors_of_a_cap_are_eeg():
    biosemi = [f"{letter}{i}" for letter in "AB" for i in range(1, 33)]
    assert types_of(*biosemi, "EXG1", "Status") == ["eeg"] * 64 + ["misc", "stim"]
    assert types_of(*(f"E{i}" for i in range(1, 129)), "Cz") == ["eeg"] * 129


def test_two_eye_electrodes_are_no_cap():
    assert types_of("C3", "C4", "E1", "E2") == ["eeg", "eeg", "eog", "eog"]


def test_channels_that_are_only_numbered_are_eeg_if_nothing_else_is():
    assert types_of("Ch1", "Ch2", "Ch3", "Ch4", "Trigger") == ["eeg"] * 4 + ["stim"]
    assert types_of("1", "2", "3", "4") == ["eeg"] * 4
    assert types_of("Ch1", "Ch2", "Ch3", "Ch4", "Cz") == ["misc"] * 4 + ["eeg"]
    assert types_of("Ch1", "Ch2") == ["misc"] * 2


@pytest.mark.parametrize(
    "labels",
    [
        ("LA1", "LA2", "LA3"),
        ("A'1", "A'2"),
        ("POL RH01", "POL RH02"),
        ("EEG LT1-Ref", "EEG LT2-Ref"),
        ("G_1", "G_2", "G_64"),
        ("LA-1", "LA-2"),
        ("LA1-LA2", "LA2-LA3"),
        ("LA1-2", "LA2-3"),
        ("ACC1", "ACC2"),  # cingulate cortex, not an accelerometer
        ("TEMP1", "TEMP2"),
        ("C1", "C2", "C3", "C4"),
        ("M1-M2", "M2-M3"),
    ],
)
def test_contacts_of_one_shaft_are_intracranial(labels):
    assert types_of(*labels, intracranial="seeg") == ["seeg"] * len(labels)


def test_scalp_electrodes_and_other_signals_beside_shafts_keep_their_types():
    labels = ("LA1", "LA2", "Fz", "C3", "C4", "O1", "O2", "EKG1", "EKG2", "DC01", "DC02", "LZ9")
    expected = ["seeg"] * 2 + ["eeg"] * 5 + ["ecg"] * 2 + ["misc"] * 3
    assert types_of(*labels, intracranial="seeg") == expected


def test_contacts_are_unknown_in_a_recording_from_the_scalp():
    assert types_of("Cz", "LA1", "LA2") == ["eeg", "misc", "misc"]


@pytest.mark.parametrize(
    ("label", "bare"),
    [("EEG Fp1-REF", "Fp1"), ("POL A1", "A1"), ("SEEG_x", "x"), ("Cz-avg", "Cz"), ("EEG", "EEG")],
)
def test_additions_of_edf_are_removed(label, bare):
    assert bare_label(label) == bare


@pytest.mark.parametrize(
    "labels",
    [
        ["Cz", "Cz"],
        ["EEG Cz-Ref", "Fz", "EEG Cz-Ref", "EEG Cz-Ref"],
        ["Cz", "Cz", "Cz-0", "Pz"],
        ["Cz", "Pz"],
        [""] * 12,
    ],
)
def test_repeated_labels_are_numbered_as_by_mne(labels):
    expected = _unique_channel_names(list(labels), verbose="error")
    assert number_repeats(labels) == expected
