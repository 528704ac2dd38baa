"""Cache of headers that MNE has read, for local recordings whose files have not changed.

A header that MNE reads may cost as much as the complete file, as that of an EEGLAB dataset with its
samples inside. A cached header is used only while size, times and inode of every file that it was
read from prove that no file has changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bids_dl.datamodel import Header, Recording
from bids_dl.errors import RecordingError, SourceError
from bids_dl.source.archives.cache_contents import HEADERS
from bids_dl.source.dataset import Dataset
from bids_dl.source.file_state import FileState, FileStates, are_unchanged, read_states
from bids_dl.source.formats.inspect import check_supported, companion_files

FORMAT = 1  # of a file; one of another format is not read
SOFTWARE = ("bids_dl", "mne", "mne-bids")  # whose version decides what a header says
MAX_HEADERS = 20_000  # of a dataset: some 20 MB
MAX_DATASETS = 50  # the least recently written are removed
TABLES = ("channels.tsv", "electrodes.tsv", "coordsystem.json")
PART = ".part"


@dataclass(frozen=True, slots=True)
class HeaderReport:
    """Header of a recording, with notes: corrected units, omitted channels, truncated files."""

    header: Header
    notes: tuple[str, ...]


class HeaderCache:
    """Cached headers of one dataset, read when they are first needed.

    Two processes may use one cache. A file appears complete, by renaming, and the last one wins. A
    damaged file counts as empty, and a cache that cannot be written is only read.

    Parameters
    ----------
    root
        Folder of the cache.
    dataset
        A local dataset.
    """

    def __init__(self, root: Path, dataset: Dataset) -> None:
        name = hashlib.sha256(os.fsencode(dataset.root)).hexdigest()[:32]
        self._file = root / HEADERS / f"{name}.json"
        self._dataset = dataset
        self._entries: dict[str, Any] | None = None
        self._added: dict[str, Any] = {}

    def load(self, recording: Recording, states: FileStates) -> HeaderReport | None:
        """Return the header of a recording, None if it is not cached or a file has changed.

        Parameters
        ----------
        states
            Present state of its files, from `states_of_header`.
        """
        if self._entries is None:
            self._entries = _read_entries(self._file)
        try:
            entry = self._entries[recording.path]
            known = {}
            for name, (size, mtime_ns, ctime_ns, inode) in entry["states"].items():
                known[name] = FileState(size, mtime_ns, ctime_ns, inode, is_settled=True)
            if not states or not are_unchanged(known, states):
                return None
            header = {name: _as_tuple(value) for name, value in entry["header"].items()}
            return HeaderReport(Header(**header), tuple(entry["notes"]))
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def add(self, recording: Recording, states: FileStates, report: HeaderReport) -> None:
        """Add the header of a recording, unless a file may change without a sign of it.

        Parameters
        ----------
        states
            State of its files from before they were read.
        """
        is_certain = states and all(state.is_settled for state in states.values())
        if is_certain and are_unchanged(states, states_of_header(self._dataset, recording)):
            self._added[recording.path] = {
                "states": {name: list(state[:4]) for name, state in states.items()},
                "header": asdict(report.header),
                "notes": list(report.notes),
            }

    def save(self) -> None:
        """Write the headers that were added. A folder that cannot be written is left as it is."""
        if not self._added:
            return
        entries = {**_read_entries(self._file), **self._added}
        kept = dict(list(entries.items())[-MAX_HEADERS:])
        body = json.dumps(kept, separators=(",", ":"))
        part = self._file.with_name(f"{self._file.name}.{secrets.token_hex(4)}{PART}")
        with suppress(OSError):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                part.write_text(f"{_seal(body)}\n{body}\n", encoding="ascii")
                part.replace(self._file)
            finally:
                part.unlink(missing_ok=True)
            _remove_oldest(self._file.parent)
        self._added = {}


def states_of_header(dataset: Dataset, recording: Recording) -> dict[str, FileState]:
    """Return the state of each file that the header of a recording is read from.

    Returns
    -------
    dict
        States by path relative to the dataset. Empty if a file cannot be read.
    """
    try:
        files = {check_supported(recording), *companion_files(dataset, recording).values()}
        for ending in (*TABLES, f"{recording.datatype}.json"):
            files |= set(dataset.inherited_files(recording.path, ending))
        states: dict[str, FileState] = {}
        for file in sorted(files):
            states |= read_states(dataset, file)
    except (RecordingError, SourceError, OSError):
        return {}
    return states


def _read_entries(file: Path) -> dict[str, Any]:
    """Return the entries of a file, none if it is absent, damaged or of other software."""
    try:
        seal, _, body = file.read_text(encoding="ascii").partition("\n")
        entries = json.loads(body) if seal == _seal(body.removesuffix("\n")) else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return entries if isinstance(entries, dict) else {}


def _seal(body: str) -> str:
    """Return the checksum of a file and of the versions of the software that wrote it."""
    software: Mapping[str, str] = {name: version(name) for name in SOFTWARE}
    return hashlib.sha256(f"{FORMAT} {software} {body}".encode()).hexdigest()


def _as_tuple(value: Any) -> Any:
    """Return a list of JSON as a tuple."""
    return tuple(value) if isinstance(value, list) else value


def _remove_oldest(folder: Path) -> None:
    """Remove the files of the datasets that were written least recently."""
    times = {}
    for file in folder.iterdir():
        with suppress(FileNotFoundError):
            times[file] = file.stat().st_mtime_ns
    for file in sorted(times, key=times.__getitem__)[:-MAX_DATASETS]:
        file.unlink(missing_ok=True)
