"""People whose row of participants.tsv meets the conditions of --where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bids_dl.config.selecting.conditions import MISSING_CELLS, ColumnCondition, parse_condition
from bids_dl.config.values import parse_number
from bids_dl.errors import SourceError
from bids_dl.source.dataset import Dataset
from bids_dl.source.recordings.participants import ID, read_participants
from bids_dl.wording import count, join_names, suggest

MAX_VALUES = 10  # of a column in a message
PREFIX = "sub-"


@dataclass(frozen=True, slots=True)
class FilteredPeople:
    """Subjects that meet all conditions, and one note with their number."""

    subjects: frozenset[str]
    note: str


def filter_people(
    dataset: Dataset, subjects: Sequence[str], where: Sequence[str]
) -> FilteredPeople:
    """Find the subjects that meet every condition on participants.tsv.

    Parameters
    ----------
    dataset
        An open dataset.
    subjects
        Subjects of the recordings, without "sub-". A subject without a row meets no condition,
        except on participant_id.
    where
        Conditions, such as ``"age=18..30"``.

    Returns
    -------
    FilteredPeople
        At least one subject.

    Raises
    ------
    SourceError
        participants.tsv cannot be read or lacks a column, or no subject meets all conditions.
    ConfigError
        A condition cannot be parsed.

    Examples
    --------
    >>> from bids_dl.demo import sample_folder
    >>> from bids_dl.source import open_dataset
    >>> filter_people(open_dataset(str(sample_folder())), ["001", "003"], ["Gender=F"]).note
    'ds004362: --where Gender=F: 1 of 2 subjects'
    """
    conditions = [parse_condition(text) for text in where]
    shown = " ".join(f"--where {condition.text}" for condition in conditions)
    people = count(len(subjects), "subject")
    remaining = set(subjects)
    counts = []
    for condition in conditions:
        cells = _column_cells(dataset, condition, subjects)
        matching = _matching_subjects(condition, cells)
        if not matching:
            raise SourceError(
                f"{dataset.name}: --where {condition.text} matches none of {people}; "
                f"{_describe_cells(condition.column, cells)}"
            )
        counts.append(f"{condition.text} {len(matching)}")
        remaining &= matching
    if not remaining:
        raise SourceError(
            f"{dataset.name}: {shown} match none of {people} together "
            f"(each alone: {', '.join(counts)}); leave one out"
        )
    note = f"{dataset.name}: {shown}: {len(remaining)} of {people}"
    return FilteredPeople(frozenset(remaining), note)


def _column_cells(
    dataset: Dataset, condition: ColumnCondition, subjects: Sequence[str]
) -> dict[str, str]:
    """Return the cell of each subject in the column of a condition."""
    if condition.column == ID:
        return {subject: f"{PREFIX}{subject}" for subject in subjects}
    participants = read_participants(dataset)
    if not participants.columns:
        raise SourceError(
            f"{dataset.name}: --where {condition.text} needs a column of participants.tsv, "
            "which is absent or has no column but participant_id"
        )
    if condition.column not in participants.columns:
        columns = participants.columns
        raise SourceError(
            f"{dataset.name}/participants.tsv: --where {condition.text}: there is no column "
            f"{condition.column!r}; {suggest(condition.column, columns, limit=len(columns))}"
        )
    rows = participants.rows
    return {subject: rows.get(subject, {}).get(condition.column, "n/a") for subject in subjects}


def _matching_subjects(condition: ColumnCondition, cells: Mapping[str, str]) -> set[str]:
    """Return the subjects whose cells meet a condition. An id is a text, not a number."""
    if condition.column == ID:
        ids = []
        for value in condition.values:
            ids.append(replace(value, text=f"{PREFIX}{value.text.removeprefix(PREFIX)}"))
        condition = replace(condition, values=tuple(ids))
    return {subject for subject, cell in cells.items() if condition.matches(cell)}


def _describe_cells(column: str, cells: Mapping[str, str]) -> str:
    """Describe the values of a column: the range of many numbers, else the values."""
    known = []
    for cell in cells.values():
        if cell.strip().casefold() not in MISSING_CELLS:
            known.append(cell.strip())
    if not known:
        return f"{column} is n/a for all of them"
    numbers = [parse_number(cell) for cell in known]
    finite = [number for number in numbers if number is not None]
    if len(finite) == len(known) and len(set(finite)) > MAX_VALUES:
        return f"{column} is from {min(finite):g} to {max(finite):g}"
    return f"values of {column}: {join_names(sorted(set(known)), limit=MAX_VALUES)}"
