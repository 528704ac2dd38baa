"""Channels of a file, matched to the rows of channels.tsv, and their types."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from bids_dl.datamodel import BRAIN_TYPES, MISSING_SPELLINGS
from bids_dl.errors import RecordingError
from bids_dl.source.channels.channel_names import Basis, bare_label, types_by_name
from bids_dl.wording import count, join_names

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

NO_NAME = {"", "n/a"}
KNOWN_MATCHES = 128  # most recordings of a dataset have the channels of others
FileTypes: TypeAlias = Literal["stated", "default", "none"]
KindBasis: TypeAlias = Literal["table", "file", "default"] | Basis
DISPLAY_TYPES = {"eeg": "EEG", "seeg": "sEEG", "ecog": "ECoG", "dbs": "DBS"}
REASONS: dict[KindBasis, str] = {
    "electrode": "no type given, {type} because of their 10-05 names",
    "pair": "no type given, {type} because their names are pairs of electrodes, which have no "
    "common reference",
    "label": "no type given, {type} because of the kind in their labels",
    "cap": "no type given, {type} because their names are numbered sensors of a cap",
    "shaft": "no type given, {type} because their names are contacts of a shaft",
    "numbered": "no type given and only numbered, so {type}; state other types in channels.tsv",
    "default": "no type given and no known name, {type} by default of the file format",
    "unknown": "no type given and no known name, so misc",
}
"""Reason for the type of a channel in a note, by its basis."""


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
        if self.bids_type in MISSING_SPELLINGS:
            return ""
        return MNE_TYPES.get(self.bids_type.casefold(), "misc")


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """Type of a channel, and the reason for it."""

    ch_type: str  # MNE's type
    basis: KindBasis

    @property
    def is_brain(self) -> bool:
        """True for brain signal."""
        return self.ch_type in BRAIN_TYPES

    @property
    def is_known_brain(self) -> bool:
        """True for brain signal that is more than the default for channels of unknown kind."""
        return self.is_brain and self.basis not in {"default", "numbered"}


def parse_channel_rows(columns: Mapping[str, tuple[str, ...]]) -> tuple[ChannelRow, ...]:
    """Parse the rows of channels.tsv.

    Parameters
    ----------
    columns
        Columns of channels.tsv as text.

    Returns
    -------
    tuple of ChannelRow
        Empty if there is no column name. Rows without a name are omitted.

    Raises
    ------
    RecordingError
        Stage "channels": two rows have the same name.
    """
    names = columns.get("name", ())
    counts = Counter(name for name in names if name not in NO_NAME)
    duplicates = [name for name, number in counts.items() if number > 1]
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
        if name in counts:
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
    return list(_match_rows(tuple(labels), tuple(table)))


@lru_cache(maxsize=KNOWN_MATCHES)
def _match_rows(
    labels: tuple[str, ...], table: tuple[ChannelRow, ...]
) -> tuple[ChannelRow | None, ...]:
    """Match the channels of a file to the rows of channels.tsv, as `match_rows`."""
    candidates = [_match_by_key(labels, table, key) for key in (str, _without_case, _bare_name)]
    rows = max(candidates, key=lambda matches: sum(row is not None for row in matches))
    matched = {row.name for row in rows if row}
    only_in_file = [label for label, row in zip(labels, rows, strict=True) if row is None]
    only_in_table = [row.name for row in table if row.name not in matched]
    if only_in_file and (only_in_table or not matched):
        raise RecordingError(
            "channels",
            f"the file has {count(len(labels), 'channel')} and channels.tsv {len(table)}; "
            f"only in the file: {join_names(only_in_file)}; "
            f"only in channels.tsv: {join_names(only_in_table) or 'none'}; "
            "make their names agree",
        )
    return tuple(rows)


def determine_kinds(
    labels: Sequence[str],
    rows: Sequence[ChannelRow | None],
    mne_types: Sequence[str],
    *,
    file_types: FileTypes = "none",
    brain_type: str = "eeg",
) -> list[ChannelKind]:
    """Determine the kind of each channel, and the reason.

    The type of channels.tsv is used; else the type that the file states; else that of the name
    (`bids_dl.source.channels.channel_names`); else the type that the format has by default.

    Parameters
    ----------
    labels
        Channel names in the file.
    rows
        Row of each channel from `match_rows`.
    mne_types
        Types as MNE reads them.
    file_types
        Meaning of ``mne_types``: "stated" in the file, "default" of a format that may state them,
        or "none", if MNE only assumes them.
    brain_type
        MNE's type of channels whose name tells brain signal only: that of the datatype.

    Returns
    -------
    list of ChannelKind
        An unknown name without any other type is misc.
    """
    untyped = [i for i, row in enumerate(rows) if not (row and row.ch_type)]
    intracranial = "" if brain_type == "eeg" else brain_type
    named = dict(
        zip(
            untyped,
            types_by_name([labels[i] for i in untyped], intracranial=intracranial),
            strict=True,
        )
    )
    kinds = []
    for i, (row, mne_type) in enumerate(zip(rows, mne_types, strict=True)):
        if row and row.ch_type:
            kinds.append(ChannelKind(row.ch_type, "table"))
        elif file_types == "stated" or mne_type not in BRAIN_TYPES | {"misc"}:
            kinds.append(ChannelKind(mne_type, "file"))
        elif file_types == "default" and named[i].basis in {"unknown", "numbered"}:
            kinds.append(ChannelKind(mne_type, "default"))
        elif file_types == "default" and named[i].ch_type == mne_type:
            kinds.append(ChannelKind(mne_type, "file"))
        else:
            kinds.append(ChannelKind(named[i].ch_type, named[i].basis))
    return kinds


def notes_on_kinds(kinds: Mapping[str, ChannelKind]) -> tuple[str, ...]:
    """List the channels whose type is neither in channels.tsv nor in the file, with the reason."""
    names: dict[tuple[str, KindBasis], list[str]] = {}
    others: list[str] = []
    for label, kind in kinds.items():
        if kind.basis == "signal":
            others.append(f"{label} ({kind.ch_type})")
        elif kind.basis in REASONS:
            names.setdefault((kind.ch_type, kind.basis), []).append(label)
    notes = []
    for (ch_type, basis), channels in names.items():
        display_type = DISPLAY_TYPES.get(ch_type, ch_type)
        notes.append(f"{join_names(channels)}: {REASONS[basis].format(type=display_type)}")
    if others:
        notes.append(
            f"{join_names(others)}: no type given, not brain signal because of their names"
        )
    return tuple(notes)


def check_brain_signal(kinds: Mapping[str, ChannelKind]) -> None:
    """Check that a recording with channels of unknown kind has brain signal.

    Raises
    ------
    RecordingError
        Stage "channels": no channel is brain signal, and the kind of one is unknown.
    """
    unknown = [label for label, kind in kinds.items() if kind.basis == "unknown"]
    if unknown and not any(kind.is_brain for kind in kinds.values()):
        raise RecordingError(
            "channels",
            f"no channel is known to be brain signal: no type given and no known name for "
            f"{join_names(unknown)}; state the types of the channels in channels.tsv",
        )


def _match_by_key(
    labels: Sequence[str], table: Sequence[ChannelRow], key: Callable[[str], str]
) -> list[ChannelRow | None]:
    """Match channels to rows with an equal key, none at all if the keys are ambiguous."""
    rows_by_key = {key(row.name): row for row in table}
    keys = [key(label) for label in labels]
    if len(rows_by_key) < len(table) or len(set(keys)) < len(keys):
        return [None] * len(labels)
    return [rows_by_key.get(label_key) for label_key in keys]


def _without_case(name: str) -> str:
    """Return a name without case, spaces, dots and NUL characters."""
    return re.sub(r"[\s.\0]", "", name).casefold()


def _bare_name(name: str) -> str:
    """Return a name as in `_without_case`, also without the additions of EDF."""
    return _without_case(bare_label(name))
