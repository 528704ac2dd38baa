"""Recordings of a BIDS dataset, found by their file names."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from pathlib import PurePosixPath
from typing import Any

from bids_dl.config.stages import SourceConfig
from bids_dl.datamodel import Recording
from bids_dl.errors import SourceError
from bids_dl.source.dataset import Dataset
from bids_dl.source.formats.inspect import (
    AUXILIARY_EXTENSIONS,
    EXTENSIONS,
    HEADER_OF_SAMPLES,
    SIGNAL,
    SPLIT,
    signal_extension,
)
from bids_dl.wording import count, join_names

PREFIXES = {"subject": "sub", "session": "ses", "task": "task", "run": "run"}
MEG_CALIBRATION = re.compile(r"_acq-(calibration|crosstalk)_meg\.")  # not a recording
EVENTS_FILE = re.compile(r"(sub-[^/]+/(ses-[^/]+/)?((eeg|ieeg)/)?)?[^/]+_events\.tsv")
MAX_VALUES = 5  # of an entity in a message


def find_recordings(dataset: Dataset, config: SourceConfig) -> list[Recording]:
    """Find the recordings of a dataset that have the requested entities.

    A recording is a signal file, even if it is a broken link or of a format that is not
    supported. An events.tsv without a signal file is a recording too.

    Parameters
    ----------
    dataset
        An open dataset.
    config
        Requested subjects, sessions, tasks and runs; an empty tuple means all. The prefix of an
        entity is optional ("sub-01" or "01"), and runs are compared as numbers ("1" is "01").

    Returns
    -------
    list of Recording
        In order of path.

    Raises
    ------
    SourceError
        The dataset has no recordings at all, or none with the requested entities.
    """
    recordings = _find_signals(dataset)
    with_signal = {recording.events for recording in recordings}
    for file in _find_events_files(dataset):
        if file not in with_signal:
            path = file.removesuffix("_events.tsv")
            recordings.append(_make_recording(dataset, path, None, file))
    if not recordings:
        raise SourceError(
            f"{dataset.name}: no EEG or iEEG recordings ({', '.join(EXTENSIONS)}) "
            "and no events.tsv in this folder"
        )
    selected = [recording for recording in recordings if _is_requested(recording, config)]
    if not selected:
        raise SourceError(
            f"{dataset.name}: none of {count(len(recordings), 'recording')} has "
            f"{_describe_request(config)} (available: {_describe_available(recordings, config)})"
        )
    return sorted(selected, key=lambda recording: recording.path)


def _find_signals(dataset: Dataset) -> list[Recording]:
    """Find recordings by their signal files.

    Formats that are not supported are included, so that they are refused by name later.
    """
    files_by_path: dict[str, list[str]] = {}
    for file in dataset.files:
        match = SIGNAL.fullmatch(file)
        if match is None or MEG_CALIBRATION.search(file):
            continue
        path, datatype, extension = match[1], match[2], match[3].lower()
        if PurePosixPath(file).parent.name != datatype or extension in AUXILIARY_EXTENSIONS:
            continue
        if extension == ".fif":  # the parts of a split recording are one recording
            path = SPLIT.sub("", path)
        files_by_path.setdefault(path, []).append(file)
    recordings = []
    for path, files in files_by_path.items():
        signal = min(files, key=_preference)
        events = dataset.inherited_files(path, "events.tsv")
        recordings.append(_make_recording(dataset, path, signal, events[-1] if events else None))
    return recordings


def _preference(file: str) -> tuple[int, str]:
    """Return the sort key of several signal files of a recording: the one to read sorts first.

    Supported formats come first, then other headers, then files that need a header. Parts of a
    split recording follow each other.
    """
    extension = signal_extension(file)
    if extension in EXTENSIONS:
        return EXTENSIONS.index(extension), file
    return len(EXTENSIONS) + (extension in HEADER_OF_SAMPLES), file


def _find_events_files(dataset: Dataset) -> list[str]:
    """List events.tsv files of EEG and iEEG, and those above any datatype folder.

    A file is omitted if a more specific one overrides it.
    """
    files = [file for file in dataset.files if EVENTS_FILE.fullmatch(file)]
    overridden: set[str] = set()
    for file in files:
        chain = dataset.inherited_files(file.removesuffix("_events.tsv"), "events.tsv")
        overridden.update(chain[:-1])
    return [file for file in files if file not in overridden]


def _make_recording(
    dataset: Dataset, path: str, signal: str | None, events: str | None
) -> Recording:
    """Build a recording from its BIDS path, parsing the entities with pybids."""
    entities = _entity_parser()(f"/{path}_eeg")
    folder = PurePosixPath(path).parent.name
    return Recording(
        dataset=dataset.name,
        path=path,
        subject=str(entities.get("subject", "")),
        session=str(entities.get("session", "")),
        task=str(entities.get("task", "")),
        run=str(entities.get("run", "")),
        datatype=folder if folder in {"ieeg", "meg"} else "eeg",
        signal=signal,
        events=events,
    )


@cache
def _entity_parser() -> Callable[[str], dict[str, Any]]:
    """Return the entity parser of pybids, with its rules loaded once.

    The import is inside the function because worker processes do not need pybids.
    """
    from bids.layout import Config, parse_file_entities

    return partial(parse_file_entities, config=[Config.load("bids")])


def _is_requested(recording: Recording, config: SourceConfig) -> bool:
    """Return whether a recording has one of the requested values of each entity."""
    for entity, values in _requested_entities(config).items():
        available = getattr(recording, entity)
        if not any(_is_same_value(entity, value, available) for value in values):
            return False
    return True


def _is_same_value(entity: str, requested: str, available: str) -> bool:
    """Compare a requested entity value, with or without prefix, to one of the dataset."""
    requested = requested.removeprefix(f"{PREFIXES[entity]}-")
    if entity == "run" and requested.isdecimal() and available.isdecimal():
        return int(requested) == int(available)
    return requested == available


def _requested_entities(config: SourceConfig) -> dict[str, tuple[str, ...]]:
    """Return the requested values by entity, without entities that are not restricted."""
    values_by_entity = {entity: getattr(config, entity) for entity in PREFIXES}
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
