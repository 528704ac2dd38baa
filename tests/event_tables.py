"""Small events.tsv tables and requests for the tests of bids_dl.selection."""

from __future__ import annotations

from typing import Any

from bids_dl.config.stages import EventsConfig, LabelConfig
from bids_dl.datamodel import EventRows
from bids_dl.selection import Selection, select

LABEL_OPTIONS = ("until", "trim", "within", "min_duration", "exclude", "during", "around")
RECORDING = "ds/sub-1/eeg/sub-1_task-x"
HED_VERSIONS = {"ds": "8.3.0"}
CODES = {  # cell of column `code` -> HED
    "red": "Sensory-event, Red",
    "blue": "Sensory-event, (Blue, Green)",
    "press": "Agent-action, (Press, Keyboard-key)",
    "on": "(Def/Task-a, Onset)",
    "off": "(Def/Task-a, Offset)",
    "in": "(Def/Task-a, Inset)",
    "on3": "(Def/Acc/3, Onset)",
    "on4": "(Def/Acc/4, Onset)",
    "off3": "(Def/Acc/3, Offset)",
    "later": "(Delay/1500 ms, (Square), Duration/0.5 s), Circle",
    "lasting": "(Duration/2 s, (Triangle)), (Duration/3 s, (Triangle, Red))",
    "broken": "Red, (Blue",
    "strange": "Purple-thing, White",
}
DEFINITIONS = {
    "HED": {
        "a": "(Definition/Task-a, (Task, Experiment-participant, (Fixate, Cross)))",
        "b": "(Definition/Acc/#, (Acceleration/# m-per-s^2, Sphere))",
    }
}
SIDECAR = {
    "code": {"HED": CODES},
    "trial": {"HED": "Experimental-trial/#"},
    "definitions": DEFINITIONS,
}


def event_rows(
    *rows: Any,
    recording: str = RECORDING,
    sidecar: Any = None,
    duration: float | None = None,
) -> EventRows:
    """Return a table of (onset, code) or (onset, code, duration) rows."""
    columns = {
        "onset": tuple(str(row[0]) for row in rows),
        "duration": tuple(str(row[2]) if len(row) > 2 else "n/a" for row in rows),
        "code": tuple(row[1] for row in rows),
    }
    return EventRows(recording, columns, SIDECAR if sidecar is None else sidecar, duration)


def hed_rows(*texts: str, sidecar: Any = None) -> EventRows:
    """Return a table with a HED column, one row per second."""
    onsets = tuple(str(second) for second in range(len(texts)))
    return EventRows("ds/sub-1", {"onset": onsets, "HED": texts}, sidecar or {})


def events_config(*queries: Any, **options: Any) -> EventsConfig:
    """Return one label per query, named a, b, ..., all with the same options of a label."""
    shared = {name: options.pop(name) for name in LABEL_OPTIONS if name in options}
    labels = [
        LabelConfig(label="abcdefgh"[i], query=query, **shared) for i, query in enumerate(queries)
    ]
    return EventsConfig(labels=tuple(labels), **options)


def select_events(
    tables: EventRows | list[EventRows],
    *queries: Any,
    sliding: bool = False,
    versions: Any = HED_VERSIONS,
    **options: Any,
) -> Selection:
    """Select the events of some queries, with the options of `events_config`."""
    tables = [tables] if isinstance(tables, EventRows) else tables
    config = events_config(*queries, **options)
    return select(tables, config, hed_versions=versions, sliding=sliding)


def onsets(selection: Selection) -> list[float]:
    return [event.onset for event in selection.events]


def rows(selection: Selection) -> list[int]:
    return [event.row for event in selection.events]


def event_ends(selection: Selection) -> list[tuple[float, float | None, str]]:
    """Return onset, end and end rule of each event."""
    return [(event.onset, event.end, event.end_rule) for event in selection.events]
