"""The format `bids-dl`, version 1: names, sizes and the root object. `docs/store-format.md` is its specification."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bids_dl.config import StoreConfig

FORMAT, VERSION = "bids-dl", 1
ROOT, MANIFEST, UNFINISHED = "zarr.json", "manifest.json", "unfinished.json"
SIGNALS = "signals"
DIMENSIONS = ("window", "channel", "time")
RESERVED = {
    *("signals", "channel", "channel_type", "channel_position", "time", "recording_mean", "recording_std", "recording_windows"),
    *("label", "dataset", "subject", "session", "task", "run", "recording", "onset", "event_onset"),
    *("row", "block", "end_rule", "split", "hed", "duration"),  # duration: of what would not be plain
}  # names that a column of participants.tsv or events.tsv cannot take


@dataclass(frozen=True, slots=True)
class Column:
    """One small array of a store: numbers, or text as ``str`` objects."""

    name: str
    values: npt.NDArray[Any]
    dimensions: tuple[str, ...] = ("window",)
    attributes: Mapping[str, Any] = field(default_factory=dict)


def sizes(shape: tuple[int, int, int], config: StoreConfig) -> tuple[int, int]:
    """Windows per chunk and per shard for float32 windows of ``shape`` (n_windows, n_chans, n_times).

    Chunks hold whole windows, near ``chunk_bytes``; shards whole chunks, at most ``shard_bytes`` and no more than the array needs.
    """
    n_windows, n_chans, n_times = shape
    window_bytes = n_chans * n_times * np.dtype(config.dtype).itemsize
    chunk = max(1, min(round(config.chunk_bytes / window_bytes), n_windows))
    needed = -(-n_windows // chunk)
    return chunk, chunk * max(1, min(config.shard_bytes // (chunk * window_bytes), needed))


def root_object(attributes: Mapping[str, Any], arrays: Mapping[str, Any]) -> bytes:
    """The root `zarr.json` with the arrays' metadata inline (as zarr-python and xarray read it)."""
    consolidated = {"kind": "inline", "must_understand": False, "metadata": dict(arrays)}
    root = {"zarr_format": 3, "node_type": "group", "attributes": dict(attributes), "consolidated_metadata": consolidated}
    return to_json(root)


def to_json(content: Any) -> bytes:
    """The one way JSON is written: same content, same bytes."""
    return (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
