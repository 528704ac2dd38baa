"""Stores for the report: one with failures, notes and dropped data, and a large one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import small_store
import yaml
from conversions import EYES_QUERIES
from small_store import SmallStore

import bids_dl
from bids_dl.store import open_store


def make_flawed_store(sample: Path, folder: Path) -> Path:
    """Convert a damaged copy of the sample to a store.

    One recording is missing, one is truncated and dropped, and two have bad channels.
    """
    source = Path(shutil.copytree(sample, folder / "ds004362"))
    missing = next(source.glob("sub-004/eeg/*run-1_eeg.edf"))
    missing.write_text("/annex/objects/SHA256E-s1--abc.edf\n", "utf-8")
    truncated = next(source.glob("sub-003/eeg/*run-2_eeg.edf"))
    truncated.write_bytes(truncated.read_bytes()[: truncated.stat().st_size // 4])
    for table in source.glob("sub-00[12]/eeg/*run-1_channels.tsv"):
        _mark_first_two_channels_bad(table)
    steps = [
        {"pick": {"types": ["eeg"]}},
        {"montage": {"positions": "standard_1005"}},
        {"reference": {"channels": "average"}},
        "interpolate",
        {"filter": {"low": 1.0, "high": 40.0}},
        {"reference": {"channels": "average"}},
    ]
    recipe = folder / "cleaning.yaml"
    recipe.write_text(yaml.safe_dump({"steps": steps}), "utf-8")
    bids_dl.convert(
        str(source),
        str(folder / "flawed.zarr"),
        hed=EYES_QUERIES,
        window=2,
        min_duration=30,
        recipe=str(recipe),
        dtype="int16",
        scheduler="synchronous",
    )
    return folder / "flawed.zarr"


def _mark_first_two_channels_bad(table: Path) -> None:
    header, *rows = table.read_text("utf-8").splitlines()
    lines = [f"{header}\tstatus"]
    for i, row in enumerate(rows):
        lines.append(f"{row}\t{'bad' if i < 2 else 'good'}")
    table.write_text("\n".join(lines) + "\n", "utf-8")


def read_recordings(store: Path) -> dict:
    """Return the content of recordings.json of a store."""
    return json.loads((store / "recordings.json").read_bytes())


def write_large_store(folder: Path, template: Path) -> None:
    """Write a store of 3000 recordings, with the attributes and reports of another store."""
    small = SmallStore(n_subjects=1500, per_recording=2, per_chunk=1000, chunks_per_shard=4)
    attributes = dict(open_store(str(template)).attributes)
    del attributes["root_sha256"]
    attributes["failures"] = [
        {
            "recording": f"ds1/lost-{i}",
            "stage": "read",
            "reason": f"{i} samples are missing",
            "transient": False,
        }
        for i in range(900)
    ]
    attributes["statistics"] = {
        "recordings": 3000,
        "persons": 1500,
        "windows": {"open": 3000, "closed": 3000},
        "splits": {
            "train": {"persons": 900, "windows": 3600},
            "test": {"persons": 600, "windows": 2400},
        },
    }
    attributes["warnings"] = [f"warning {i}" for i in range(900)]
    attributes["sfreq"] = 100.0
    attributes["classes"] = {"label": ["open", "closed"]}
    small_store.write(folder, small, **attributes)
    report = next(report for report in read_recordings(template).values() if "steps" in report)
    dropped = [
        {"onset": float(i), "reason": f"it ends at {i} s, the recording at 0 s"} for i in range(20)
    ]
    columns = {column.name: column.values for column in small_store.columns(small)}
    recordings = {}
    for i, name in enumerate(dict.fromkeys(columns["recording"])):
        items = dropped if i % 2 else []
        recordings[f"ds1/{name}"] = report | {"windows": 2, "dropped": items}
    (folder / "recordings.json").write_text(json.dumps(recordings), "utf-8")
