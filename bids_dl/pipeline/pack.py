"""Staged recordings -> the arrays of a store, in the order of the plan."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from bids_dl import source
from bids_dl.datamodel import Failure, Recording, Window
from bids_dl.pipeline.columns import Staged, all_columns
from bids_dl.pipeline.staging import Staging
from bids_dl.planning.identity import described, digest
from bids_dl.planning.plan import Plan
from bids_dl.remote.location import Location
from bids_dl.sharing import card
from bids_dl.store import writer
from bids_dl.store.format import DROPOUT, ROOT, SIGNALS, to_json
from bids_dl.store.quantization import MagnitudeHistogram, Quantizer, choose_resolution

SOFTWARE = ("bids_dl", "mne", "mne-bids", "hedtools", "numpy", "scipy", "zarr")

LICENCE_FILES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING")
LONGEST_LICENCE = 200_000  # bytes; what is longer is none


@dataclass(frozen=True, slots=True)
class MissingRecordings:
    """Recordings of a plan that have no window in the store: those that failed, and those of which the recipe left none."""

    failures: Sequence[Failure]
    emptied: Staged


def pack(
    plan: Plan,
    staged: Staged,
    staging: Staging,
    dest: Location,
    *,
    absent: MissingRecordings,
    say: Callable[[int], None],
) -> int:
    """Write the store; the number of its windows.

    Raises
    ------
    StoreError
        The samples don't fit the data type asked for; nothing was written.
    """
    windows = [
        (recording, plan.windows[recording.key][i])
        for recording, _, entry in staged
        for i in entry.kept
    ]
    shape = (len(windows), plan.spec.n_chans, plan.n_times)
    coders: dict[str, Quantizer] = _coders(staged) if plan.request.store.dtype == "int16" else {}
    if dest.exists(ROOT):
        writer.reopen(dest)
    draft = writer.begin(dest, digest(plan.identity))
    blocks = (
        coders[key](block) if coders else block
        for _, key, _ in staged
        for block in staging.windows(key)
    )
    step = next((coder.step for coder in coders.values()), None)
    writer.write_signals(draft, shape, blocks, plan.request.store, step=step, say=say)
    masks = [DROPOUT] if plan.recipe.writes_dropout_mask else []
    if masks:
        writer.write_mask(
            draft,
            shape,
            (mask for _, _, entry in staged for mask in entry.masks(shape[1:])),
            plan.request.store,
        )
    columns = all_columns(plan, staged, windows)
    writer.write_columns(draft, columns)
    attributes = _attributes(plan, windows, absent.failures) | _rounding(list(coders.values()))
    documents = card.documents(
        attributes | {"content": draft.content}, shape, draft.objects, _licences(plan)
    )
    clipped = {recording.key: coders[key].clipped for recording, key, _ in staged if coders}
    documents |= {
        "plan.json": to_json(plan.identity),
        "recordings.json": to_json(_recordings(plan, [*staged, *absent.emptied], clipped)),
    }
    writer.finish(
        draft, attributes, [SIGNALS, *masks, *(column.name for column in columns)], documents
    )
    return len(windows)


def _coders(staged: Staged) -> dict[str, Quantizer]:
    """What turns the samples of each entry into whole numbers: one step for all, so all were looked at while they were staged."""
    magnitudes = MagnitudeHistogram(
        np.sum([entry.magnitudes for _, _, entry in staged], axis=0, dtype=np.int64)
    )
    step = choose_resolution(
        magnitudes, [deviation for _, _, entry in staged for deviation in entry.std]
    )
    return {key: Quantizer(step) for _, key, _ in staged}


def _rounding(coders: Sequence[Quantizer]) -> dict[str, Any]:
    """What whole numbers cost, as a store says it."""
    if not coders:
        return {}
    return {
        "rounding": {
            "step": coders[0].step,
            "largest_error": max(coder.largest_error for coder in coders),
            "clipped": sum(coder.clipped for coder in coders),
            "peak": max(coder.peak for coder in coders),
        }
    }


def _attributes(
    plan: Plan, windows: Sequence[tuple[Recording, Window]], failures: Sequence[Failure]
) -> dict[str, Any]:
    sources = [
        _source(plan, name, dataset)
        for name, dataset in plan.survey.datasets.items()
        if name in plan.datasets
    ]
    labels = [label.label for label in plan.request.events.labels]
    return {
        "title": f"{', '.join(labels)} from {', '.join(s['title'] or s['dataset'] for s in sources)}",
        "sfreq": float(plan.spec.sfreq),
        "classes": {"label": labels},
        "request": described(plan.request, plan.recipe),
        "hed_versions": dict(plan.survey.hed_versions),
        "sources": sources,
        "software": {
            "python": platform.python_version(),
            **{
                name.replace("-", "_"): version(name) for name in (*SOFTWARE, *plan.recipe.packages)
            },
        },
        "statistics": _counts(plan, windows, labels),
        "failures": [asdict(failure) for failure in failures],
        "warnings": list(plan.warnings),
        "plan": digest(plan.identity),
    }


def _counts(
    plan: Plan, windows: Sequence[tuple[Recording, Window]], labels: Sequence[str]
) -> dict[str, Any]:
    per_label = Counter(window.label for _, window in windows)
    per_split = Counter(plan.splits[recording.person] for recording, _ in windows)
    persons = {recording.person for recording, _ in windows}
    order = sorted(
        per_split, key=lambda name: ({"train": 0, "validation": 1, "test": 2}.get(name, 3), name)
    )
    return {
        "recordings": len({recording.key for recording, _ in windows}),
        "persons": len(persons),
        "windows": {label: per_label[label] for label in labels},
        "splits": {
            name: {
                "persons": sum(plan.splits[p] == name for p in persons),
                "windows": per_split[name],
            }
            for name in order
        },
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


def _licences(plan: Plan) -> dict[str, str]:
    """Dataset -> the text of its own licence file, where it has one."""
    found: dict[str, str] = {}
    for name in plan.datasets:
        for file in (plan.survey.datasets[name].root / word for word in LICENCE_FILES):
            if file.is_file() and file.stat().st_size < LONGEST_LICENCE:
                found.setdefault(name, file.read_text("utf-8", "replace"))
    return found


def _texts(value: Any) -> list[str]:
    return (
        [str(item) for item in value] if isinstance(value, list) else [str(value)] if value else []
    )


def _recordings(plan: Plan, staged: Staged, clipped: Mapping[str, int]) -> dict[str, Any]:
    """What was done to each recording and which windows were left out, with the reason."""
    out: dict[str, Any] = {}
    for recording, _, entry in staged:
        windows = plan.windows[recording.key]
        out[recording.key] = {
            "sources": dict(plan.sources[recording.key]),
            "duration": plan.survey.headers[recording.key].duration,
            "windows": len(entry.kept),
            **({"clipped": clipped[recording.key]} if recording.key in clipped else {}),
            "steps": [asdict(step) for step in entry.steps],
            "dropped": [
                {"onset": windows[i].onset, "reason": reason} for i, reason in entry.dropped
            ],
        }
    for dropped in plan.dropped:
        out.setdefault(dropped.recording, {"dropped": []})["dropped"].append(
            {"onset": dropped.onset, "reason": dropped.reason}
        )
    return out
