"""Temporary BIDS dataset with one recording, from which mne-bids reads it."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from bids_dl.datamodel import Recording
from bids_dl.source.dataset import Dataset
from bids_dl.source.formats.brainvision import decode_text
from bids_dl.source.formats.inspect import signal_extension
from bids_dl.source.formats.signal_info import SignalInfo
from bids_dl.source.recordings.entities import parse_entities

if TYPE_CHECKING:
    from mne_bids import BIDSPath

FIF_EXTENSION = ".fif"
# BIDS entity -> argument of `BIDSPath`
ENTITY_ARGUMENTS = {
    "sub": "subject",
    "ses": "session",
    "acq": "acquisition",
    "task": "task",
    "run": "run",
    "space": "space",
    "rec": "recording",
}
# Keys of the entities of a file name, in the order of BIDS
NAME_KEYS = {
    "subject": "sub",
    "session": "ses",
    "task": "task",
    "acquisition": "acq",
    "run": "run",
    "space": "space",
    "recording": "recording",
    "split": "split",
}


@dataclass(frozen=True)
class LinkedRecording:
    """Dataset of one recording.

    Attributes
    ----------
    root
        Folder of the dataset.
    datatype, extension
        Datatype and extension of the recording.
    entities
        Labels by the argument of `BIDSPath`.
    """

    root: Path
    datatype: str
    extension: str
    entities: Mapping[str, str]

    @property
    def signal(self) -> Path:
        """Path of the signal file."""
        parts = []
        for argument, key in NAME_KEYS.items():
            if argument in self.entities:
                parts.append(f"{key}-{self.entities[argument]}")
        folder = self.root / parts[0]
        if "session" in self.entities:
            folder /= parts[1]
        return folder / self.datatype / f"{'_'.join(parts)}_{self.datatype}{self.extension}"

    def bids_path(self) -> BIDSPath:
        """Return the path for `mne_bids.read_raw_bids`."""
        from mne_bids import BIDSPath

        return BIDSPath(
            root=self.root,
            datatype=self.datatype,
            suffix=self.datatype,
            extension=self.extension,
            check=False,
            **self.entities,
        )


def find_scratch_folder(dataset: Dataset, recording: Recording) -> Path | None:
    """Find the folder to create the temporary dataset of a recording in, None for the default.

    A FIF file of a cache needs one on the same file system, because it is linked by a hard link.
    """
    signal = str(recording.signal)
    if signal_extension(signal) != FIF_EXTENSION or not dataset.is_remote(signal):
        return None
    folder = dataset.path(signal).parent
    return folder if os.access(folder, os.W_OK) else None


def link_recording(
    dataset: Dataset,
    recording: Recording,
    info: SignalInfo,
    sidecar: Mapping[str, Any],
    folder: Path,
) -> LinkedRecording:
    """Create a dataset of one recording from links to its files.

    Tables that mne-bids would read and that may stop it at an unexpected cell are omitted:
    events.tsv (whose rows would replace the annotations of the file, such as boundaries),
    channels.tsv, participants.tsv and scans.tsv. This package reads them itself or not at all.

    Parameters
    ----------
    dataset, recording
        Recording as returned by `find_recordings`.
    info
        Result of `inspect_file`.
    sidecar
        Merged eeg.json or ieeg.json.
    folder
        Empty folder to create the dataset in.

    Returns
    -------
    LinkedRecording
        The dataset.

    Raises
    ------
    SourceError
        A table of positions is outside of the dataset, or no file.
    """
    linked = _name_recording(folder, recording)
    signal = linked.signal
    signal.parent.mkdir(parents=True)
    _link(dataset.path(str(recording.signal)), signal)
    for name, file in info.companions.items():
        _link_companion(dataset.path(file), name, signal)
    for ending in ("electrodes.tsv", "coordsystem.json"):
        files = dataset.inherited_files(recording.path, ending)
        if files:
            dataset.read_bytes(files[-1])  # refuses a file that mne-bids must not read
            name = PurePosixPath(files[-1]).name  # may have an entity of its own: space-CapTrak
            _link(dataset.path(files[-1]), signal.parent / name)
    signal.with_suffix(".json").write_text(json.dumps(sidecar), encoding="utf-8")
    return linked


def _link_companion(source: Path, name: str, signal: Path) -> None:
    """Link a file that belongs to a signal, by the name under which MNE looks for it."""
    if name.lower().endswith(".vmrk"):
        # MNE decodes markers as UTF-8 and stops at other bytes; only their ASCII is used
        text = decode_text(source.read_bytes()).encode("ascii", "replace").decode()
        (signal.parent / name).write_text(text, encoding="ascii")
    elif name.lower().endswith(".fdt"):
        _link(source, signal.with_suffix(".fdt"))
    else:
        _link(source, signal.parent / name)


def _link(source: Path, target: Path) -> None:
    """Create a symbolic link, or a copy on file systems without links.

    mne-bids takes the format of a FIF file from the file that a symbolic link leads to. If that
    has another extension, as in a cache, a hard link is created.
    """
    try:
        if target.suffix == FIF_EXTENSION and source.resolve().suffix != FIF_EXTENSION:
            target.hardlink_to(source.resolve())
        else:
            target.symlink_to(source, target_is_directory=source.is_dir())
    except OSError:
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copyfile(source, target)


def _name_recording(root: Path, recording: Recording) -> LinkedRecording:
    """Name a recording by the characters of its entities that mne-bids accepts."""
    signal = str(recording.signal)
    entities = {"subject": "unknown"}
    for part in parse_entities(PurePosixPath(signal).name.rpartition("_")[0]):
        entity, _, value = part.partition("-")
        if entity == "split":
            entities["split"] = value
        elif entity in ENTITY_ARGUMENTS:
            entities[ENTITY_ARGUMENTS[entity]] = re.sub(r"[^A-Za-z0-9]", "", value) or "unknown"
    return LinkedRecording(root, recording.datatype, signal_extension(signal), entities)
