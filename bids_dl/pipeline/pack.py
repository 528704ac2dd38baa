"""Staged recordings -> the arrays of a store, in the order of the plan."""

from __future__ import annotations

import math
import platform
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from bids_dl import source
from bids_dl.datamodel import Failure, Recording, Window
from bids_dl.pipeline.plan import Plan, described, digest
from bids_dl.pipeline.staging import Entry, Staging
from bids_dl.store import card, writer
from bids_dl.store.format import RESERVED, SIGNALS, Column, to_json
from bids_dl.store.location import Location

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
SOFTWARE = ("bids_dl", "mne", "mne-bids", "hedtools", "numpy", "scipy", "zarr")
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


def pack(plan: Plan, staged: Staged, staging: Staging, dest: Location, *, failures: Sequence[Failure], say: Callable[[int], None]) -> int:
    """Write the store; the number of its windows."""
    windows = [(recording, plan.windows[recording.key][i]) for recording, _, entry in staged for i in entry.kept]
    shape = (len(windows), plan.layout.n_chans, plan.n_times)
    attributes = _attributes(plan, windows, failures)
    writer.begin(dest, digest(plan.identity))
    blocks = (block for _, key, _ in staged for block in staging.windows(key))
    writer.write_signals(dest, shape, blocks, plan.request.store, say=say)
    columns = [*_axes(plan), *_window_columns(plan, windows), *_participant_columns(plan, windows), *_statistics(staged, plan)]
    for column in columns:
        writer.write_column(dest, column)
    documents = card.documents(attributes, shape)
    documents |= {"plan.json": to_json(plan.identity), "recordings.json": to_json(_recordings(plan, staged))}
    writer.finish(dest, attributes, [SIGNALS, *(column.name for column in columns)], documents)
    return len(windows)


def _axes(plan: Plan) -> Iterator[Column]:
    layout, sfreq = plan.layout, float(plan.layout.sfreq)
    yield Column("channel", writer.text(layout.ch_names), ("channel",), {"long_name": "name, as in channels.tsv or the recipe"})
    yield Column("channel_type", writer.text(layout.ch_types), ("channel",))
    positions, template = source.positions(layout.ch_names)
    origin = {"units": "m", "long_name": f"position by name, template {template} of MNE; NaN where the name is unknown"}
    yield Column("channel_position", positions, ("channel", "axis"), origin)
    about = "from the event" if plan.request.windows.tmin is not None else "from the start of the window"
    yield Column("time", (plan.offset + np.arange(plan.n_times)) / sfreq, ("time",), {"units": "s", "long_name": about})


def _window_columns(plan: Plan, windows: Sequence[tuple[Recording, Window]]) -> Iterator[Column]:
    events = [plan.events[window.block] for _, window in windows]
    texts: dict[str, list[str]] = {"label": [window.label for _, window in windows]}
    texts |= {name: [getattr(r, name) for r, _ in windows] for name in ("dataset", "subject", "session", "task", "run")}
    texts |= {"recording": [recording.path for recording, _ in windows], "split": [plan.splits[r.person] for r, _ in windows]}
    texts |= {"end_rule": [event.end_rule for event in events], "hed": [event.hed for event in events]}
    numbers: dict[str, npt.NDArray[Any]] = {
        "onset": np.array([window.onset for _, window in windows]),
        "event_onset": np.array([event.onset for event in events]),
        "row": np.array([event.row for event in events], dtype=np.int64),
        "block": np.array([window.block for _, window in windows], dtype=np.int64),
    }
    columns = {name: writer.text(values) for name, values in texts.items()} | numbers
    for name, values in columns.items():
        said = {"long_name": DESCRIBED[name]} if name in DESCRIBED else {}
        yield Column(name, values, attributes=said | ({"units": "s"} if name.endswith("onset") else {}))


def _participant_columns(plan: Plan, windows: Sequence[tuple[Recording, Window]]) -> Iterator[Column]:
    """All columns of participants.tsv: numbers where all that is there are numbers (NaN where missing), else text ("n/a")."""
    for name, array_name in array_names(name for people in plan.participants.values() for name in people.columns).items():
        there = [row.get(name, "n/a") for people in plan.participants.values() for row in people.rows.values()]
        values = [plan.participants[r.dataset].rows.get(r.subject, {}).get(name, "n/a") for r, _ in windows]
        column = np.array([_number(value) for value in values]) if _numeric(there) else writer.text(values)
        yield Column(array_name, column, attributes={"column": name} | _explained(plan, name))


def array_names(columns: Iterable[str]) -> dict[str, str]:
    """Name of the array for each column: other characters than letters, digits, _ and - become _, and no two differ in case alone."""
    names: dict[str, str] = {}
    taken = {name.casefold() for name in RESERVED}
    for column in dict.fromkeys(columns):
        plain = "".join(c if c.isalnum() or c in "_-" else "_" for c in column)
        name = plain if plain[:1].isalpha() and plain.casefold() not in taken else f"participant_{plain}".rstrip("_")
        number, unique = 1, name
        while unique.casefold() in taken:
            number += 1
            unique = f"{name}_{number}"
        names[column] = unique
        taken.add(unique.casefold())
    return names


def _numeric(values: Sequence[str]) -> bool:
    """Whether a column is numbers; "001" is a name."""
    given = [value for value in values if value not in {"n/a", ""}]
    return bool(given) and all(not math.isnan(_number(value)) and not (value[0] == "0" and value[1:].isdecimal()) for value in given)


def _number(value: str) -> float:
    return float(value) if NUMBER.fullmatch(value) else math.nan


def _explained(plan: Plan, name: str) -> dict[str, Any]:
    """Description, Levels and Units that participants.json gives a column."""
    said: dict[str, Any] = {}
    for people in plan.participants.values():
        entry = people.sidecar.get(name)
        said |= {key.lower(): entry[key] for key in ("Description", "Levels", "Units") if key in entry} if isinstance(entry, dict) else {}
    return said


def _statistics(staged: Staged, plan: Plan) -> Iterator[Column]:
    """Mean and standard deviation of each channel of each recording: what normalising needs, read once."""
    there = [entry for _, _, entry in staged]
    dimensions = ("recording_index", "channel")
    shape = (len(there), plan.layout.n_chans)
    yield Column("recording_mean", np.array([entry.mean for entry in there]).reshape(shape), dimensions, {"units": "uV"})
    yield Column("recording_std", np.array([entry.std for entry in there]).reshape(shape), dimensions, {"units": "uV"})
    yield Column("recording_windows", np.array([len(entry.kept) for entry in there], dtype=np.int64), dimensions[:1])


def _attributes(plan: Plan, windows: Sequence[tuple[Recording, Window]], failures: Sequence[Failure]) -> dict[str, Any]:
    sources = [_source(plan, name, dataset) for name, dataset in plan.survey.datasets.items() if name in plan.datasets]
    labels = [label.label for label in plan.request.events.labels]
    return {
        "title": f"{', '.join(labels)} from {', '.join(s['title'] or s['dataset'] for s in sources)}",
        "sfreq": float(plan.layout.sfreq),
        "classes": {"label": labels},
        "request": described(plan.request, plan.recipe),
        "hed_versions": dict(plan.survey.hed_versions),
        "sources": sources,
        "software": {"python": platform.python_version(), **{name.replace("-", "_"): version(name) for name in SOFTWARE}},
        "statistics": _counts(plan, windows, labels),
        "failures": [asdict(failure) for failure in failures],
        "warnings": list(plan.warnings),
        "plan": digest(plan.identity),
    }


def _counts(plan: Plan, windows: Sequence[tuple[Recording, Window]], labels: Sequence[str]) -> dict[str, Any]:
    per_label = Counter(window.label for _, window in windows)
    per_split = Counter(plan.splits[recording.person] for recording, _ in windows)
    persons = {recording.person for recording, _ in windows}
    order = sorted(per_split, key=lambda name: ({"train": 0, "validation": 1, "test": 2}.get(name, 3), name))
    return {
        "recordings": len({recording.key for recording, _ in windows}),
        "persons": len(persons),
        "windows": {label: per_label[label] for label in labels},
        "splits": {name: {"persons": sum(plan.splits[p] == name for p in persons), "windows": per_split[name]} for name in order},
    }


def _source(plan: Plan, name: str, dataset: source.Dataset) -> dict[str, Any]:
    said = dataset.description
    mine = {key: files for key, files in plan.sources.items() if key.startswith(f"{name}/")}
    return {
        "dataset": name,
        "title": str(said.get("Name", name)),
        "doi": str(said.get("DatasetDOI", "")),
        "licence": str(said.get("License", "")),
        "authors": _texts(said.get("Authors")),
        "how_to_acknowledge": str(said.get("HowToAcknowledge", "")),
        "references": _texts(said.get("ReferencesAndLinks")),
        "funding": _texts(said.get("Funding")),
        "ethics": _texts(said.get("EthicsApprovals")),
        "bids_version": str(said.get("BIDSVersion", "")),
        "recordings": len(mine),
        "sha256": digest(mine),
    }


def _texts(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)] if value else []


def _recordings(plan: Plan, staged: Staged) -> dict[str, Any]:
    """What was done to each recording and which windows were left out, with the reason."""
    out: dict[str, Any] = {}
    for recording, _, entry in staged:
        windows = plan.windows[recording.key]
        out[recording.key] = {
            "sources": dict(plan.sources[recording.key]),
            "windows": len(entry.kept),
            "steps": [asdict(step) for step in entry.steps],
            "dropped": [{"onset": windows[i].onset, "reason": reason} for i, reason in entry.dropped],
        }
    for dropped in plan.dropped:
        out.setdefault(dropped.recording, {"dropped": []})["dropped"].append({"onset": dropped.onset, "reason": dropped.reason})
    return out
