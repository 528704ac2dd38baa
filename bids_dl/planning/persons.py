"""Assignment of the persons of a plan to its splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bids_dl import source, splits, strata
from bids_dl.config.stages import SplitsConfig
from bids_dl.datamodel import Person, Recording
from bids_dl.errors import TargetError
from bids_dl.windows import WindowSequence
from bids_dl.wording import join_names, suggest

Participants = Mapping[str, source.Participants]
"""The participants.tsv of each dataset, by name."""


def assign_persons(
    recordings: Sequence[Recording], participants: Participants, config: SplitsConfig
) -> tuple[dict[Person, str], list[str]]:
    """Assign the persons of recordings to splits, at random or by a column of participants.tsv.

    With ``stratify``, the values of a column are balanced over the random splits.

    Returns
    -------
    splits : dict
        Name of the split by person.
    warnings : list of str

    Raises
    ------
    TargetError
        participants.tsv lacks a column, or a person has no value in the column of ``split``.
    """
    persons = sorted({recording.person for recording in recordings})
    if isinstance(config.split, str):
        values = {person: _cell(participants, person, config.split) for person in persons}
        return splits.splits_from_column(values), []
    requested = splits.requested_splits(config)
    groups = None
    warnings = []
    if config.stratify is not None:
        values = _stratified_values(participants, persons, config.stratify)
        groups = strata.make_strata(values, len(requested))
        option = f"--stratify {config.stratify}"
        warnings += strata.find_small_strata(groups, len(requested), option)
    split_of = splits.assign_splits(persons, config, groups)
    if len(requested) > 1 and set(split_of.values()) == {"train"}:
        warnings.append(
            f"too few people ({len(persons)}) for {len(requested)} splits: all are `train`"
        )
    return split_of, warnings


def find_missing_labels(
    planned: Mapping[str, WindowSequence],
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
        windows = planned[recording.key]
        labels.update(windows.labels[code] for code in np.unique(windows.label_codes))
    all_labels = sorted(set().union(*labels_of.values()))
    warnings = []
    for split in sorted(labels_of):
        missing = [label for label in all_labels if label not in labels_of[split]]
        warnings += [f"no window of {label} in the split {split}" for label in missing]
    return warnings


def _stratified_values(
    participants: Participants, persons: Sequence[Person], column: str
) -> dict[Person, str]:
    """Return the cell of each person in a column, "n/a" without a value.

    Raises
    ------
    TargetError
        No participants.tsv has the column, or no person has a value.
    """
    datasets = dict.fromkeys(dataset for dataset, _ in persons)
    columns: dict[str, None] = {}  # an ordered set
    for dataset in datasets:
        columns.update(dict.fromkeys(participants[dataset].columns))
    files = join_names(f"{dataset}/participants.tsv" for dataset in datasets)
    if column not in columns:
        hint = suggest(column, columns, limit=len(columns)) if columns else "it has no columns"
        raise TargetError(f"--stratify {column}: {files} has no such column; {hint}")
    values = {}
    for person in persons:
        dataset, subject = person
        values[person] = participants[dataset].rows.get(subject, {}).get(column, "n/a")
    if set(values.values()) <= {"n/a", ""}:
        raise TargetError(f"--stratify {column}: no person has a value in {files}")
    return values


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
