"""What the text files of a dataset say of a recording."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

from bids_dl.datamodel import EventRows, Recording
from bids_dl.errors import RecordingError, SourceError
from bids_dl.source.dataset import Dataset, Participants
from bids_dl.source.file_checks import check_content
from bids_dl.source.formats.inspect import check_supported, companions, gaps
from bids_dl.source.gaps import on_file


def read_rows(dataset: Dataset, recording: Recording) -> EventRows:
    """The events.tsv of a recording, row by row as text, with its sidecars merged key by key.

    Where the signal file leaves out time (EDF+D), onsets and durations are moved to its own clock; a row in a gap gets the onset n/a.
    """
    columns = dataset.read_cells(recording.events) if recording.events else {}
    columns = on_file(columns, gaps(dataset, recording)) if columns else columns
    duration = header_from_text(dataset, recording.path)[1]
    return EventRows(
        recording.key, columns, sidecar(dataset, recording.path, "events.json"), duration
    )


def header_from_text(dataset: Dataset, path: str) -> tuple[float | None, float | None]:
    """SamplingFrequency (Hz) and RecordingDuration (s) that the sidecars of a recording give, None where they do not say."""
    said = sidecar(dataset, path, "ieeg.json" if "/ieeg/" in path else "eeg.json")
    return _positive(said.get("SamplingFrequency")), _positive(said.get("RecordingDuration"))


def channels_from_text(dataset: Dataset, recording: Recording) -> dict[str, tuple[str, ...]]:
    """Columns of the channels.tsv that applies; empty where there is none."""
    files = dataset.inherited(recording.path, "channels.tsv")
    return dataset.read_tsv(files[-1]) if files else {}


def read_participants(dataset: Dataset) -> Participants:
    """participants.tsv and participants.json; empty where there are none."""
    if "participants.tsv" not in dataset.files:
        return Participants({}, (), {})
    columns = dataset.read_tsv("participants.tsv")
    said = dataset.read_json("participants.json") if "participants.json" in dataset.files else {}
    if "participant_id" not in columns:
        raise SourceError(
            f"{dataset.name}/participants.tsv: no column participant_id, found {', '.join(columns) or 'nothing'}"
        )
    names = tuple(name for name in columns if name and name != "participant_id")
    rows: dict[str, dict[str, str]] = {}
    for i, person in enumerate(columns["participant_id"]):
        row = {name: columns[name][i] for name in names}
        if rows.setdefault(person.removeprefix("sub-"), row) != row:
            raise SourceError(
                f"{dataset.name}/participants.tsv: {person} has two rows that differ; keep one"
            )
    return Participants(rows, names, said)


def fingerprint(dataset: Dataset, recording: Recording) -> dict[str, str]:
    """SHA-256 of each file that the signal of a recording is read from, by path relative to the dataset.

    Raises
    ------
    RecordingError
        Stage "source": the signal is absent, a broken link, an unfetched git-annex pointer or of a format that is not supported.
    """
    files = {check_supported(recording), *companions(dataset, recording).values()}
    for ending in (
        "channels.tsv",
        "electrodes.tsv",
        "coordsystem.json",
        f"{recording.datatype}.json",
    ):
        files |= set(dataset.inherited(recording.path, ending))
    return {file: _sha256(dataset.root / file, file) for file in sorted(files)}


def sidecar(dataset: Dataset, path: str, ending: str) -> dict[str, Any]:
    """JSON files that speak for a recording, merged key by key, the nearest last."""
    merged: dict[str, Any] = {}
    for file in dataset.inherited(path, ending):
        merged |= dataset.read_json(file)
    return merged


def _positive(value: Any) -> float | None:
    usable = isinstance(value, int | float) and math.isfinite(value) and value > 0
    return float(value) if usable else None


def _sha256(path: Path, name: str) -> str:
    check_content(path, name)
    try:
        if path.is_dir():
            inner = sorted(p for p in path.rglob("*") if p.is_file())
            parts = [f"{p.relative_to(path).as_posix()} {_sha256(p, name)}" for p in inner]
            return hashlib.sha256("\n".join(parts).encode()).hexdigest()
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        raise RecordingError(
            "source", f"{name} cannot be read ({problem.strerror})", transient=True
        ) from None
