"""The small arrays of a store: what is known of its channels, windows, events, people and recordings."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bids_dl import source
from bids_dl.datamodel import Recording, Window
from bids_dl.pipeline.staging import Entry
from bids_dl.pipeline.statistics import HIGHEST
from bids_dl.planning.plan import Plan
from bids_dl.store import writer
from bids_dl.store.format import RESERVED, Column

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
DESCRIBED = {
    "label": "name of the HED query that selected the window",
    "onset": "time of the window's first sample in its recording",
    "event_onset": "time of the event in its recording",
    "row": "data row of events.tsv, from 0",
    "block": "number of the selected stretch; windows of one block are neighbours",
    "end_rule": "what ended the block",
    "hed": "HED string of the event",
}
Staged = Sequence[tuple[Recording, str, Entry]]
"""What was staged, in the order of the store: recording, key of its entry, the entry."""

Windows = Sequence[tuple[Recording, Window]]


def all_columns(plan: Plan, staged: Staged, windows: Windows) -> list[Column]:
    """Every array but the signals, in the order of the store."""
    own = [*_axes(plan), *_window_columns(plan, windows)]
    names = array_names(plan)
    return [
        *own,
        *_participant_columns(plan, windows, names),
        *_event_columns(plan, windows, names),
        *_statistics(staged, plan),
    ]


def _axes(plan: Plan) -> Iterator[Column]:
    spec, sfreq = plan.spec, float(plan.spec.sfreq)
    yield Column(
        "channel",
        writer.text(spec.ch_names),
        ("channel",),
        {"long_name": "name, as in channels.tsv or the recipe"},
    )
    yield Column("channel_type", writer.text(spec.ch_types), ("channel",))
    positions, template = source.positions(spec.ch_names)
    origin = {
        "units": "m",
        "long_name": f"position by name, template {template} of MNE; NaN where the name is unknown",
    }
    yield Column("channel_position", positions, ("channel", "axis"), origin)
    about = (
        "from the event"
        if plan.request.windows.tmin is not None
        else "from the start of the window"
    )
    yield Column(
        "time",
        (plan.offset + np.arange(plan.n_times)) / sfreq,
        ("time",),
        {"units": "s", "long_name": about},
    )


def _window_columns(plan: Plan, windows: Windows) -> Iterator[Column]:
    events = [plan.events[window.block] for _, window in windows]
    texts: dict[str, list[str]] = {"label": [window.label for _, window in windows]}
    texts |= {
        name: [getattr(r, name) for r, _ in windows]
        for name in ("dataset", "subject", "session", "task", "run")
    }
    texts |= {
        "recording": [recording.path for recording, _ in windows],
        "split": [plan.splits[r.person] for r, _ in windows],
    }
    texts |= {
        "end_rule": [event.end_rule for event in events],
        "hed": [event.hed for event in events],
    }
    numbers: dict[str, npt.NDArray[Any]] = {
        "onset": np.array([window.onset for _, window in windows]),
        "event_onset": np.array([event.onset for event in events]),
        "row": np.array([event.row for event in events], dtype=np.int64),
        "block": np.array([window.block for _, window in windows], dtype=np.int64),
    }
    columns = {name: writer.text(values) for name, values in texts.items()} | numbers
    for name, values in columns.items():
        said = {"long_name": DESCRIBED[name]} if name in DESCRIBED else {}
        yield Column(
            name, values, attributes=said | ({"units": "s"} if name.endswith("onset") else {})
        )


def _participant_columns(
    plan: Plan, windows: Windows, names: Mapping[tuple[str, str], str]
) -> Iterator[Column]:
    """All columns of participants.tsv."""
    for name in _names(people.columns for people in plan.participants.values()):
        there = [
            row.get(name, "n/a")
            for people in plan.participants.values()
            for row in people.rows.values()
        ]
        values = [
            plan.participants[r.dataset].rows.get(r.subject, {}).get(name, "n/a")
            for r, _ in windows
        ]
        said = _explained(people.sidecar.get(name) for people in plan.participants.values())
        yield Column(
            names["participants.tsv", name],
            _typed(values, there, said),
            attributes={"file": "participants.tsv", "column": name} | said,
        )


def _event_columns(
    plan: Plan, windows: Windows, names: Mapping[tuple[str, str], str]
) -> Iterator[Column]:
    """All columns of events.tsv, but for those that are columns of the store already: what the row of the window's event says."""
    tables = plan.survey.rows
    for name in plan.event_columns:
        there = {cell for rows in tables.values() for cell in rows.columns.get(name, ())}
        values = [plan.cell(plan.events[window.block], name) for _, window in windows]
        said = _explained(rows.sidecar.get(name) for rows in tables.values())
        yield Column(
            names["events.tsv", name],
            _typed(values, there, said),
            attributes={"file": "events.tsv", "column": name} | said,
        )


def array_names(plan: Plan) -> dict[tuple[str, str], str]:
    """Name of the array for each (file, column): its own, or with "participant_" or "event_" before it where that is taken.

    Other characters than letters, digits, _ and - become _, and no two differ in case alone.
    """
    people = _names(table.columns for table in plan.participants.values())
    asked = [
        *(("participants.tsv", name) for name in people),
        *(("events.tsv", name) for name in plan.event_columns),
    ]
    names: dict[tuple[str, str], str] = {}
    taken = {name.casefold() for name in RESERVED}
    for file, column in asked:
        plain = "".join(c if c.isalnum() or c in "_-" else "_" for c in column)
        prefix = "participant_" if file == "participants.tsv" else "event_"
        name = (
            plain
            if plain[:1].isalpha() and plain.casefold() not in taken
            else f"{prefix}{plain}".rstrip("_")
        )
        number, unique = 1, name
        while unique.casefold() in taken:
            number += 1
            unique = f"{name}_{number}"
        names[file, column] = unique
        taken.add(unique.casefold())
    return names


def _names(tables: Iterable[Iterable[str]]) -> list[str]:
    """The columns of some tables, each once."""
    return list(dict.fromkeys(name for table in tables for name in table))


def _typed(
    values: Sequence[str], there: Iterable[str], said: Mapping[str, Any]
) -> npt.NDArray[Any]:
    """Numbers (NaN where missing) if all that the whole column holds are numbers and the sidecar gives no Levels, else text ("n/a")."""
    if "levels" not in said and _numeric(there):
        return np.array([_number(value) for value in values])
    return writer.text(values)


def _numeric(values: Iterable[str]) -> bool:
    """Whether a column is numbers; "001" is a name."""
    given = [value for value in values if value not in {"n/a", ""}]
    return bool(given) and all(
        not math.isnan(_number(value)) and not (value[0] == "0" and value[1:].isdecimal())
        for value in given
    )


def _number(value: str) -> float:
    return float(value) if NUMBER.fullmatch(value) else math.nan


def _explained(entries: Iterable[Any]) -> dict[str, Any]:
    """Description, Levels and Units that sidecars give a column."""
    said: dict[str, Any] = {}
    for entry in entries:
        said |= (
            {key.lower(): entry[key] for key in ("Description", "Levels", "Units") if key in entry}
            if isinstance(entry, dict)
            else {}
        )
    return said


def _statistics(staged: Staged, plan: Plan) -> Iterator[Column]:
    """Mean and standard deviation of each channel of each recording: what normalising needs, read once."""
    there = [entry for _, _, entry in staged]
    dimensions = ("recording_index", "channel")
    shape = (len(there), plan.spec.n_chans)
    yield Column(
        "recording_mean",
        np.array([entry.mean for entry in there]).reshape(shape),
        dimensions,
        {"units": "uV"},
    )
    yield Column(
        "recording_std",
        np.array([entry.std for entry in there]).reshape(shape),
        dimensions,
        {"units": "uV"},
    )
    yield Column(
        "recording_windows",
        np.array([len(entry.kept) for entry in there], dtype=np.int64),
        dimensions[:1],
    )
    yield Column(
        "frequency", np.arange(HIGHEST + 1, dtype=np.float64), ("frequency",), {"units": "Hz"}
    )
    for name in ("before", "after"):
        spectra = np.full((len(there), HIGHEST + 1), np.nan)
        for row, entry in zip(spectra, there, strict=True):
            row[: len(getattr(entry, name))] = getattr(entry, name)
        about = f"power {name} the recipe: Welch, mean over windows, median over channels; NaN above half the rate"
        yield Column(
            f"recording_spectrum_{name}",
            spectra,
            ("recording_index", "frequency"),
            {"units": "uV^2/Hz", "long_name": about},
        )
