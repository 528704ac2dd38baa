"""croissant.json: a store in the words of MLCommons Croissant 1.0, for catalogues and search engines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bids_dl.sharing import citation, licence
from bids_dl.store.format import SIGNALS

Attributes = Mapping[str, Any]
ZARR = "application/vnd.zarr"
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
    **{
        name: f"cr:{name}"
        for name in (
            *(
                "citeAs",
                "column",
                "equivalentProperty",
                "extract",
                "field",
                "fileObject",
                "fileProperty",
                "fileSet",
                "format",
                "includes",
            ),
            *(
                "isLiveDataset",
                "jsonPath",
                "key",
                "md5",
                "parentField",
                "path",
                "recordSet",
                "references",
                "regex",
                "repeated",
                "replace",
            ),
            *("samplingRate", "separator", "source", "subField", "transform"),
        )
    },
}


def croissant(
    attributes: Attributes, description: str, objects: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Croissant metadata of a store; addresses are relative to it.

    Parameters
    ----------
    description
        What it holds, in a sentence.
    objects
        Entries of the manifest by name.
    """
    sources = attributes["sources"]
    name = licence.common(sources)
    based = [
        f"https://doi.org/{found}" for source in sources if (found := citation.doi(source["doi"]))
    ]
    authors = dict.fromkeys(author for source in sources for author in source["authors"])
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": attributes["title"],
        "description": description,
        "identifier": f"bids-dl:{attributes['content']}",
        "version": "1.0.0",
        "license": licence.legal_text(name) or "LICENSE",
        "url": based[0] if based else "README.md",
        "citeAs": citation.sentence(attributes),
        "creator": [{"@type": "sc:Person", "name": author} for author in authors]
        or [{"@type": "sc:Organization", "name": "unknown"}],
        "keywords": ["EEG", "BIDS", "HED", "Zarr", *attributes["classes"]["label"]],
        **({"isBasedOn": based} if based else {}),
        "distribution": [*_shards(objects), _arrays()],
        "recordSet": [
            _values("classes", attributes["classes"]["label"], "sc:Enumeration"),
            _splits(attributes),
        ],
    }


def _shards(objects: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
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
        for name, entry in sorted(objects.items())
        if name.startswith(f"{SIGNALS}/c/")
    ]


def _arrays() -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": "arrays",
        "name": "arrays",
        "description": "All arrays of the Zarr v3 group: samples, channels and one column per property of a window. manifest.json has the "
        "SHA-256 of every object.",
        "encodingFormat": ZARR,
        "includes": ["*/zarr.json", "*/c/**"],
    }


def _splits(attributes: Attributes) -> dict[str, Any]:
    return _values("splits", list(attributes["statistics"]["splits"]), "cr:Split")


def _values(name: str, values: list[str], kind: str) -> dict[str, Any]:
    """A record set of one text column that is written out."""
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "dataType": kind,
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
