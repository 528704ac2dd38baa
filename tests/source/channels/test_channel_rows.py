"""Rows of channels.tsv: parsing, matching to the file, and channel types."""

from __future__ import annotations

import pytest

from bids_dl.errors import RecordingError
from bids_dl.source.channels.channel_rows import (
    ChannelKind,
    ChannelRow,
    check_brain_signal,
    determine_kinds,
    match_rows,
    notes_on_kinds,
    parse_channel_rows,
)


def rows_of(*names: str, bids_type: str = "EEG") -> tuple[ChannelRow, ...]:
    return tuple(ChannelRow(name, bids_type, "uV", is_bad=False) for name in names)


@pytest.mark.parametrize(
    ("bids_type", "ch_type"),
    [
        ("EEG", "eeg"),
        ("VEOG", "eog"),
        ("TRIG", "stim"),
        ("TEMP", "temperature"),
        ("AUDIO", "misc"),
        ("n/a", ""),
        ("NaN", ""),
        ("", ""),
    ],
)
def test_bids_types_are_converted_to_those_of_mne(bids_type, ch_type):
    assert ChannelRow("Cz", bids_type, "", is_bad=False).ch_type == ch_type


def test_missing_columns_are_blank():
    rows = parse_channel_rows({"name": ("Cz", "Pz"), "status": ("Bad", "good")})
    assert rows == (ChannelRow("Cz", "", "", is_bad=True), ChannelRow("Pz", "", "", is_bad=False))


def test_rows_without_a_name_are_omitted():
    rows = parse_channel_rows({"name": ("n/a", "Cz", "", "n/a")})
    assert [row.name for row in rows] == ["Cz"]


def test_a_table_without_names_has_no_rows():
    assert parse_channel_rows({"type": ("EEG",)}) == ()


def test_a_duplicate_name_in_channels_tsv_is_refused():
    with pytest.raises(RecordingError, match=r"^channels: channels\.tsv has Cz more than once"):
        parse_channel_rows({"name": ("Cz", "Pz", "Cz")})


@pytest.mark.parametrize(
    "labels",
    [("Fc5", "Cz"), ("FC5.", "cz.."), ("EEG Fc5-REF", "EEG Cz-REF"), ("SEEG_fc5", "Cz-avg")],
)
def test_names_match_without_case_dots_and_the_additions_of_edf(labels):
    table = rows_of("Cz", "Fc5")
    assert match_rows(labels, table) == [table[1], table[0]]


def test_a_channel_that_is_missing_from_channels_tsv_has_no_row():
    table = rows_of("Cz")
    assert match_rows(("Cz", "Sync"), table) == [table[0], None]


def test_names_without_a_match_on_both_sides_are_refused_with_both_lists():
    message = (
        r"the file has 2 channels and channels\.tsv 2; only in the file: Cz\.\.; "
        r"only in channels\.tsv: Czz"
    )
    with pytest.raises(RecordingError, match=message):
        match_rows(("Cz..", "Pz.."), rows_of("Czz", "Pz"))


@pytest.mark.parametrize(
    "labels",
    [("Fz", "Cz-0", "Cz-1"), ("EEG Fz", "EEG Cz-0", "EEG Cz-1"), ("Fz..", "Cz..-0", "Cz..-1")],
)
def test_the_running_numbers_of_repeated_labels_match(labels):
    table = rows_of("Cz-1", "Cz-0", "Fz")
    assert match_rows(labels, table) == [table[2], table[1], table[0]]


def test_the_running_number_follows_the_reference_in_a_label():
    table = rows_of("Cz-0", "Cz-1")
    assert match_rows(("EEG Cz-Ref-0", "EEG Cz-Ref-1"), table) == list(table)


def test_types_of_channels_tsv_take_precedence_over_those_of_the_file():
    rows = [*rows_of("Cz", bids_type="EOG"), None]
    kinds = determine_kinds(("Cz", "Sync"), rows, ("eeg", "stim"), file_types="stated")
    assert kinds == [ChannelKind("eog", "table"), ChannelKind("stim", "file")]


def test_a_row_without_a_type_has_the_type_of_its_name():
    rows = list(rows_of("Cz", "Knee", "ECG", bids_type="n/a"))
    labels = ("cz.", "Knee", "ECG")
    kinds = determine_kinds(labels, rows, ("eeg",) * 3)
    assert [kind.ch_type for kind in kinds] == ["eeg", "misc", "ecg"]
    assert notes_on_kinds(dict(zip(labels, kinds, strict=True))) == (
        "cz.: no type given, EEG because of their 10-05 names",
        "Knee: no type given and no known name, so misc",
        "ECG (ecg): no type given, not brain signal because of their names",
    )


@pytest.mark.parametrize("rows", [(None,) * 3, rows_of("Cz", "ECG", "X", bids_type="n/a")])
def test_types_that_the_file_states_take_precedence_over_names(rows):
    kinds = determine_kinds(("Cz", "ECG", "X"), rows, ("eeg", "eeg", "eog"), file_types="stated")
    assert [kind.ch_type for kind in kinds] == ["eeg", "eeg", "eog"]
    assert notes_on_kinds(dict(zip(("Cz", "ECG", "X"), kinds, strict=True))) == ()


def test_names_correct_the_default_type_of_a_format_and_unknown_names_are_noted():
    labels = ("Cz", "Flow", "X1")
    kinds = determine_kinds(labels, [None] * 3, ("eeg",) * 3, file_types="default")
    assert [kind.ch_type for kind in kinds] == ["eeg", "resp", "eeg"]
    assert notes_on_kinds(dict(zip(labels, kinds, strict=True))) == (
        "X1: no type given and no known name, EEG by default of the file format",
        "Flow (resp): no type given, not brain signal because of their names",
    )


def test_names_determine_types_if_neither_the_file_nor_channels_tsv_has_any():
    labels = ("Cz", "Pz", "Knee", "Status")
    kinds = determine_kinds(labels, [None] * 4, ("eeg", "misc", "eeg", "stim"))
    assert [kind.ch_type for kind in kinds] == ["eeg", "eeg", "misc", "stim"]


def test_each_reason_for_a_type_has_its_line():
    labels = ("Fz", "C3-M2", "EEG 1", "LA1", "LA2")
    kinds = determine_kinds(labels, [None] * 5, ("eeg",) * 5, brain_type="ecog")
    assert notes_on_kinds(dict(zip(labels, kinds, strict=True))) == (
        "Fz: no type given, EEG because of their 10-05 names",
        "C3-M2: no type given, EEG because their names are pairs of electrodes, "
        "which have no common reference",
        "EEG 1: no type given, EEG because of the kind in their labels",
        "LA1, LA2: no type given, ECoG because their names are contacts of a shaft",
    )


def test_a_recording_without_any_known_brain_signal_is_refused():
    labels = ("X1", "ECG")
    kinds = determine_kinds(labels, [None] * 2, ("eeg",) * 2)
    with pytest.raises(RecordingError, match=r"^channels: no channel is known .* for X1; state"):
        check_brain_signal(dict(zip(labels, kinds, strict=True)))


def test_a_recording_whose_channels_are_all_known_may_have_no_brain_signal():
    kinds = determine_kinds(("X1",), rows_of("X1", bids_type="EMG"), ("eeg",))
    check_brain_signal({"X1": kinds[0]})


@pytest.mark.parametrize(
    ("labels", "file_types", "expected"),
    [
        (("Cz",), "none", True),
        (("ECG",), "none", False),
        (("X1",), "default", False),
        (("Ch1", "Ch2", "Ch3", "Ch4"), "none", False),
    ],
)
def test_defaults_are_not_known_to_be_brain_signal(labels, file_types, expected):
    n = len(labels)
    kinds = determine_kinds(labels, [None] * n, ["eeg"] * n, file_types=file_types)
    assert kinds[0].is_known_brain == expected
