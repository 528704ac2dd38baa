"""Staged recordings -> the arrays of a store, in the order of the plan."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from bids_dl import source
from bids_dl.datamodel import Failure, Recording, Window
from bids_dl.pipeline.columns import Staged, all_columns
from bids_dl.pipeline.plan import Plan, described, digest
from bids_dl.pipeline.staging import Staging
from bids_dl.store import card, writer
from bids_dl.store.format import SIGNALS, to_json
from bids_dl.store.location import Location

SOFTWARE = ("bids_dl", "mne", "mne-bids", "hedtools", "numpy", "scipy", "zarr")


def pack(plan: Plan, staged: Staged, staging: Staging, dest: Location, *, failures: Sequence[Failure], say: Callable[[int], None]) -> int:
    """Write the store; the number of its windows."""
    windows = [(recording, plan.windows[recording.key][i]) for recording, _, entry in staged for i in entry.kept]
    shape = (len(windows), plan.layout.n_chans, plan.n_times)
    attributes = _attributes(plan, windows, failures)
    writer.begin(dest, digest(plan.identity))
    blocks = (block for _, key, _ in staged for block in staging.windows(key))
    writer.write_signals(dest, shape, blocks, plan.request.store, say=say)
    columns = all_columns(plan, staged, windows)
    for column in columns:
        writer.write_column(dest, column)
    documents = card.documents(attributes, shape)
    documents |= {"plan.json": to_json(plan.identity), "recordings.json": to_json(_recordings(plan, staged))}
    writer.finish(dest, attributes, [SIGNALS, *(column.name for column in columns)], documents)
    return len(windows)


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
