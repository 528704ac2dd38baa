"""The format `bids-dl`, version 1: names, sizes and the root object. `docs/store-format.md` is its specification."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from bids_dl.config.stages import StoreConfig

FORMAT, VERSION = "bids-dl", 1
ROOT, MANIFEST, UNFINISHED = "zarr.json", "manifest.json", "unfinished.json"
SIGNALS, DROPOUT = "signals", "dropout"
CHECKSUM, BLANK = (
    "root_sha256",
    "0" * 64,
)  # an attribute of the root: SHA-256 of the root itself, with BLANK in its place
DIMENSIONS = ("window", "channel", "time")
RESERVED = {
    *(
        "signals",
        "channel",
        "channel_type",
        "channel_position",
        "time",
        "recording_mean",
        "recording_std",
        "recording_windows",
    ),
    *("dropout", "frequency", "recording_spectrum_before", "recording_spectrum_after"),
    *("label", "dataset", "subject", "session", "task", "run", "recording", "onset", "event_onset"),
    *(
        "row",
        "block",
        "end_rule",
        "split",
        "hed",
        "duration",
    ),  # duration: of what would not be plain
}  # names that a column of participants.tsv or events.tsv cannot take


@dataclass(frozen=True, slots=True)
class Column:
    """One small array of a store: numbers, or text as ``str`` objects."""

    name: str
    values: npt.NDArray[Any]
    dimensions: tuple[str, ...] = ("window",)
    attributes: Mapping[str, Any] = field(default_factory=dict)


def sizes(
    shape: tuple[int, int, int], config: StoreConfig, *, itemsize: int = 4
) -> tuple[int, int]:
    """Windows per chunk and per shard for windows of ``shape`` (n_windows, n_chans, n_times), ``itemsize`` bytes a sample.

    Chunks hold whole windows, near ``chunk_bytes`` before compression; shards whole chunks, at most ``shard_bytes`` and no more than the
    array needs.
    """
    n_windows, n_chans, n_times = shape
    window_bytes = n_chans * n_times * itemsize
    chunk = max(1, min(round(config.chunk_bytes / window_bytes), n_windows))
    needed = -(-n_windows // chunk)
    return chunk, chunk * max(1, min(config.shard_bytes // (chunk * window_bytes), needed))


def root_object(attributes: Mapping[str, Any], arrays: Mapping[str, Any]) -> bytes:
    """The root `zarr.json` with the arrays' metadata inline (as zarr-python and xarray read it)."""
    consolidated = {"kind": "inline", "must_understand": False, "metadata": dict(arrays)}
    said = {CHECKSUM: BLANK, **attributes}
    root = to_json(
        {
            "zarr_format": 3,
            "node_type": "group",
            "attributes": said,
            "consolidated_metadata": consolidated,
        }
    )
    return root.replace(BLANK.encode(), hashlib.sha256(root).hexdigest().encode(), 1)


def root_holds(content: bytes, attributes: Mapping[str, Any]) -> bool:
    """Whether the bytes of a root object are the ones that were written."""
    said = str(attributes.get(CHECKSUM)).encode()
    return (
        len(said) == len(BLANK)
        and hashlib.sha256(content.replace(said, BLANK.encode(), 1)).hexdigest().encode() == said
    )


def array_of(name: str) -> str:
    """The array that an object would belong to, by its name; "" where none."""
    return (
        name.removesuffix(f"/{ROOT}")
        if name.endswith(f"/{ROOT}")
        else name.partition("/c/")[0]
        if "/c/" in name
        else ""
    )


def content_id(objects: Mapping[str, Mapping[str, Any]], arrays: Collection[str]) -> str:
    """What a paper can quote: one hash over all objects of all arrays, whatever the documents say and wherever the store lies.

    Parameters
    ----------
    objects
        Entries of the manifest by name.
    """
    mine = {name: entry["sha256"] for name, entry in objects.items() if array_of(name) in arrays}
    return hashlib.sha256(json.dumps(mine, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def to_json(content: Any) -> bytes:
    """The one way JSON is written: same content, same bytes."""
    return (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
