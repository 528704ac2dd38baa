"""Descriptions of stores: in words, for `repr` and notebooks, and by their content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bids_dl.store.checking.identity import ties_objects
from bids_dl.store.format import MANIFEST
from bids_dl.wording import count, join_names

if TYPE_CHECKING:
    from bids_dl.store.reader import Store


def describe_windows(n_windows: int, n_chans: int, n_times: int, sfreq: float) -> str:
    """Describe the number and the shape of windows.

    Examples
    --------
    >>> describe_windows(240, 24, 256, 128.0)
    '240 windows, 24 channels, 256 samples (2 s at 128 Hz)'
    """
    windows = count(n_windows, "window")
    duration = f"{n_times / sfreq:g} s at {sfreq:g} Hz" if sfreq else "rate unknown"
    return f"{windows}, {count(n_chans, 'channel')}, {count(n_times, 'sample')} ({duration})"


def describe_content(store: Store) -> dict[str, Any]:
    """Return the plan and sources of a store and the SHA-256 of its manifest.

    The manifest has the SHA-256 of every object, so its hash identifies the content.
    """
    try:
        manifest_sha256 = hashlib.sha256(store.location.read(MANIFEST)).hexdigest()
    except FileNotFoundError:
        manifest_sha256 = None
    sources = store.attributes.get("sources", [])
    keys = ("dataset", "doi", "sha256")
    return {
        "manifest_sha256": manifest_sha256,
        "plan": store.attributes.get("plan"),
        "sources": [{key: source.get(key) for key in keys} for source in sources],
    }


def describe_store(store: Store) -> dict[str, str]:
    """Describe a store by its shape, title, labels, people, splits, columns and licence.

    What the attributes of the store do not say is left out. Nothing is read.
    """
    attributes = store.attributes
    statistics = attributes.get("statistics", {})
    labels = statistics.get("windows", {})
    if labels:
        listed = [f"{label} {number}" for label, number in labels.items()]
    else:
        listed = [str(label) for label in attributes.get("classes", {}).get("label", ())]
    sources = [_describe_source(source) for source in attributes.get("sources", ())]
    rows = {
        "windows": describe_windows(*store.shape, store.sfreq),
        "title": str(attributes.get("title") or ""),
        "labels": join_names(listed),
        "people": _describe_people(statistics),
        "splits": _describe_splits(statistics.get("splits", {})),
        "columns": join_names(store.columns, limit=len(store.columns)),
        "sources": join_names(sources),
        "not checked": describe_unchecked(store.root),
    }
    return {name: text for name, text in rows.items() if text}


def describe_unchecked(root: Mapping[str, Any]) -> str:
    """Describe what a reader of a store cannot check, "" if it can check everything.

    Parameters
    ----------
    root
        Root `zarr.json` of the store.

    Examples
    --------
    >>> describe_unchecked({"attributes": {}, "consolidated_metadata": {"metadata": {}}})[:35]
    'an older bids_dl wrote this store: '
    """
    if ties_objects(root):
        return ""
    return (
        "an older bids_dl wrote this store: a stream does not notice a chunk or column of another "
        "place or another store, only `bids-dl verify` does"
    )


def _describe_people(statistics: Mapping[str, Any]) -> str:
    if "persons" not in statistics:
        return ""
    people = str(statistics["persons"])
    if "recordings" in statistics:
        people += f" in {count(int(statistics['recordings']), 'recording')}"
    return people


def _describe_splits(splits: Mapping[str, Any]) -> str:
    return join_names(
        f"{name} {split.get('windows', '')}".strip() for name, split in splits.items()
    )


def _describe_source(source: Mapping[str, Any]) -> str:
    licence = source.get("licence") or "no licence stated"
    return f"{source.get('dataset', '')} ({licence})"
