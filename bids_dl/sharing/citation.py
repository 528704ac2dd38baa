"""Citation of a store: CITATION.cff in Citation File Format 1.2.0, sources as references.

See https://github.com/citation-file-format/citation-file-format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bids_dl.sharing.licence import spdx_name, store_licence
from bids_dl.sharing.safe_text import clean_texts, to_yaml

Attributes = Mapping[str, Any]
DOI = re.compile(r"10\.\d{4,9}(\.\d+)?/[A-Za-z0-9:/_;\-.()\[\]]+")  # the pattern of the format


def build_citation(attributes: Attributes, places: Mapping[str, str] | None = None) -> str:
    """Build CITATION.cff of a store.

    Parameters
    ----------
    attributes
        Attributes of the store's root, with ``content``.
    places
        Keys of the format about a published copy: ``doi``, ``url``, ``date-released``.
    """
    attributes = clean_texts(attributes)
    sources = attributes["sources"]
    creators = attributes.get("creators", [])
    cited = "it and its sources" if creators else "its sources"
    content: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": f"If you use this data, please cite {cited} as below, and bids_dl.",
        "type": "dataset",
        "title": attributes["title"],
        "authors": _people(creators or authors_of(sources)),
        "identifiers": [
            {
                "type": "other",
                "value": f"bids-dl:{attributes['content']}",
                "description": "content identifier of the arrays",
            }
        ],
    }
    if "description" in attributes:
        content["abstract"] = attributes["description"]
    licence = store_licence(attributes)
    if licence:
        content["license"] = licence
    content.update(clean_texts(places or {}))
    content["references"] = list(map(_reference, sources))
    return to_yaml(content)


def find_doi(text: str) -> str:
    """Find the first DOI in a text, "" if there is none.

    Examples
    --------
    >>> find_doi("https://doi.org/10.18112/openneuro.ds004362.v1.0.0")
    '10.18112/openneuro.ds004362.v1.0.0'
    """
    match = DOI.search(text)
    return match[0] if match else ""


def doi_urls(sources: Iterable[Attributes]) -> list[str]:
    """List the URL of each source's DOI."""
    urls = []
    for source in sources:
        doi = find_doi(source["doi"])
        if doi:
            urls.append(f"https://doi.org/{doi}")
    return urls


def authors_of(sources: Iterable[Attributes]) -> list[str]:
    """List the authors of all sources, each once."""
    authors: dict[str, None] = {}
    for source in sources:
        authors.update(dict.fromkeys(source["authors"]))
    return list(authors)


def cite(attributes: Attributes) -> str:
    """Return one line that cites a store: authors, title, content identifier and DOIs of sources.

    If the store has creators, they are its authors, and those of the sources follow.

    Parameters
    ----------
    attributes
        Attributes of the store's root, with ``content``.
    """
    sources = attributes["sources"]
    source_authors = ", ".join(authors_of(sources)) or "unknown authors"
    creators = ", ".join(attributes.get("creators", []))
    identifier = f"bids-dl:{attributes['content'][:16]}"
    origin = doi_urls(sources)
    if creators:
        origin = [f"data of {source_authors}", *origin]
    made_from = f", made from {', '.join(origin)}" if origin else ""
    return f"{creators or source_authors}: {attributes['title']}. {identifier}{made_from}"


def name_origin(sources: Sequence[Attributes]) -> str:
    """Name the authors and the DOIs of the sources of a store, "" if there are no sources.

    Parameters
    ----------
    sources
        Attribute ``sources`` of the store.

    Examples
    --------
    >>> name_origin([{"authors": ["Ada"], "doi": "10.5281/zenodo.1"}])
    'made from data of Ada, https://doi.org/10.5281/zenodo.1'
    """
    if not sources:
        return ""
    authors = ", ".join(authors_of(sources)) or "unknown authors"
    return ", ".join([f"made from data of {authors}", *doi_urls(sources)])


def _people(names: Iterable[str]) -> list[dict[str, str]]:
    """Return the authors as the format lists them. It requires at least one."""
    unique = dict.fromkeys(map(str.strip, names))
    people = [{"name": name} for name in unique if name]
    return people or [{"name": "unknown"}]


def _reference(source: Attributes) -> dict[str, Any]:
    """Return the entry of a source under ``references``, without empty fields."""
    reference = {
        "type": "data",
        "title": source["title"] or source["dataset"],
        "authors": _people(source["authors"]),
        "doi": find_doi(source["doi"]),
        "license": spdx_name(source["licence"]),
        "notes": "\n".join(_notes(source)),
    }
    return {key: value for key, value in reference.items() if value}


def _notes(source: Attributes) -> list[str]:
    """List what else the authors ask to be stated, a line per subject."""
    subjects = {
        "How to acknowledge": [source["how_to_acknowledge"]],
        "References": source["references"],
        "Ethics": source["ethics"],
    }
    return [f"{title}: {'; '.join(texts)}" for title, texts in subjects.items() if any(texts)]
