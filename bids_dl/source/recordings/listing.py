"""Recordings of a BIDS dataset, found by their file names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from bids_dl.config.stages import SourceConfig
from bids_dl.datamodel import ENTITY_PREFIXES, Recording
from bids_dl.errors import SourceError
from bids_dl.source.dataset import Dataset, describe_sources
from bids_dl.source.formats.inspect import EXTENSIONS
from bids_dl.source.recordings.entities import is_same_label, read_labels, similar_labels
from bids_dl.source.recordings.participants import compare_people, read_participants
from bids_dl.source.recordings.person_filter import filter_people
from bids_dl.source.recordings.raw_files import find_raw_files
from bids_dl.source.tree import find_datasets
from bids_dl.wording import count, join_names

MAX_LINES = 4  # of an error
MAX_VALUES = 5  # of an entity in a message


@dataclass(frozen=True, slots=True)
class Listing:
    """Recordings of a dataset, and notes on what was left out and on contradictions."""

    recordings: tuple[Recording, ...]
    notes: tuple[str, ...]


def find_recordings(dataset: Dataset, config: SourceConfig) -> list[Recording]:
    """Find the recordings of a dataset that have the requested entities.

    Parameters, order and errors are those of `list_recordings`.
    """
    return list(list_recordings(dataset, config).recordings)


def list_recordings(dataset: Dataset, config: SourceConfig) -> Listing:
    """List the recordings of a dataset that have the requested entities and people, with notes.

    A recording is a signal file in ``sub-*/[ses-*/]eeg`` or ``ieeg``, even if it is a broken link
    or of a format that is not supported. An events.tsv without a signal file is a recording too.
    `bids_dl.source.recordings.raw_files` states what is left out.

    Parameters
    ----------
    dataset
        An open dataset.
    config
        Requested subjects, sessions, tasks and runs; an empty tuple means all. The prefix of an
        entity is optional ("sub-01" or "01"), and runs are compared as numbers ("1" is "01").
        Conditions on participants.tsv, which the person of a recording must meet.

    Returns
    -------
    Listing
        Recordings in order of path. The notes are on all recordings of the dataset.

    Raises
    ------
    SourceError
        The dataset has no recordings at all, or none with the requested entities or people.
    """
    raw = find_raw_files(dataset)
    recordings = [
        _make_recording(dataset, path, files[0] if files else None)
        for path, files in raw.files.items()
    ]
    if not recordings:
        raise _no_recording_error(dataset, raw.notes)
    selected = [recording for recording in recordings if _is_requested(recording, config)]
    if not selected:
        raise SourceError(
            f"{dataset.name}: none of {count(len(recordings), 'recording')} has "
            f"{_describe_request(config)} (available: {_describe_available(recordings, config)})"
        )
    notes = [*raw.notes, *_notes_on_labels(dataset, recordings)]
    if config.where:
        subjects = sorted({recording.subject for recording in selected} - {""})
        people = filter_people(dataset, subjects, config.where)
        selected = [recording for recording in selected if recording.subject in people.subjects]
        notes.append(people.note)
    return Listing(tuple(selected), tuple(notes))


def _make_recording(dataset: Dataset, path: str, signal: str | None) -> Recording:
    """Build a recording from its BIDS path, with the most specific events.tsv."""
    events = dataset.inherited_files(path, "events.tsv")
    labels = read_labels(path)
    folder = PurePosixPath(path).parent.name
    return Recording(
        dataset=dataset.name,
        path=path,
        subject=labels.subject,
        session=labels.session,
        task=labels.task,
        run=labels.run,
        datatype=folder if folder in {"ieeg", "meg"} else "eeg",
        signal=signal,
        events=events[-1] if events else None,
    )


def _no_recording_error(dataset: Dataset, notes: Sequence[str]) -> SourceError:
    """Return the error of a dataset without recordings, with the datasets below it."""
    lines = [
        f"{dataset.name}: no EEG or iEEG recordings ({', '.join(EXTENSIONS)}) "
        "and no events.tsv in its sub-* folders"
    ]
    below = [] if dataset.is_cached else find_datasets(dataset.root)
    if below:
        paths = [str(dataset.root / folder) for folder in below]
        lines.append(f"pass {describe_sources(paths)}")
    return SourceError("\n  ".join([*lines, *notes][:MAX_LINES]))


def _notes_on_labels(dataset: Dataset, recordings: Sequence[Recording]) -> list[str]:
    """Describe people that differ from participants.tsv, unknown keys and similar labels."""
    subjects = sorted({recording.subject for recording in recordings} - {""})
    try:
        participants = read_participants(dataset)
        notes = [*participants.notes, *compare_people(dataset, participants, subjects)]
    except SourceError as error:  # the plan of a conversion refuses it
        notes = [str(error)]
    unknown = [recording for recording in recordings if read_labels(recording.path).unknown_keys]
    if unknown:
        [key, *_] = read_labels(unknown[0].path).unknown_keys
        notes.append(
            f"{dataset.name}: {count(len(unknown), 'name')} with a key that BIDS does not define, "
            f"the first {key}- of {unknown[0].path}: not part of a label"
        )
    for entity, prefix in ENTITY_PREFIXES.items():
        for labels in similar_labels(getattr(recording, entity) for recording in recordings):
            names = join_names(f"{prefix}-{label}" for label in labels)
            notes.append(
                f"{dataset.name}: {names} differ only by case, leading zeros or Unicode form: "
                f"read as {len(labels)} {entity}s"
            )
    return notes


def _is_requested(recording: Recording, config: SourceConfig) -> bool:
    """Return whether a recording has one of the requested values of each entity."""
    for entity, values in _requested_entities(config).items():
        available = getattr(recording, entity)
        if not any(_is_same_value(entity, value, available) for value in values):
            return False
    return True


def _is_same_value(entity: str, requested: str, available: str) -> bool:
    """Compare a requested entity value, with or without prefix, to one of the dataset."""
    requested = requested.removeprefix(f"{ENTITY_PREFIXES[entity]}-")
    if entity == "run" and requested.isdecimal() and available.isdecimal():
        return int(requested) == int(available)
    return is_same_label(requested, available)


def _requested_entities(config: SourceConfig) -> dict[str, tuple[str, ...]]:
    """Return the requested values by entity, without entities that are not restricted."""
    values_by_entity = {entity: getattr(config, entity) for entity in ENTITY_PREFIXES}
    return {entity: values for entity, values in values_by_entity.items() if values}


def _describe_request(config: SourceConfig) -> str:
    """Format the requested entities for a message."""
    requested = _requested_entities(config).items()
    return ", ".join(f"{entity} {' or '.join(values)}" for entity, values in requested)


def _describe_available(recordings: list[Recording], config: SourceConfig) -> str:
    """Format the values that the dataset has of the requested entities, the first of each."""
    parts = []
    for entity in _requested_entities(config):
        values = sorted({getattr(recording, entity) for recording in recordings} - {""})
        parts.append(f"{entity} {join_names(values, limit=MAX_VALUES) or 'none'}")
    return "; ".join(parts)
