"""Run folders written by hand: config.json, folds.json and metrics.json of a finished training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ACCURACIES = (0.8, 0.9, 0.7, 1.0, 0.6, 0.9, 0.8, 0.7)
"""Window accuracies of the persons 001 to 008."""


def metrics_of(accuracies: Sequence[float | None], **changes: Any) -> dict[str, Any]:
    """Return the content of metrics.json: each person has one accuracy and ten windows."""
    persons = list_persons(accuracies)
    known = [value for value in accuracies if value is not None]
    mean = {"value": sum(known) / len(known), "low": 0.5, "high": 1.0}
    content = {
        "target": "label",
        "kind": "classes",
        "outputs": ["rest", "move"],
        "same_person": False,
        "n_persons": len(persons),
        "vote_by": "block",
        "main": "accuracy",
        "windows": {"n": 10 * len(persons), "accuracy": mean, "kappa": {"value": None}},
        "votes": {"n": 2 * len(persons), "ties": 0, "accuracy": mean, "kappa": {"value": 0.5}},
        "person_means": {"accuracy": mean},
        "persons": persons,
        "folds": [],
        "baselines": {},
        "normalize": {"value": "recording", "reason": "recordings have several classes"},
        "warnings": [],
    }
    return content | changes


def list_persons(accuracies: Sequence[float | None]) -> list[dict[str, Any]]:
    """Return the persons of metrics.json, from 001 on."""
    persons = []
    for number, accuracy in enumerate(accuracies, 1):
        identity = {"dataset": "ds1", "subject": f"{number:03}", "n_windows": 10}
        persons.append({**identity, "accuracy": accuracy, "kappa": 0.5})
    return persons


def band_power(accuracies: Sequence[float | None]) -> dict[str, Any]:
    """Return baselines with the window accuracies of the band-power model."""
    content = metrics_of(accuracies)
    keys = ("windows", "votes", "person_means", "persons")
    return {"band_power": {key: content[key] for key in keys}}


def write_run(
    folder: Path, metrics: Mapping[str, Any] | None, *, model: str = "shallow-fbcsp", **store: Any
) -> Path:
    """Write a run folder; without metrics, that of a training that has not finished."""
    folder.mkdir(parents=True)
    config = {
        "command": "bids-dl train eyes.zarr",
        "settings": {"model": model, "folds": "loso", "normalize": "auto"},
        "store": {"url": "eyes.zarr", "manifest_sha256": "ab", **store},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "folds.json").write_text(json.dumps([{"held_out": "sub-001"}] * 8))
    if metrics is not None:
        (folder / "metrics.json").write_text(json.dumps(metrics))
    return folder
