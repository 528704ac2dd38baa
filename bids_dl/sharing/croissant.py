"""Croissant description of a store, for catalogues and search engines.

The format is MLCommons Croissant 1.0:
https://docs.mlcommons.org/croissant/docs/croissant-spec.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    creators = describe_people(attributes.get("creators") or authors_of(sources))
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
        content["isBasedOn"] = list(map(describe_source, sources))
    elif urls:
        content["isBasedOn"] = urls
    content["distribution"] = [*describe_shards(objects), _array_files()]
    content["recordSet"] = [
        list_texts("classes", attributes["classes"]["label"], "sc:Enumeration"),
        list_texts("splits", list(attributes["statistics"]["splits"]), "cr:Split"),
    ]
    return content


def describe_people(names: Iterable[str]) -> list[dict[str, str]]:
    """Describe persons by name.

    Examples
    --------
    >>> describe_people(["Ada"])
    [{'@type': 'sc:Person', 'name': 'Ada'}]
    """
    return [{"@type": "sc:Person", "name": name} for name in names]


def describe_source(source: Attributes) -> dict[str, Any]:
    """Describe a source with its authors, without empty fields.

    Parameters
    ----------
    source
        One of the `sources` of the attributes of a store.
    """
    described = {
        "@type": "sc:Dataset",
        "name": source["title"] or source["dataset"],
        "creator": describe_people(source["authors"]),
        "license": source["licence"],
        "url": f"https://doi.org/{find_doi(source['doi'])}" if find_doi(source["doi"]) else "",
    }
    return {key: value for key, value in described.items() if value}


def describe_shards(objects: Objects) -> list[dict[str, Any]]:
    """Describe each shard of ``signals`` as a file.

    Parameters
    ----------
    objects
        Entries of the manifest by object name.

    Returns
    -------
    list of dict
        The files in the order of their names, with addresses relative to the store.
    """
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


def list_texts(name: str, values: Sequence[str], data_type: str) -> dict[str, Any]:
    """Describe a record set of one text column, with its values.

    Parameters
    ----------
    name
        Name of the record set; its column is called ``name``.
    values
        Values of the column, one a record.
    data_type
        Type of the record set, such as ``sc:Enumeration``.
    """
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
