"""The small arrays of a store: channels, windows, events, participants and statistics."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bids_dl.datamodel import MISSING_SPELLINGS, Recording, Window
from bids_dl.pipeline.processing.spectrum import MAX_FREQUENCY_HZ
from bids_dl.pipeline.staging_entry import ElectrodePositions, StagedRecording
from bids_dl.planning.plan import Plan
from bids_dl.store import writer
from bids_dl.store.format import ARRAYS, RESERVED, Column, make_column

PARTICIPANTS_FILE = "participants.tsv"
EVENTS_FILE = "events.tsv"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
UNSAFE_CHARACTER = re.compile(r"[^\w-]")  # \w: letters and digits of any script, and _
SIDECAR_KEYS = ("Description", "Levels", "Units")


class WindowRow(NamedTuple):
    """A window of the store and its recording: one row of the window table."""

    recording: Recording
    window: Window


def all_columns(
    plan: Plan, staged: Sequence[StagedRecording], rows: Sequence[WindowRow]
) -> list[Column]:
    """Return every array of a store except signals and dropout mask, in the order written.

    Parameters
    ----------
    staged
        Recordings of the store, in order.
    rows
        Windows of the store, in order.
    """
    names = array_names(plan)
    return [
        *_axis_columns(plan, staged[0].entry.electrodes),
        *_window_columns(plan, rows),
        *_participant_columns(plan, rows, names),
        *_event_columns(plan, rows, names),
        *_statistics_columns(plan, staged),
    ]


def _axis_columns(plan: Plan, electrodes: ElectrodePositions) -> Iterator[Column]:
    """Yield the columns of channels and times."""
    spec = plan.spec
    yield make_column("channel", writer.text_array(spec.ch_names))
    yield make_column("channel_type", writer.text_array(spec.ch_types))
    template = electrodes.template
    origin = f"position by name, template {template} of MNE, head coordinates; NaN if unknown"
    yield make_column("channel_position", electrodes.to_array(), long_name=origin)
    is_event_locked = plan.request.windows.tmin is not None
    about = "from the event" if is_event_locked else "from the start of the window"
    times = (plan.offset + np.arange(plan.n_times)) / float(spec.sfreq)
    yield make_column("time", times, long_name=about)


def _window_columns(plan: Plan, rows: Sequence[WindowRow]) -> Iterator[Column]:
    """Yield the columns of the window table that every store has."""
    cells = [_window_cells(plan, row) for row in rows]
    for name in cells[0]:
        values = [of_window[name] for of_window in cells]
        data_type = ARRAYS[name].data_type
        if data_type == "string":
            yield make_column(name, writer.text_array(values))
        else:
            yield make_column(name, np.array(values, dtype=data_type))


def _window_cells(plan: Plan, row: WindowRow) -> dict[str, Any]:
    """Return the cell of a window in each column that every store has, in the order written."""
    recording, window = row
    event = plan.events[window.block]
    return {
        "label": window.label,
        "dataset": recording.dataset,
        "subject": recording.subject,
        "session": recording.session,
        "task": recording.task,
        "run": recording.run,
        "recording": recording.path,
        "split": plan.splits[recording.person],
        "end_rule": event.end_rule,
        "hed": event.hed,
        "onset": window.onset,
        "event_onset": event.onset,
        "row": event.row,
        "block": window.block,
    }


def _participant_columns(
    plan: Plan, rows: Sequence[WindowRow], names: Mapping[tuple[str, str], str]
) -> Iterator[Column]:
    """Yield all columns of participants.tsv."""
    tables = plan.participants.values()
    for column in _distinct(table.columns for table in tables):
        all_values: set[str] = set()
        for table in tables:
            all_values.update(cells.get(column, "n/a") for cells in table.rows.values())
        values = []
        for recording, _ in rows:
            cells = plan.participants[recording.dataset].rows.get(recording.subject, {})
            values.append(cells.get(column, "n/a"))
        yield _table_column(
            PARTICIPANTS_FILE,
            column,
            names,
            values=values,
            all_values=all_values,
            sidecar_entries=[table.sidecar.get(column) for table in tables],
        )


def _event_columns(
    plan: Plan, rows: Sequence[WindowRow], names: Mapping[tuple[str, str], str]
) -> Iterator[Column]:
    """Yield the columns of events.tsv that a store keeps: the cell in the row of the event."""
    tables = plan.survey.event_rows.values()
    for column in plan.event_columns:
        all_values: set[str] = set()
        for table in tables:
            all_values.update(table.columns.get(column, ()))
        values = []
        for _, window in rows:
            values.append(plan.event_cell(plan.events[window.block], column))
        yield _table_column(
            EVENTS_FILE,
            column,
            names,
            values=values,
            all_values=all_values,
            sidecar_entries=[table.sidecar.get(column) for table in tables],
        )


def _table_column(
    file: str,
    column: str,
    names: Mapping[tuple[str, str], str],
    *,
    values: Sequence[str],
    all_values: Iterable[str],
    sidecar_entries: Iterable[Any],
) -> Column:
    """Make the array of a column of participants.tsv or events.tsv.

    Parameters
    ----------
    names
        Array names by (file, column).
    values
        One cell per window.
    all_values
        All cells of the column in all sources, which decide its data type.
    sidecar_entries
        What each sidecar states about the column.
    """
    described = _merge_sidecar_entries(sidecar_entries)
    attributes = {"file": file, "column": column, **described}
    array = _parse_cells(values, all_values, has_levels="levels" in described)
    return Column(names[file, column], array, attributes=attributes)


def array_names(plan: Plan) -> dict[tuple[str, str], str]:
    """Choose a unique array name for each column of participants.tsv and events.tsv.

    The name is that of the column. Characters other than letters, digits, ``_`` and ``-`` become
    ``_``. A name that is taken, ignoring case, or begins with no letter gets the prefix
    ``participant_`` or ``event_``, and a number if that is taken too.

    Returns
    -------
    dict
        Array name by (file, column).
    """
    people = _distinct(table.columns for table in plan.participants.values())
    columns = [(PARTICIPANTS_FILE, name) for name in people]
    columns += [(EVENTS_FILE, name) for name in plan.event_columns]
    names: dict[tuple[str, str], str] = {}
    taken = set(map(str.casefold, RESERVED))
    for file, column in columns:
        name = UNSAFE_CHARACTER.sub("_", column)
        if not name[:1].isalpha() or name.casefold() in taken:
            prefix = "participant" if file == PARTICIPANTS_FILE else "event"
            name = f"{prefix}_{name}".rstrip("_")
        unique_name = name
        number = 1
        while unique_name.casefold() in taken:
            number += 1
            unique_name = f"{name}_{number}"
        names[file, column] = unique_name
        taken.add(unique_name.casefold())
    return names


def _distinct(tables: Iterable[Iterable[str]]) -> list[str]:
    """List the distinct column names of tables, in order of appearance."""
    names: dict[str, None] = {}  # an ordered set
    for table in tables:
        names.update(dict.fromkeys(table))
    return list(names)


def _parse_cells(
    values: Sequence[str], all_values: Iterable[str], *, has_levels: bool
) -> npt.NDArray[Any]:
    """Convert cells to numbers (NaN if missing) or keep them as text ("n/a").

    A column is numeric if all its cells in all sources are, and if no sidecar gives it Levels.
    """
    if not has_levels and _is_numeric(all_values):
        return np.array([_parse_number(value) for value in values])
    return writer.text_array(values)


def _is_numeric(values: Iterable[str]) -> bool:
    """Return whether cells are numbers. A cell such as "001" is a name."""
    has_numbers = False
    for value in values:
        if value in MISSING_SPELLINGS:
            continue
        is_name = value[0] == "0" and value[1:].isdecimal()
        if is_name or math.isnan(_parse_number(value)):
            return False
        has_numbers = True
    return has_numbers


def _parse_number(value: str) -> float:
    return float(value) if NUMBER.fullmatch(value) else math.nan


def _merge_sidecar_entries(entries: Iterable[Any]) -> dict[str, Any]:
    """Merge Description, Levels and Units that sidecars give a column. The last one prevails."""
    merged: dict[str, Any] = {}
    for entry in entries:
        if isinstance(entry, dict):
            merged |= {key.lower(): entry[key] for key in SIDECAR_KEYS if key in entry}
    return merged


def _statistics_columns(plan: Plan, staged: Sequence[StagedRecording]) -> Iterator[Column]:
    """Yield the statistics of each recording, which normalization reads at once."""
    mean = np.empty((len(staged), plan.spec.n_chans))
    std = np.empty_like(mean)
    n_windows = np.empty(len(staged), dtype=np.int64)
    before = np.full((len(staged), MAX_FREQUENCY_HZ + 1), np.nan)
    after = np.full_like(before, np.nan)
    for i, (_, _, entry) in enumerate(staged):
        mean[i] = entry.mean
        std[i] = entry.std
        n_windows[i] = len(entry.kept)
        before[i, : len(entry.spectrum_before)] = entry.spectrum_before
        after[i, : len(entry.spectrum_after)] = entry.spectrum_after
    yield make_column("recording_mean", mean)
    yield make_column("recording_std", std)
    yield make_column("recording_windows", n_windows)
    yield make_column("frequency", np.arange(MAX_FREQUENCY_HZ + 1, dtype=np.float64))
    yield make_column("recording_spectrum_before", before)
    yield make_column("recording_spectrum_after", after)
