"""Which recordings a dataset holds."""

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
from bids_dl.source.formats.inspect import BESIDE, EXTENSIONS, HEADERS, SIGNAL, SPLIT, extension

PREFIXES = {"subject": "sub", "session": "ses", "task": "task", "run": "run"}
NO_RECORDING = re.compile(
    r"_acq-(calibration|crosstalk)_meg\."
)  # what MEG recordings need beside them


def find_recordings(dataset: Dataset, config: SourceConfig) -> list[Recording]:
    """Recordings of a dataset that the entities asked for select, in order of path.

    A recording is a signal file (also a link to one that is not there), or else what an events.tsv speaks for.

    Raises
    ------
    SourceError
        No recordings at all, or none with the entities asked for.
    """
    found = _signals(dataset)
    taken = {recording.events for recording in found}
    found += [
        _recording(dataset, file.removesuffix("_events.tsv"), None, file)
        for file in _event_files(dataset)
        if file not in taken
    ]
    if not found:
        raise SourceError(
            f"{dataset.name}: no EEG or iEEG recordings ({', '.join(EXTENSIONS)}) and no events.tsv in this folder"
        )
    chosen = [recording for recording in found if _wanted(recording, config)]
    if not chosen:
        raise SourceError(
            f"{dataset.name}: none of {len(found)} recordings has {_asked(config)}; there are {_there(found, config)}"
        )
    return sorted(chosen, key=lambda recording: recording.path)


def _signals(dataset: Dataset) -> list[Recording]:
    """Recordings by their signal files, also by those of formats that are not supported: they are found, to be refused by name."""
    by_path: dict[str, list[str]] = {}
    for file in dataset.files:
        match = SIGNAL.fullmatch(file)
        if (
            match
            and PurePosixPath(file).parent.name == match[2]
            and match[3].lower() not in BESIDE
            and not NO_RECORDING.search(file)
        ):
            path = SPLIT.sub("", match[1]) if match[3].lower() == ".fif" else match[1]
            by_path.setdefault(path, []).append(file)
    found = []
    for path, files in by_path.items():
        signal = min(files, key=_preference)
        events = dataset.inherited(path, "events.tsv")
        found.append(_recording(dataset, path, signal, events[-1] if events else None))
    return found


def _preference(file: str) -> tuple[int, str]:
    """Formats that are read before others, a header before its samples, the first part of a split recording before the next."""
    kind = extension(file)
    return EXTENSIONS.index(kind) if kind in EXTENSIONS else len(EXTENSIONS) + (
        kind in HEADERS
    ), file


def _event_files(dataset: Dataset) -> list[str]:
    """events.tsv files of EEG and iEEG, and those above any datatype folder that no nearer one takes the place of."""
    here = re.compile(r"(sub-[^/]+/(ses-[^/]+/)?((eeg|ieeg)/)?)?[^/]+_events\.tsv")
    found = [file for file in dataset.files if here.fullmatch(file)]
    chains = [dataset.inherited(file.removesuffix("_events.tsv"), "events.tsv") for file in found]
    replaced = {file for chain in chains for file in chain[:-1]}
    return [file for file in found if file not in replaced]


def _recording(dataset: Dataset, path: str, signal: str | None, events: str | None) -> Recording:
    entities = _parser()(f"/{path}_eeg")
    subject, session, task, run = (
        str(entities.get(name, "")) for name in ("subject", "session", "task", "run")
    )
    folder = PurePosixPath(path).parent.name
    datatype = folder if folder in {"ieeg", "meg"} else "eeg"
    return Recording(dataset.name, path, subject, session, task, run, datatype, signal, events)


@cache
def _parser() -> Callable[[str], dict[str, Any]]:
    """Pybids' reader of entities, its rules loaded once; imported here because worker processes do without it."""
    from bids.layout import Config, parse_file_entities

    return partial(parse_file_entities, config=[Config.load("bids")])


def _wanted(recording: Recording, config: SourceConfig) -> bool:
    return all(
        not values or any(_same(name, value, getattr(recording, name)) for value in values)
        for name, values in _filters(config).items()
    )


def _same(name: str, asked: str, there: str) -> bool:
    asked = asked.removeprefix(f"{PREFIXES[name]}-")
    if name == "run" and asked.isdecimal() and there.isdecimal():
        return int(asked) == int(there)
    return asked == there


def _filters(config: SourceConfig) -> dict[str, tuple[str, ...]]:
    return {name: getattr(config, name) for name in PREFIXES}


def _asked(config: SourceConfig) -> str:
    return ", ".join(
        f"{name} {' or '.join(values)}" for name, values in _filters(config).items() if values
    )


def _there(found: list[Recording], config: SourceConfig) -> str:
    """What the dataset has of the entities asked for, few of each."""
    parts = []
    for name in (name for name, values in _filters(config).items() if values):
        values = sorted({getattr(recording, name) for recording in found} - {""})
        parts.append(
            f"{name} {', '.join(values[:5]) or 'none'}{', ...' if len(values) > 5 else ''}"
        )
    return "; ".join(parts)
