"""Small events.tsv tables for the tests of bids_dl.selection."""

from __future__ import annotations

from typing import Any

from bids_dl.config.stages import EventsConfig, LabelConfig
from bids_dl.datamodel import EventRows
from bids_dl.selection import Selection, select

OF_LABEL = ("until", "trim", "within", "min_duration", "exclude", "during", "around")
VERSIONS = {"ds": "8.3.0"}
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


def table(
    *rows: Any,
    recording: str = "ds/sub-1/eeg/sub-1_task-x",
    sidecar: Any = None,
    duration: float | None = None,
) -> EventRows:
    """A table of (onset, code) or (onset, code, duration) rows."""
    columns = {
        "onset": tuple(str(row[0]) for row in rows),
        "duration": tuple(str(row[2]) if len(row) > 2 else "n/a" for row in rows),
        "code": tuple(row[1] for row in rows),
    }
    return EventRows(recording, columns, SIDECAR if sidecar is None else sidecar, duration)


def config(*queries: Any, **options: Any) -> EventsConfig:
    """One label per query, named a, b, ...; keywords of LabelConfig apply to all."""
    own = {name: options.pop(name) for name in OF_LABEL if name in options}
    labels = [
        LabelConfig(label="abcdefgh"[i], query=query, **own) for i, query in enumerate(queries)
    ]
    return EventsConfig(labels=tuple(labels), **options)


def chosen(
    tables: EventRows | list[EventRows], *queries: Any, sliding: bool = False, **options: Any
) -> Selection:
    """What `select` makes of some queries."""
    tables = [tables] if isinstance(tables, EventRows) else tables
    return select(tables, config(*queries, **options), hed_versions=VERSIONS, sliding=sliding)


def ends(selection: Selection) -> list[tuple[float, float | None, str]]:
    return [(event.onset, event.end, event.end_rule) for event in selection.events]
