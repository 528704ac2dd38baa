"""People of a dataset: participants.tsv, and its agreement with the folders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bids_dl.errors import SourceError
from bids_dl.source.dataset import Dataset
from bids_dl.source.recordings.entities import simplify_label
from bids_dl.wording import count, join_names

ID = "participant_id"
NO_LABEL = {"", "n/a"}


@dataclass(frozen=True)
class Participants:
    """Content of participants.tsv and participants.json."""

    rows: Mapping[str, Mapping[str, str]]  # subject without "sub-" -> column -> text
    columns: tuple[str, ...]  # without participant_id
    sidecar: Mapping[str, Any]
    notes: tuple[str, ...] = ()  # on rows that are not as BIDS has them


def read_participants(dataset: Dataset) -> Participants:
    """Read participants.tsv and participants.json, empty if the dataset has none.

    If a person has several rows, cells that differ between them are n/a. Rows without an id are
    omitted. An id may lack "sub-".

    Raises
    ------
    SourceError
        The column participant_id is missing, or a file cannot be read.
    """
    if "participants.tsv" not in dataset.files:
        return Participants({}, (), {})
    read = dataset.read_tsv("participants.tsv")
    table = read.columns
    sidecar: dict[str, Any] = {}
    if "participants.json" in dataset.files:
        sidecar = dataset.read_json("participants.json")
    if ID not in table:
        raise SourceError(
            f"{dataset.name}/participants.tsv: the column participant_id is missing, "
            f"found {join_names(table) or 'no columns'}"
        )
    columns = tuple(name for name in table if name and name != ID)
    rows_by_subject: dict[str, list[dict[str, str]]] = defaultdict(list)
    for i, participant in enumerate(table[ID]):
        if participant not in NO_LABEL:
            row = {name: table[name][i] for name in columns}
            rows_by_subject[participant.removeprefix("sub-")].append(row)
    rows = {subject: _merge_rows(columns, rows) for subject, rows in rows_by_subject.items()}
    file = f"{dataset.name}/participants.tsv"
    notes = [*read.notes(file), *_describe_rows(file, table[ID], rows_by_subject)]
    return Participants(rows, columns, sidecar, tuple(notes))


def compare_people(
    dataset: Dataset, participants: Participants, subjects: Sequence[str]
) -> list[str]:
    """Describe people that participants.tsv, the folders and the recordings do not share.

    Parameters
    ----------
    participants
        Content of participants.tsv.
    subjects
        Sorted subjects of the recordings.

    Returns
    -------
    list of str
        One line for each kind of difference, with the number of people and the first.
    """
    notes = []
    rows = participants.rows
    folders = [folder.removeprefix("sub-") for folder in dataset.tree.subjects]
    without_recording = [folder for folder in folders if folder not in subjects]
    if without_recording and subjects:
        notes.append(
            f"{dataset.name}: {len(without_recording)} of {count(len(folders), 'sub-* folder')} "
            f"without an EEG or iEEG recording, the first sub-{without_recording[0]}"
        )
    if not rows:
        return notes
    without_row = [subject for subject in subjects if subject not in rows]
    if without_row:
        notes.append(
            f"{dataset.name}/participants.tsv: {len(without_row)} of "
            f"{count(len(subjects), 'person', 'people')} with recordings without a row, the first "
            f"sub-{without_row[0]}{_describe_similar(without_row[0], rows)}; "
            "their columns are n/a"
        )
    known = {*folders, *subjects}
    without_folder = [subject for subject in rows if subject not in known]
    if without_folder:
        notes.append(
            f"{dataset.name}/participants.tsv: {len(without_folder)} of "
            f"{count(len(rows), 'person', 'people')} without a sub-* folder, the first "
            f"sub-{without_folder[0]}"
        )
    return notes


def _merge_rows(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Merge the rows of a person: cells that differ become n/a."""
    merged = {}
    for name in columns:
        cells = {row[name] for row in rows}
        merged[name] = cells.pop() if len(cells) == 1 else "n/a"
    return merged


def _describe_rows(
    table: str, ids: Sequence[str], rows_by_subject: Mapping[str, Sequence[Mapping[str, str]]]
) -> list[str]:
    """Describe ids without "sub-", rows without an id, and people with several rows."""
    notes = []
    n_empty = 0
    bare = []
    for participant in ids:
        if participant in NO_LABEL:
            n_empty += 1
        elif not participant.startswith("sub-"):
            bare.append(participant)
    if n_empty:
        notes.append(f"{table}: {count(n_empty, 'row')} without {ID} omitted")
    if bare:
        notes.append(
            f"{table}: {count(len(bare), 'id')} without sub-, the first {bare[0]}: "
            f"read as sub-{bare[0]}"
        )
    repeated = []
    differing = []
    for subject, rows in rows_by_subject.items():
        if len(rows) > 1:
            repeated.append(subject)
            if any(row != rows[0] for row in rows):
                differing.append(subject)
    if repeated:
        first = (differing or repeated)[0]
        n_differing = f", {len(differing)} of them with different cells" if differing else ""
        notes.append(
            f"{table}: {count(len(repeated), 'person', 'people')} with several rows{n_differing}, "
            f"the first sub-{first}{_describe_cells(rows_by_subject[first])}"
        )
    return notes


def _describe_cells(rows: Sequence[Mapping[str, str]]) -> str:
    """Describe the first column in which rows differ, "" if they are equal."""
    for name in rows[0]:
        cells = list(dict.fromkeys(row[name] for row in rows))
        if len(cells) > 1:
            return f" ({name}: {join_names(cells)}); cells that differ are n/a"
    return ""


def _describe_similar(subject: str, rows: Mapping[str, object]) -> str:
    """Name the row with a similar label, "" without such a row."""
    simplified = _letters_and_digits(subject)
    for other in rows:
        if _letters_and_digits(other) == simplified:
            return f" (it has sub-{other})"
    return ""


def _letters_and_digits(label: str) -> str:
    """Return a label without punctuation, case and leading zeros."""
    return "".join(filter(str.isalnum, simplify_label(label)))
