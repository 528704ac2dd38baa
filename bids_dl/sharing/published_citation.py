"""Citations of a published copy of a store: one line, BibTeX and CITATION.cff.

The authors are those who made the store. If they are not stated, there is no author, because the
authors of the sources made something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bids_dl.sharing.citation import build_citation, find_doi, name_origin
from bids_dl.sharing.licence import store_licence
from bids_dl.sharing.published_copy import PublishedCopy, attributes_of_copy

Attributes = Mapping[str, Any]

BIBTEX_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",  # BibTeX counts the braces of "\{" too
    "}": r"\textbraceright{}",
    **{character: f"\\{character}" for character in "&%$#_"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
"""Characters with a meaning in BibTeX or LaTeX, and their escapes."""


def cite_copy(attributes: Attributes, copy: PublishedCopy) -> str:
    """Return one line that cites a published copy: creators, title, identifier, sources, place.

    Parameters
    ----------
    attributes
        Attributes of the store's root, with ``content``.
    copy
        The published copy. Its DOI is the place, else its page, unless that is a relative path.

    Examples
    --------
    >>> attributes = {"title": "Eyes", "content": "ab" * 32, "sources": []}
    >>> cite_copy(attributes, PublishedCopy("s3://b/eyes.zarr", creators=("Ada",)))
    'Ada: Eyes. bids-dl:abababababababab. s3://b/eyes.zarr'
    """
    attributes = attributes_of_copy(attributes, copy)
    creators = ", ".join(attributes.get("creators", ()))
    parts = [f"bids-dl:{attributes['content'][:16]}", name_origin(attributes["sources"])]
    identity = ", ".join(filter(None, parts))
    line = ". ".join(filter(None, [attributes["title"], identity, copy.cited_place]))
    return f"{creators}: {line}" if creators else line


def build_published_citation(attributes: Attributes, copy: PublishedCopy) -> str:
    """Build the CITATION.cff of a published copy, with its DOI, page and day.

    Parameters
    ----------
    attributes
        Attributes of the store's root, with ``content``.
    copy
        The published copy.
    """
    attributes = {"creators": ["unknown"]} | attributes_of_copy(attributes, copy)
    places = {"doi": find_doi(copy.doi), "url": copy.page_url, "date-released": copy.date}
    return build_citation(attributes, {name: text for name, text in places.items() if text})


def build_bibtex(attributes: Attributes, copy: PublishedCopy) -> str:
    r"""Build the BibTeX entry of a published copy.

    Parameters
    ----------
    attributes
        Attributes of the store's root, with ``content``.
    copy
        The published copy.

    Examples
    --------
    >>> attributes = {"title": "Eyes & ears", "content": "ab" * 32, "sources": []}
    >>> copy = PublishedCopy("s3://b/eyes.zarr", creators=("Ada Lovelace",), date="2026-11-30")
    >>> print(build_bibtex(attributes, copy))
    @misc{bids-dl-abababababababab,
      author = {{Ada Lovelace}},
      title = {{Eyes \& ears}},
      year = {2026},
      version = {bids-dl:abababababababab},
      url = {s3://b/eyes.zarr},
    }
    """
    attributes = attributes_of_copy(attributes, copy)
    creators = map(_escape_bibtex, attributes.get("creators", ()))
    short = attributes["content"][:16]
    fields = {
        "author": " and ".join(f"{{{name}}}" for name in creators),
        "title": f"{{{_escape_bibtex(attributes['title'])}}}",
        "year": copy.date[:4],
        "version": f"bids-dl:{short}",
        "doi": find_doi(copy.doi),
        "url": copy.cited_place,
        "note": _note_sources(attributes["sources"]),
        "license": store_licence(attributes),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{bids-dl-{short},", *lines, "}"])


def _escape_bibtex(text: str) -> str:
    """Write a text on one line of BibTeX, which then shows the text itself."""
    line = " ".join(str(text).split())
    return "".join(BIBTEX_ESCAPES.get(character, character) for character in line)


def _note_sources(sources: Iterable[Attributes]) -> str:
    """Name the sources with their DOIs, "" if there are none."""
    names = []
    for source in sources:
        doi = find_doi(source["doi"])
        name = _escape_bibtex(source["title"] or source["dataset"])
        names.append(f"{name} (doi:{_escape_bibtex(doi)})" if doi else name)
    return f"Made from {'; '.join(names)}" if names else ""
