"""Text files of a BIDS dataset: events, channels and sidecars of a recording."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from bids_dl.datamodel import EventRows, Recording, TableIssue
from bids_dl.source.dataset import Dataset
from bids_dl.source.formats.event_gaps import read_gaps
from bids_dl.source.gaps import events_to_file_time, parse_onsets
from bids_dl.source.tables import Table, read_decimal_commas

TIME_COLUMNS = ("onset", "duration")  # of events.tsv, in s


class SidecarHeader(NamedTuple):
    """Sampling rate and duration that the JSON sidecars of a recording state."""

    sfreq: float | None  # Hz; None if the sidecars do not state it
    duration: float | None  # s; None if the sidecars do not state it


def read_event_rows(dataset: Dataset, recording: Recording) -> EventRows:
    """Read the events.tsv of a recording as text, with its events.json sidecars merged.

    Decimal commas of onsets and durations are replaced by points (`read_decimal_commas`). If the
    signal file leaves out time, onsets and durations are converted to the file's clock,
    and a row inside a gap gets the onset `IN_GAP`.

    Parameters
    ----------
    dataset
        The dataset of the recording.
    recording
        Recording as returned by `find_recordings`.

    Returns
    -------
    EventRows
        One string per cell. There are no columns if no events.tsv applies to the recording. Rows
        of another length than the header and decimal commas are counted in its issues.

    Raises
    ------
    SourceError
        A table or a sidecar cannot be read.
    """
    columns, issues = read_table_rows(dataset, recording.events, recording.key)
    if columns:
        onsets = parse_onsets(columns)
        columns = events_to_file_time(columns, read_gaps(dataset, recording, onsets))
    sidecar = merge_sidecars(dataset, recording.path, "events.json")
    duration = read_sidecar_header(dataset, recording.path).duration
    return EventRows(recording.key, columns, sidecar, duration, tuple(issues))


def read_table_rows(
    dataset: Dataset, file: str | None, recording: str
) -> tuple[dict[str, tuple[str, ...]], list[TableIssue]]:
    """Read an events.tsv as text, with decimal points in its times.

    Parameters
    ----------
    dataset
        The dataset of the file.
    file
        Path relative to the dataset; None gives no columns.
    recording
        Key of the recording, for messages.

    Returns
    -------
    columns : dict
        Cells by column.
    issues : list of TableIssue
        Rows of another length than the header, and decimal commas.

    Raises
    ------
    SourceError
        The table cannot be read.
    """
    table = dataset.read_tsv_verbatim(file) if file else Table({})
    return _read_times(table, recording)


def read_sidecar_header(dataset: Dataset, path: str) -> SidecarHeader:
    """Read SamplingFrequency (Hz) and RecordingDuration (s) from the sidecars of a recording.

    Parameters
    ----------
    dataset
        The dataset of the recording.
    path
        BIDS path without suffix and extension, as in `Recording.path`.

    Returns
    -------
    SidecarHeader
        A value is None if it is absent or not a positive number.

    Raises
    ------
    SourceError
        A sidecar cannot be read.
    """
    ending = "ieeg.json" if "/ieeg/" in path else "eeg.json"
    sidecar = merge_sidecars(dataset, path, ending)
    return SidecarHeader(
        _positive(sidecar.get("SamplingFrequency")), _positive(sidecar.get("RecordingDuration"))
    )


def read_channels_table(dataset: Dataset, recording: Recording) -> Table:
    """Read the channels.tsv that applies to a recording, without columns if there is none."""
    files = dataset.inherited_files(recording.path, "channels.tsv")
    return dataset.read_tsv(files[-1]) if files else Table({})


def merge_sidecars(dataset: Dataset, path: str, ending: str) -> dict[str, Any]:
    """Merge the JSON files that apply to a recording key by key, the nearest taking precedence.

    This is the inheritance principle of BIDS (1.10, "The Inheritance Principle").
    """
    merged: dict[str, Any] = {}
    for file in dataset.inherited_files(path, ending):
        merged |= dataset.read_json(file)
    return merged


def _read_times(
    table: Table, recording: str
) -> tuple[dict[str, tuple[str, ...]], list[TableIssue]]:
    """Return the columns of an events.tsv without decimal commas in its times, and its issues."""
    issues = []
    for kind, rows in (("short_row", table.short_rows), ("long_row", table.long_rows)):
        if rows:
            issues.append(TableIssue(kind, f"row {rows[0]} of {recording}", len(rows)))
    columns = dict(table.columns)
    for name in TIME_COLUMNS:
        cells = columns.get(name, ())
        converted = read_decimal_commas(cells)
        if converted is None:
            continue
        rows = tuple(row for row, cell in enumerate(cells) if "," in cell)
        place = f"{name} {cells[rows[0]]} in row {rows[0]} of {recording}"
        issues.append(TableIssue("decimal_comma", place, len(rows)))
        columns[name] = converted
    return columns, issues


def _positive(value: Any) -> float | None:
    """Return a value as float if it is a finite positive number, else None."""
    usable = isinstance(value, int | float) and math.isfinite(value) and value > 0
    return float(value) if usable else None
