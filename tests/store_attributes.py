"""Attributes of a store for the tests of its documents."""

from __future__ import annotations

from typing import Any

SOURCE: dict[str, Any] = {
    "dataset": "ds1",
    "title": "One",
    "doi": "",
    "licence": "CC BY 4.0",
    "authors": ["A. B."],
    "how_to_acknowledge": "Thank us.",
    "references": ["A book"],
    "funding": ["A fund"],
    "ethics": ["A board"],
}
STATISTICS = {
    "recordings": 1,
    "persons": 1,
    "windows": {"a": 1},
    "splits": {"train": {"persons": 1, "windows": 1}},
}
SHAPE = (1, 1, 1)  # (n_windows, n_chans, n_times)


def attributes_of(*sources: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the attributes of a store that was made from these sources."""
    return {
        "title": "A store: [1] & more",
        "sources": list(sources),
        "request": {
            "events": {"labels": [{"label": "a", "query": "A"}]},
            "preprocess": {"name": "default", "steps": []},
        },
        "statistics": STATISTICS,
        "sfreq": 100.0,
        "classes": {"label": ["a"]},
        "failures": [],
        "software": {"bids_dl": "0"},
        "content": "0" * 64,
        **changes,
    }
