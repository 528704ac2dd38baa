"""Croissant description of a store, for catalogues and search engines.

The format is MLCommons Croissant 1.0:
https://docs.mlcommons.org/croissant/docs/croissant-spec.html.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bids_dl.sharing.citation import authors_of, cite, doi_urls, find_doi
from bids_dl.sharing.licence import legal_text_url, store_licence
from bids_dl.store.format import SIGNALS

Attributes = Mapping[str, Any]
Objects = Mapping[str, Mapping[str, Any]]

ZARR = "application/vnd.zarr"
CROISSANT_TERMS = """
    citeAs column equivalentProperty extract field fileObject fileProperty fileSet format includes
    isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace
    samplingRate separator source subField transform
""".split()  # noqa: SIM905  (one word a line would fill a screen)
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "conformsTo": "dct:conformsTo",
    **{term: f"cr:{term}" for term in CROISSANT_TERMS},
}


def build_croissant(attributes: Attributes, description: str, objects: Objects) -> dict[str, Any]:
    """Build the Croissant description of a store. Its addresses are relative to the store.

    Parameters
    ----------
    attributes
        Attributes of the store's root, with ``content``.
    description
        One or two sentences about the content.
    objects
        Entries of the manifest by object name.
    """
    sources = attributes["sources"]
    urls = doi_urls(sources)
    creators = _people(attributes.get("creators") or authors_of(sources))
    content = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": attributes["title"],
        "description": description,
        "identifier": f"bids-dl:{attributes['content']}",
        "version": "1.0.0",
        "license": legal_text_url(store_licence(attributes)) or "LICENSE",
        "url": urls[0] if urls else "README.md",
        "citeAs": cite(attributes),
        "creator": creators or [{"@type": "sc:Organization", "name": "unknown"}],
        "keywords": ["EEG", "BIDS", "HED", "Zarr", *attributes["classes"]["label"]],
    }
    if "creators" in attributes:  # whose data they are must then stand elsewhere
        content["isBasedOn"] = list(map(_describe_source, sources))
    elif urls:
        content["isBasedOn"] = urls
    content["distribution"] = [*_shard_files(objects), _array_files()]
    content["recordSet"] = [
        _text_record_set("classes", attributes["classes"]["label"], "sc:Enumeration"),
        _text_record_set("splits", list(attributes["statistics"]["splits"]), "cr:Split"),
    ]
    return content


def _people(names: Sequence[str]) -> list[dict[str, str]]:
    """Describe persons by name."""
    return [{"@type": "sc:Person", "name": name} for name in names]


def _describe_source(source: Attributes) -> dict[str, Any]:
    """Describe a source with its authors, without empty fields."""
    described = {
        "@type": "sc:Dataset",
        "name": source["title"] or source["dataset"],
        "creator": _people(source["authors"]),
        "license": source["licence"],
        "url": f"https://doi.org/{find_doi(source['doi'])}" if find_doi(source["doi"]) else "",
    }
    return {key: value for key, value in described.items() if value}


def _shard_files(objects: Objects) -> list[dict[str, Any]]:
    """Describe each shard of ``signals`` as a file."""
    files = []
    for name, entry in sorted(objects.items()):
        if not name.startswith(f"{SIGNALS}/c/"):
            continue
        files.append(
            {
                "@type": "cr:FileObject",
                "@id": name,
                "name": name,
                "description": "Windows of EEG: a shard of the Zarr v3 array `signals`.",
                "contentUrl": name,
                "contentSize": f"{entry['bytes']} B",
                "encodingFormat": ZARR,
                "sha256": entry["sha256"],
            }
        )
    return files


def _array_files() -> dict[str, Any]:
    """Describe the files of all arrays as a set."""
    return {
        "@type": "cr:FileSet",
        "@id": "arrays",
        "name": "arrays",
        "description": "All arrays of the Zarr v3 group: samples, channels and one column per "
        "property of a window. manifest.json has the SHA-256 of every object.",
        "encodingFormat": ZARR,
        "includes": ["*/zarr.json", "*/c/**"],
    }


def _text_record_set(name: str, values: Sequence[str], data_type: str) -> dict[str, Any]:
    """Describe a record set of one text column, with its values."""
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "dataType": data_type,
        "key": {"@id": f"{name}/name"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{name}/name",
                "name": "name",
                "description": f"One of the {name}.",
                "dataType": "sc:Text",
            }
        ],
        "data": [{f"{name}/name": value} for value in values],
    }
