"""catalogue.json: the entries of a catalogue, by content. Equal stores give equal bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from bids_dl.cataloguing.entries import CatalogueEntry
from bids_dl.cataloguing.places import UnreadableStore
from bids_dl.config.json_schema import Schema
from bids_dl.store.format import to_json

CATALOGUE = "catalogue.json"
CATALOGUE_FORMAT = "bids-dl-catalogue"
CATALOGUE_VERSION = 1

TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "array", "items": TEXT}
ADDRESS: Schema = {
    "type": "string",
    "pattern": r"^[^\x00-\x1f\ud800-\udfff]+$",
    "description": "an address without control characters",
}
COUNT: Schema = {"type": "integer", "minimum": 0, "maximum": 2**62}
COUNTS: Schema = {"type": "object", "additionalProperties": COUNT}
ENTRY: Schema = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("title", "description", "page"), TEXT),
        "address": ADDRESS,
        "also_at": {"type": "array", "items": ADDRESS},
        **dict.fromkeys(("recipe", "dtype", "licence"), TEXT),
        **dict.fromkeys(("n_windows", "n_chans", "n_times", "n_people"), COUNT),
        **dict.fromkeys(("n_recordings", "n_failed", "signal_bytes"), COUNT),
        **dict.fromkeys(("steps", "creators"), TEXTS),
        "sfreq": {"type": "number", "minimum": 0, "maximum": 1e6},
        "labels": COUNTS,
        "queries": {"type": "object", "additionalProperties": TEXT},
        "splits": {"type": "object", "additionalProperties": COUNTS},
        "sources": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["title", "address"],
}
SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "entries": {"type": "object", "additionalProperties": ENTRY},
        "unreadable": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["entries"],
}
"""Schema of catalogue.json, which a reader checks first."""


def merge_copies(entries: Sequence[CatalogueEntry]) -> list[CatalogueEntry]:
    """Merge the entries of equal content, sorted by title and content.

    Parameters
    ----------
    entries
        One entry a store. Of equal ones the first in order of address stays, with the addresses of
        the others.
    """
    by_content: dict[str, list[CatalogueEntry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.address):
        by_content.setdefault(entry.content, []).append(entry)
    merged = []
    for first, *others in by_content.values():
        merged.append(replace(first, also_at=tuple(other.address for other in others)))
    return sorted(merged, key=lambda entry: (entry.title.casefold(), entry.content))


def build_document(
    title: str, entries: Sequence[CatalogueEntry], unreadable: Sequence[UnreadableStore]
) -> bytes:
    """Build catalogue.json.

    Parameters
    ----------
    title
        Title of the catalogue.
    entries
        Entries of different content, from `merge_copies`.
    unreadable
        Stores that are not among them.
    """
    by_content = {}
    for entry in sorted(entries, key=lambda entry: entry.content):
        values: dict[str, Any] = asdict(entry)
        del values["content"]
        by_content[entry.content] = values
    content: Mapping[str, Any] = {
        "format": CATALOGUE_FORMAT,
        "format_version": CATALOGUE_VERSION,
        "title": title,
        "entries": by_content,
        "unreadable": [asdict(store) for store in unreadable],
    }
    return to_json(content)
