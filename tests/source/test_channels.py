"""Rows of channels.tsv: parsing, matching to the file, and channel types."""

from __future__ import annotations

import pytest

from bids_dl.errors import RecordingError
from bids_dl.source.channels import (
    ChannelRow,
    determine_types,
    is_brain_channel,
    match_rows,
    notes_on_types,
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
        ("", ""),
    ],
)
def test_bids_types_are_converted_to_those_of_mne(bids_type, ch_type):
    assert ChannelRow("Cz", bids_type, "", is_bad=False).ch_type == ch_type


def test_missing_columns_are_blank():
    rows = parse_channel_rows({"name": ("Cz", "Pz"), "status": ("Bad", "good")})
    assert rows == (ChannelRow("Cz", "", "", is_bad=True), ChannelRow("Pz", "", "", is_bad=False))


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


def test_types_of_channels_tsv_take_precedence_over_those_of_the_file():
    rows = [*rows_of("Cz", bids_type="EOG"), None]
    types = determine_types(("Cz", "Sync"), rows, ("eeg", "stim"), has_types=True)
    assert types == ["eog", "stim"]


def test_a_row_without_a_type_is_eeg_if_its_name_is_in_the_10_05_system():
    rows = list(rows_of("Cz", "Knee", bids_type="n/a"))
    types = determine_types(("cz.", "Knee"), rows, ("eeg", "eeg"), has_types=False)
    assert types == ["eeg", "misc"]
    assert notes_on_types(("cz.", "Knee"), rows, ("eeg", "eeg"), types) == (
        "cz.: no type given, EEG because of their 10-05 names",
        "Knee: no type given and no 10-05 name, so misc",
    )


def test_types_of_the_file_are_used_without_channels_tsv():
    types = determine_types(("Cz", "X"), (None, None), ("eeg", "eog"), has_types=True)
    assert types == ["eeg", "eog"]


def test_names_determine_types_if_neither_the_file_nor_channels_tsv_has_any():
    labels = ("Cz", "Pz", "Knee", "Status")
    mne_types = ("eeg", "misc", "eeg", "stim")
    types = determine_types(labels, [None] * 4, mne_types, has_types=False)
    assert types == ["eeg", "eeg", "misc", "stim"]
    assert notes_on_types(labels, [None] * 4, mne_types, types) == (
        "Pz: no type given, EEG because of their 10-05 names",
        "Knee: no type given and no 10-05 name, so misc",
    )


def test_names_do_not_determine_types_if_few_are_in_the_10_05_system():
    types = determine_types(("Cz", "E1", "E2"), [None] * 3, ("eeg",) * 3, has_types=False)
    assert types == ["eeg", "eeg", "eeg"]


@pytest.mark.parametrize(
    ("label", "bids_type", "expected"),
    [
        ("X1", "SEEG", True),
        ("Cz", "EOG", False),
        ("Cz", "n/a", True),
        ("X1", "n/a", False),
        ("EEG Cz-Ref", None, True),
    ],
)
def test_brain_signal_is_declared_by_channels_tsv_or_else_by_name(label, bids_type, expected):
    row = None if bids_type is None else ChannelRow(label, bids_type, "", is_bad=False)
    assert is_brain_channel(label, row) == expected
