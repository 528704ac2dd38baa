"""Assignment of the persons of a plan to its splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bids_dl import source, splits
from bids_dl.config.stages import SplitsConfig
from bids_dl.datamodel import Person, Recording, Window
from bids_dl.errors import TargetError
from bids_dl.wording import join_names

Participants = Mapping[str, source.Participants]
"""The participants.tsv of each dataset, by name."""


def assign_persons(
    recordings: Sequence[Recording], participants: Participants, config: SplitsConfig
) -> tuple[dict[Person, str], list[str]]:
    """Assign the persons of recordings to splits, at random or by a column of participants.tsv.

    Returns
    -------
    splits : dict
        Name of the split by person.
    warnings : list of str

    Raises
    ------
    TargetError
        participants.tsv lacks the column, or a person has no value in it.
    """
    persons = sorted({recording.person for recording in recordings})
    if isinstance(config.split, str):
        values = {person: _cell(participants, person, config.split) for person in persons}
        return splits.splits_from_column(values), []
    split_of = splits.assign_splits(persons, config)
    requested = splits.requested_splits(config)
    warnings = []
    if len(requested) > 1 and set(split_of.values()) == {"train"}:
        warnings.append(
            f"too few people ({len(persons)}) for {len(requested)} splits: all are `train`"
        )
    return split_of, warnings


def find_missing_labels(
    planned: Mapping[str, Sequence[Window]],
    recordings: Sequence[Recording],
    split_of: Mapping[Person, str],
) -> list[str]:
    """Warn about each label of which a split has no window.

    Parameters
    ----------
    planned
        Windows by recording key.
    """
    labels_of: dict[str, set[str]] = {}  # by split
    for recording in recordings:
        labels = labels_of.setdefault(split_of[recording.person], set())
        labels.update(window.label for window in planned[recording.key])
    all_labels = sorted(set().union(*labels_of.values()))
    warnings = []
    for split in sorted(labels_of):
        missing = [label for label in all_labels if label not in labels_of[split]]
        warnings += [f"no window of {label} in the split {split}" for label in missing]
    return warnings


def _cell(participants: Participants, person: Person, column: str) -> str:
    """Return the value of a person in a column of participants.tsv.

    Raises
    ------
    TargetError
        There is no such column, or no value.
    """
    dataset, subject = person
    table = participants[dataset]
    if column not in table.columns:
        available = join_names(table.columns, limit=len(table.columns)) or "none"
        raise TargetError(
            f"--split {column}: {dataset}/participants.tsv has no such column "
            f"(available: {available})"
        )
    value = table.rows.get(subject, {}).get(column, "n/a")
    if value in {"n/a", ""}:
        raise TargetError(
            f"--split {column}: sub-{subject} of {dataset} has no value in participants.tsv"
        )
    return value
