"""Channels of a file and the rows of channels.tsv: which belongs to which, and of what type each is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bids_dl.errors import RecordingError
from bids_dl.source.positions import is_electrode
from bids_dl.source.units import few

BRAIN = {"eeg", "seeg", "ecog", "dbs"}  # MNE's types of brain signal
# MNE's type for each of BIDS (1.10, "Channels description"); what has none is "misc"
TYPES = {
    name: name
    for name in (
        "eeg",
        "seeg",
        "ecog",
        "dbs",
        "eog",
        "ecg",
        "emg",
        "misc",
        "resp",
        "gsr",
        "eyegaze",
        "pupil",
    )
} | {
    "veog": "eog",
    "heog": "eog",
    "trig": "stim",
    "temp": "temperature",
}
UNSAID = {"", "n/a"}
PREFIX = re.compile(
    r"(eeg|ieeg|seeg|ecog|dbs|eog|ecg|emg)[\s_:-]+(?=\S)", re.IGNORECASE
)  # EDF+ puts the kind of signal before its name
SUFFIX = re.compile(r"(?<=\S)-(ref|le|ar|avg|av)$", re.IGNORECASE)  # and its reference behind


@dataclass(frozen=True, slots=True)
class Row:
    """One row of channels.tsv."""

    name: str
    kind: str  # as written, "" where there is no such column
    unit: str  # as written
    is_bad: bool

    @property
    def type(self) -> str:
        """MNE's type, "" where the row does not say."""
        kind = self.kind.casefold()
        return "" if kind in UNSAID else TYPES.get(kind, "misc")


def rows(columns: Mapping[str, tuple[str, ...]]) -> tuple[Row, ...]:
    """The rows of channels.tsv; none where it has no names.

    Raises
    ------
    RecordingError
        Stage "channels": two rows of one name.
    """
    names = columns.get("name", ())
    if not names:
        return ()
    blank = ("",) * len(names)
    cells = zip(
        names, *(columns.get(column, blank) for column in ("type", "units", "status")), strict=True
    )
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise RecordingError(
            "channels",
            f"channels.tsv has {few(twice)} more than once; give each channel a row and a name of its own",
        )
    return tuple(
        Row(name, kind, unit, status.casefold() == "bad") for name, kind, unit, status in cells
    )


def match(labels: Sequence[str], table: Sequence[Row]) -> list[Row | None]:
    """The row of each channel of a file, None for one that channels.tsv leaves out.

    Names are the same, or the same but for case, blanks and dots (``Fc5.``), or also but for the kind and the reference that EDF writes
    around a name (``EEG Fp1-Ref``); whichever fits the most channels.

    Raises
    ------
    RecordingError
        Stage "channels": names are left on both sides, so one may mean the other.
    """
    tries = [_match(labels, table, key) for key in (str, _plain, _bare)]
    found = max(tries, key=lambda rows: sum(row is not None for row in rows))
    only_file = [label for label, row in zip(labels, found, strict=True) if row is None]
    taken = {row.name for row in found if row}
    only_table = [row.name for row in table if row.name not in taken]
    if only_file and (only_table or not taken):
        raise RecordingError(
            "channels",
            f"the file has {len(labels)} channels and channels.tsv {len(table)}; "
            f"only in the file: {few(only_file)}; only in channels.tsv: {few(only_table)}; make their names agree",
        )
    return found


def types(
    labels: Sequence[str], found: Sequence[Row | None], own: Sequence[str], *, typed: bool
) -> list[str]:
    """MNE's type of each channel.

    What channels.tsv says; where it does not, EEG for a name of the 10-05 system and misc for any other. Without a channels.tsv, the file's
    own types; in a format that has none the same rule, if at least half of the channels have such a name.

    Parameters
    ----------
    own
        Types as MNE found them.
    typed
        Whether the format has types.
    """
    named = [is_electrode(_clean(label)) for label in labels]
    if any(found):
        return [
            row.type or ("eeg" if name else "misc") if row else kind
            for row, name, kind in zip(found, named, own, strict=True)
        ]
    if typed or 2 * sum(named) < len([kind for kind in own if kind != "stim"]):
        return list(own)
    return [
        "eeg" if name else "misc" if kind == "eeg" else kind
        for name, kind in zip(named, own, strict=True)
    ]


def notes_on_types(
    labels: Sequence[str], found: Sequence[Row | None], own: Sequence[str], chosen: Sequence[str]
) -> tuple[str, ...]:
    """Which types were chosen by name, for want of another word; ``own`` are MNE's and ``chosen`` those of `types`."""
    unsaid = [
        not row.type if row else kind != choice
        for row, kind, choice in zip(found, own, chosen, strict=True)
    ]
    said = {
        "eeg": "no type given, EEG by their 10-05 names",
        "misc": "no type given and no 10-05 name, so misc",
    }
    names: dict[str, list[str]] = {kind: [] for kind in said}
    for label, no, kind in zip(labels, unsaid, chosen, strict=True):
        if no and kind in said:
            names[kind].append(label)
    return tuple(f"{few(names[kind])}: {text}" for kind, text in said.items() if names[kind])


def is_brain(label: str, row: Row | None) -> bool:
    """Whether channels.tsv, or else the name, says that a channel is brain signal."""
    return row.type in BRAIN if row and row.type else is_electrode(_clean(label))


def _match(
    labels: Sequence[str], table: Sequence[Row], key: Callable[[str], str]
) -> list[Row | None]:
    by_name = {key(row.name): row for row in table}
    keys = [key(label) for label in labels]
    if len(by_name) < len(table) or len(set(keys)) < len(keys):
        return [None] * len(labels)
    return [by_name.get(name) for name in keys]


def _clean(label: str) -> str:
    """A name without what EDF writes around it."""
    return SUFFIX.sub("", PREFIX.sub("", re.sub(r"[\s.\0]+$", "", label)))


def _plain(name: str) -> str:
    return re.sub(r"[\s.\0]", "", name).casefold()


def _bare(name: str) -> str:
    return _plain(_clean(name))
