"""Channels of a file, matched to the rows of channels.tsv, and their types."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bids_dl.datamodel import BRAIN_TYPES
from bids_dl.errors import RecordingError
from bids_dl.source.electrodes import is_electrode
from bids_dl.wording import join_names

MNE_TYPES = {
    "eeg": "eeg",
    "seeg": "seeg",
    "ecog": "ecog",
    "dbs": "dbs",
    "eog": "eog",
    "veog": "eog",
    "heog": "eog",
    "ecg": "ecg",
    "emg": "emg",
    "resp": "resp",
    "gsr": "gsr",
    "eyegaze": "eyegaze",
    "pupil": "pupil",
    "temp": "temperature",
    "trig": "stim",
    "misc": "misc",
}
"""BIDS channel type in lower case (1.10, "Channels description") -> MNE's. Others are "misc"."""

MISSING = {"", "n/a"}
# EDF+ writes the kind of signal before a channel's name, and its reference after it
EDF_PREFIX = re.compile(r"(eeg|ieeg|seeg|ecog|dbs|eog|ecg|emg)[\s_:-]+(?=\S)", re.IGNORECASE)
EDF_SUFFIX = re.compile(r"(?<=\S)-(ref|le|ar|avg|av)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """One row of channels.tsv."""

    name: str
    bids_type: str  # as written, "" without a column type
    unit: str  # as written, "" without a column units
    is_bad: bool

    @property
    def ch_type(self) -> str:
        """MNE's channel type, "" if the row has no type."""
        bids_type = self.bids_type.casefold()
        return "" if bids_type in MISSING else MNE_TYPES.get(bids_type, "misc")


def parse_channel_rows(columns: Mapping[str, tuple[str, ...]]) -> tuple[ChannelRow, ...]:
    """Parse the rows of channels.tsv.

    Parameters
    ----------
    columns
        Columns of channels.tsv as text.

    Returns
    -------
    tuple of ChannelRow
        Empty if there is no column name.

    Raises
    ------
    RecordingError
        Stage "channels": two rows have the same name.
    """
    names = columns.get("name", ())
    duplicates = [name for name, count in Counter(names).items() if count > 1]
    if duplicates:
        raise RecordingError(
            "channels",
            f"channels.tsv has {join_names(duplicates)} more than once; "
            "channel names must be unique",
        )
    blank = ("",) * len(names)
    types = columns.get("type", blank)
    units = columns.get("units", blank)
    status = columns.get("status", blank)
    rows = []
    for i, name in enumerate(names):
        rows.append(ChannelRow(name, types[i], units[i], status[i].casefold() == "bad"))
    return tuple(rows)


def match_rows(labels: Sequence[str], table: Sequence[ChannelRow]) -> list[ChannelRow | None]:
    """Match the channels of a file to the rows of channels.tsv.

    Names are compared exactly, then without case, spaces and dots (``Fc5.``), then also without
    the kind of signal and the reference that EDF adds to a name (``EEG Fp1-Ref``). The comparison
    that matches the most channels is used for all.

    Parameters
    ----------
    labels
        Channel names in the file.
    table
        Rows of channels.tsv.

    Returns
    -------
    list
        Row of each channel, None for a channel that is missing from channels.tsv.

    Raises
    ------
    RecordingError
        Stage "channels": both the file and channels.tsv have names without a match, so that a
        channel may have been renamed.
    """
    candidates = [_match_by_key(labels, table, key) for key in (str, _without_case, _bare_name)]
    rows = max(candidates, key=lambda matches: sum(row is not None for row in matches))
    matched = {row.name for row in rows if row}
    only_in_file = [label for label, row in zip(labels, rows, strict=True) if row is None]
    only_in_table = [row.name for row in table if row.name not in matched]
    if only_in_file and (only_in_table or not matched):
        raise RecordingError(
            "channels",
            f"the file has {len(labels)} channels and channels.tsv {len(table)}; "
            f"only in the file: {join_names(only_in_file)}; "
            f"only in channels.tsv: {join_names(only_in_table) or 'none'}; "
            "make their names agree",
        )
    return rows


def determine_types(
    labels: Sequence[str],
    rows: Sequence[ChannelRow | None],
    mne_types: Sequence[str],
    *,
    has_types: bool,
) -> list[str]:
    """Determine MNE's type of each channel.

    With a channels.tsv, its types are used; if a row has none, a 10-05 name is EEG and any other
    is misc. Without a channels.tsv, the types of the file are used; if its format has none, the
    same rule applies, provided that at least half of the channels have a 10-05 name.

    Parameters
    ----------
    labels
        Channel names in the file.
    rows
        Row of each channel from `match_rows`.
    mne_types
        Types as MNE reads them.
    has_types
        True if the file format stores channel types.

    Returns
    -------
    list of str
        MNE's types.
    """
    is_1005 = [is_electrode(_strip_edf(label)) for label in labels]
    types = list(mne_types)
    if any(rows):
        for i, row in enumerate(rows):
            if row:
                types[i] = row.ch_type or _type_by_name(is_1005[i])
        return types
    n_signals = sum(mne_type != "stim" for mne_type in mne_types)
    if has_types or 2 * sum(is_1005) < n_signals:
        return types
    for i, mne_type in enumerate(mne_types):
        if is_1005[i] or mne_type == "eeg":
            types[i] = _type_by_name(is_1005[i])
    return types


def notes_on_types(
    labels: Sequence[str],
    rows: Sequence[ChannelRow | None],
    mne_types: Sequence[str],
    types: Sequence[str],
) -> tuple[str, ...]:
    """List the channels whose type was determined by their name, one line per type.

    Parameters
    ----------
    labels, rows, mne_types
        As in `determine_types`.
    types
        Result of `determine_types`.
    """
    eeg_names: list[str] = []
    misc_names: list[str] = []
    for label, row, mne_type, ch_type in zip(labels, rows, mne_types, types, strict=True):
        by_name = not row.ch_type if row else mne_type != ch_type
        if by_name and ch_type == "eeg":
            eeg_names.append(label)
        elif by_name and ch_type == "misc":
            misc_names.append(label)
    notes = []
    if eeg_names:
        notes.append(f"{join_names(eeg_names)}: no type given, EEG because of their 10-05 names")
    if misc_names:
        notes.append(f"{join_names(misc_names)}: no type given and no 10-05 name, so misc")
    return tuple(notes)


def is_brain_channel(label: str, row: ChannelRow | None) -> bool:
    """Return whether channels.tsv, or else the name, declares a channel as brain signal."""
    if row and row.ch_type:
        return row.ch_type in BRAIN_TYPES
    return is_electrode(_strip_edf(label))


def _type_by_name(is_1005: bool) -> str:
    """Return the type of a channel of unknown type."""
    return "eeg" if is_1005 else "misc"


def _match_by_key(
    labels: Sequence[str], table: Sequence[ChannelRow], key: Callable[[str], str]
) -> list[ChannelRow | None]:
    """Match channels to rows with an equal key, none at all if the keys are ambiguous."""
    rows_by_key = {key(row.name): row for row in table}
    keys = [key(label) for label in labels]
    if len(rows_by_key) < len(table) or len(set(keys)) < len(keys):
        return [None] * len(labels)
    return [rows_by_key.get(label_key) for label_key in keys]


def _strip_edf(label: str) -> str:
    """Remove the kind of signal and the reference that EDF adds to a name."""
    return EDF_SUFFIX.sub("", EDF_PREFIX.sub("", re.sub(r"[\s.\0]+$", "", label)))


def _without_case(name: str) -> str:
    """Return a name without case, spaces, dots and NUL characters."""
    return re.sub(r"[\s.\0]", "", name).casefold()


def _bare_name(name: str) -> str:
    """Return a name as in `_without_case`, also without the additions of EDF."""
    return _without_case(_strip_edf(name))
