"""How to cite a store: CITATION.cff, in Citation File Format 1.2.0, with the sources as references."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from bids_dl.sharing import licence

Attributes = Mapping[str, Any]
DOI = re.compile(r"10\.\d{4,9}(\.\d+)?/[A-Za-z0-9:/_;\-.()\[\]]+")  # as the format has it


def citation(attributes: Attributes) -> str:
    """CITATION.cff of a store."""
    sources = attributes["sources"]
    name = licence.common(sources)
    content = {
        "cff-version": "1.2.0",
        "message": "If you use this data, please cite its sources as below, and bids_dl.",
        "type": "dataset",
        "title": attributes["title"],
        "authors": _people(author for source in sources for author in source["authors"]),
        "identifiers": [
            {
                "type": "other",
                "value": f"bids-dl:{attributes['content']}",
                "description": "content identifier of the arrays",
            }
        ],
        **({"license": name} if name else {}),
        "references": [_reference(source) for source in sources],
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def doi(text: str) -> str:
    """The plain DOI in what a dataset says, "10.18112/openneuro.ds004362.v1.0.0"; "" where it says none."""
    match = DOI.search(text)
    return match[0] if match else ""


def sentence(attributes: Attributes) -> str:
    """One line that cites a store."""
    authors = [author for source in attributes["sources"] for author in source["authors"]]
    who = ", ".join(dict.fromkeys(authors)) or "unknown authors"
    where = [
        f"https://doi.org/{doi(source['doi'])}"
        for source in attributes["sources"]
        if doi(source["doi"])
    ]
    return f"{who}: {attributes['title']}. bids-dl:{attributes['content'][:16]}{', made from ' if where else ''}{', '.join(where)}"


def _people(names: Any) -> list[dict[str, str]]:
    return [{"name": name} for name in dict.fromkeys(name.strip() for name in names) if name] or [
        {"name": "unknown"}
    ]


def _reference(source: Attributes) -> dict[str, Any]:
    name = licence.spdx(source["licence"])
    notes = _lines(source)
    reference = {
        "type": "data",
        "title": source["title"] or source["dataset"],
        "authors": _people(source["authors"]),
        "doi": doi(source["doi"]),
        "license": name,
        "notes": "\n".join(notes),
    }
    return {key: value for key, value in reference.items() if value}


def _lines(source: Attributes) -> Sequence[str]:
    """What else the authors ask to be said."""
    named = (
        ("How to acknowledge", [source["how_to_acknowledge"]]),
        ("References", source["references"]),
        ("Ethics", source["ethics"]),
    )
    return [f"{word}: {'; '.join(said)}" for word, said in named if any(said)]
