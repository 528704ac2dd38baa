"""The root attributes of a store, and the document recordings.json."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from bids_dl import source
from bids_dl.config.stages import SharingConfig
from bids_dl.datamodel import Failure
from bids_dl.pipeline.packing.columns import WindowRow
from bids_dl.pipeline.packing.derivation import derivation_attributes
from bids_dl.pipeline.staging_entry import StagedRecording
from bids_dl.planning.identity import describe_request
from bids_dl.planning.plan import Plan
from bids_dl.splits import SPLITS
from bids_dl.store.format import digest
from bids_dl.store.signals.quantization import Quantizer

SOFTWARE = ("bids_dl", "mne", "mne-bids", "hedtools", "numpy", "scipy", "zarr")
"""Distributions whose versions a store records, beside those of its recipe."""


def build_attributes(
    plan: Plan, rows: Sequence[WindowRow], failures: Sequence[Failure]
) -> dict[str, Any]:
    """Build the root attributes of a store, as docs/store-format.md specifies them.

    Parameters
    ----------
    rows
        Windows of the store, in order.
    failures
        Recordings that match and are not in the store.
    """
    sources = []
    for name, dataset in plan.survey.datasets.items():
        if name in plan.datasets:
            sources.append(_source_attributes(plan, name, dataset))
    titles = ", ".join(described["title"] or described["dataset"] for described in sources)
    software = {"python": platform.python_version()}
    for name in (*SOFTWARE, *plan.recipe.packages):
        software[name.replace("-", "_")] = version(name)
    return {
        "title": plan.request.sharing.title or f"{', '.join(plan.labels)} from {titles}",
        **_given_attributes(plan.request.sharing),
        "sfreq": float(plan.spec.sfreq),
        "classes": {"label": plan.labels},
        "request": describe_request(plan.request, plan.recipe),
        "hed_versions": dict(plan.survey.hed_versions),
        "sources": sources,
        **_annotation_attributes(plan),
        "software": software,
        "statistics": _count_windows(plan, rows),
        "failures": [asdict(failure) for failure in failures],
        "warnings": list(plan.warnings),
        "plan": digest(plan.identity),
    }


def _given_attributes(sharing: SharingConfig) -> dict[str, Any]:
    """Return description, creators and licence of a store, as far as they are given."""
    given = {
        "description": sharing.description,
        "creators": list(sharing.author),
        "licence": sharing.license,
    }
    return {name: value for name, value in given.items() if value}


def _count_windows(plan: Plan, rows: Sequence[WindowRow]) -> dict[str, Any]:
    """Count recordings, persons and windows, per label and per split."""
    per_label: Counter[str] = Counter()
    per_split: Counter[str] = Counter()
    recordings = set()
    persons = set()
    for recording, window in rows:
        per_label[window.label] += 1
        per_split[plan.splits[recording.person]] += 1
        recordings.add(recording.key)
        persons.add(recording.person)
    persons_per_split = Counter(plan.splits[person] for person in persons)
    splits = {}
    for name in sorted(per_split, key=_split_order):
        splits[name] = {"persons": persons_per_split[name], "windows": per_split[name]}
    return {
        "recordings": len(recordings),
        "persons": len(persons),
        "windows": {label: per_label[label] for label in plan.labels},
        "splits": splits,
    }


def _split_order(name: str) -> tuple[int, str]:
    """Sort train, validation and test before other names."""
    return (SPLITS.index(name) if name in SPLITS else len(SPLITS), name)


def _source_attributes(plan: Plan, name: str, dataset: source.Dataset) -> dict[str, Any]:
    """Describe a dataset from its dataset_description.json, with a hash of the files used."""
    description = dataset.description
    prefix = f"{name}/"
    files = {key: hashes for key, hashes in plan.sources.items() if key.startswith(prefix)}
    origin = dataset.origin
    archive = {}
    if origin is not None:
        archive = {
            "address": origin.address,
            "version": origin.version,
            "commit": origin.commit,
        }
        if origin.updated_utc:  # of lossy copies, which are replaced in place
            archive["updated_utc"] = origin.updated_utc
    return {
        "dataset": name,
        "title": str(description.get("Name", name)),
        "doi": str(description.get("DatasetDOI", "") or (origin.doi if origin else "")),
        **archive,
        "licence": str(description.get("License", "")),
        "authors": _as_texts(description.get("Authors")),
        "how_to_acknowledge": str(description.get("HowToAcknowledge", "")),
        "references": _as_texts(description.get("ReferencesAndLinks")),
        "funding": _as_texts(description.get("Funding")),
        "ethics": _as_texts(description.get("EthicsApprovals")),
        "bids_version": str(description.get("BIDSVersion", "")),
        **derivation_attributes(description),
        "recordings": len(files),
        "sha256": digest(files),
    }


def _annotation_attributes(plan: Plan) -> dict[str, Any]:
    """Describe the derivative that the rows are from, by dataset. Empty without one."""
    described = {}
    for name, derivative in plan.survey.annotations.items():
        prefix = f"{name}/"
        files = {key: of for key, of in plan.annotations.items() if key.startswith(prefix)}
        description = derivative.dataset.description
        generated_by = description.get("GeneratedBy")
        tools = generated_by if isinstance(generated_by, list) else []
        described[name] = {
            "title": str(description.get("Name", "")),
            "generated_by": [str(tool.get("Name", "")) for tool in tools if isinstance(tool, dict)],
            "recordings": len(files),
            "sha256": digest(files),
        }
    return {"annotations": described} if described else {}


def _as_texts(value: Any) -> list[str]:
    """Convert a list, or a single value, of dataset_description.json to a list of strings."""
    if isinstance(value, list):
        return [str(item) for item in value]
    return [str(value)] if value else []


def quantization_attributes(quantizers: Sequence[Quantizer]) -> dict[str, Any]:
    """Describe the quantization error, as recorded in the attributes of an int16 store.

    Parameters
    ----------
    quantizers
        One per recording, after all its windows were quantized. All have the same resolution.
    """
    largest_error = 0.0
    clipped = 0
    peak = 0.0
    for quantizer in quantizers:
        largest_error = max(largest_error, quantizer.largest_error)
        clipped += quantizer.clipped
        peak = max(peak, quantizer.peak)
    return {
        "rounding": {
            "step": quantizers[0].resolution,
            "largest_error": largest_error,
            "clipped": clipped,
            "peak": peak,
        }
    }


def recordings_document(
    plan: Plan, processed: Sequence[StagedRecording], clipped: Mapping[str, int]
) -> dict[str, Any]:
    """Build recordings.json: the changes to each recording, and what was dropped with the reason.

    Parameters
    ----------
    processed
        Recordings that did not fail, with or without windows.
    clipped
        Clipped samples by recording key, for an int16 store.
    """
    document: dict[str, Any] = {}
    for recording, _, entry in processed:
        key = recording.key
        planned = plan.windows[key]
        dropped = []
        for window in entry.dropped:
            onset = planned[window.number].onset
            dropped.append({"onset": onset, "step": window.step, "reason": window.message})
        document[key] = {
            "sources": dict(plan.sources[key]),
            "duration": plan.survey.headers[key].duration,
            "windows": len(entry.kept),
        }
        if key in plan.annotations:
            document[key]["annotations"] = dict(plan.annotations[key])
        if key in clipped:
            document[key]["clipped"] = clipped[key]
        document[key]["steps"] = [asdict(report) for report in entry.steps]
        document[key]["dropped"] = dropped
    for item in plan.dropped:
        of_recording = document.setdefault(item.recording, {"dropped": []})
        of_recording["dropped"].append({"onset": item.onset, "step": "", "reason": item.reason})
    return document


def verified_document(processed: Sequence[StagedRecording]) -> dict[str, dict[str, str]]:
    """Build verified.json: how each remote file of a recording was verified.

    Returns
    -------
    dict
        ``{recording: {file: "checksum", "size" or "ranges"}}``; empty without remote files.
    """
    return {
        recording.key: dict(entry.verified) for recording, _, entry in processed if entry.verified
    }
