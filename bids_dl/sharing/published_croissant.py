"""Croissant description of a published copy, with a record set for its windows.

The format is MLCommons Croissant 1.1:
https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html.
The description in a store has version 1.0 and relative addresses, because its bytes are part of the
store.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from bids_dl.sharing.card import LICENCE_DOCUMENT, URL_CHARACTERS, describe_store
from bids_dl.sharing.croissant import (
    CONTEXT,
    ZARR,
    describe_people,
    describe_shards,
    describe_source,
    list_texts,
)
from bids_dl.sharing.licence import legal_text_url, store_licence
from bids_dl.sharing.published_citation import build_bibtex
from bids_dl.sharing.published_copy import PublishedCopy, attributes_of_copy, clean_copy
from bids_dl.sharing.safe_text import clean_texts
from bids_dl.store.format import ARRAYS, DIMENSIONS, ROOT, SIGNALS

Attributes = Mapping[str, Any]
Objects = Mapping[str, Mapping[str, Any]]

CROISSANT_VERSION = "http://mlcommons.org/croissant/1.1"
ONE_OF_SEVERAL_LANGUAGES = {"@container": "@language"}
CONTEXT_1_1 = {
    **CONTEXT,
    "arrayShape": "cr:arrayShape",
    "containedIn": "cr:containedIn",
    "isArray": "cr:isArray",
    "name": ONE_OF_SEVERAL_LANGUAGES,
    "description": ONE_OF_SEVERAL_LANGUAGES,
}
DATA_TYPES = {
    "string": "sc:Text",
    "bool": "sc:Boolean",
    "float32": "cr:Float32",
    "float64": "cr:Float64",
    "int16": "cr:Int16",
    "int64": "cr:Int64",
}
"""Data types of Zarr and their names in Croissant."""

ARRAY_FILES = "arrays"  # identifier of the set of all files
ENUMERATIONS = {"label": "classes", "split": "splits"}  # columns and their record sets of values


def build_published_croissant(
    root: Mapping[str, Any], objects: Objects, copy: PublishedCopy
) -> dict[str, Any]:
    """Build the Croissant description of a published copy. Its addresses are absolute.

    Its creators are those who made the store, and its sources are under ``isBasedOn``. So the copy
    cannot be mistaken for its source.

    Parameters
    ----------
    root
        The root object of the store: its attributes and the metadata of all arrays.
    objects
        Entries of the manifest by object name.
    copy
        Address, page, DOI and creators of the copy.

    Returns
    -------
    dict
        JSON-LD that mlcroissant validates, and search engines for datasets read.
    """
    attributes, copy = attributes_of_copy(root["attributes"], copy), clean_copy(copy)
    arrays = root["consolidated_metadata"]["metadata"]
    shape = tuple(arrays[SIGNALS]["shape"])
    licence = legal_text_url(store_licence(attributes))
    creators = describe_people(attributes.get("creators", ()))
    identifier = f"bids-dl:{attributes['content']}"
    content = {
        "@context": CONTEXT_1_1,
        "@type": "sc:Dataset",
        "conformsTo": CROISSANT_VERSION,
        "name": attributes["title"],
        "description": describe_store(attributes, (shape[0], shape[1], shape[2])),
        "identifier": [copy.doi_url, identifier] if copy.doi_url else identifier,
        "sameAs": copy.doi_url,
        "version": "1.0.0",
        "license": licence or _object_url(copy, LICENCE_DOCUMENT),
        "url": _escape_url(copy.page),
        "citeAs": build_bibtex(attributes, copy),
        "creator": creators or [{"@type": "sc:Organization", "name": "not stated"}],
        "datePublished": copy.date,
        "keywords": ["EEG", "BIDS", "HED", "Zarr", *attributes["classes"]["label"]],
        "isBasedOn": list(map(describe_source, attributes["sources"])),
        "distribution": _describe_files(objects, copy),
        "recordSet": [
            list_texts("classes", attributes["classes"]["label"], "sc:Enumeration"),
            list_texts("splits", list(attributes["statistics"]["splits"]), "cr:Split"),
            _describe_windows(arrays),
        ],
    }
    return {key: value for key, value in content.items() if value}


def _describe_files(objects: Objects, copy: PublishedCopy) -> list[dict[str, Any]]:
    """Describe the shards and the manifest by absolute addresses, and all arrays as a set."""
    files = []
    for shard in describe_shards(objects):
        files.append({**shard, "contentUrl": _object_url(copy, shard["name"])})
    files_of_arrays = {
        "@type": "cr:FileSet",
        "@id": ARRAY_FILES,
        "name": ARRAY_FILES,
        "description": f"All arrays of the Zarr v3 group at {copy.address}: samples, channels and "
        "one column per property of a window. Open it with Zarr, xarray or bids_dl.",
        "encodingFormat": ZARR,
        "includes": [
            f"{copy.objects_base}/{ROOT}",
            f"{copy.objects_base}/*/{ROOT}",
            f"{copy.objects_base}/*/c/**",
        ],
    }
    return [*files, files_of_arrays]


def _describe_windows(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the windows as records: the samples, and each column of the window table."""
    fields = [
        _describe_field(name, metadata)
        for name, metadata in arrays.items()
        if metadata["dimension_names"][:1] == [DIMENSIONS[0]]
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": "windows",
        "name": "windows",
        "description": "One record per window, in the order of the dimension `window` of the "
        "arrays. Each field is the array of its name.",
        "field": fields,
    }


def _describe_field(name: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Describe an array whose first dimension is the windows."""
    identifier = f"windows/{name}"
    described: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": identifier,
        "name": name,
        "description": _explain_array(name, clean_texts(metadata["attributes"])),
        "dataType": DATA_TYPES[metadata["data_type"]],
        "source": {"fileSet": {"@id": ARRAY_FILES}, "extract": {"column": name}},
    }
    shape = metadata["shape"][1:]
    if shape:
        described["isArray"] = True
        described["arrayShape"] = ",".join(map(str, shape))
    if name in ENUMERATIONS:
        described["references"] = {"field": {"@id": f"{ENUMERATIONS[name]}/name"}}
    return described


def _explain_array(name: str, attributes: Attributes) -> str:
    """Return what an array contains, with its unit."""
    row = ARRAYS.get(name)
    meaning = row.meaning if row else attributes.get("description", "")
    if not row and "file" in attributes:
        origin = f"column {attributes['column']} of {attributes['file']}"
        meaning = f"{meaning} ({origin})" if meaning else origin
    units = attributes.get("units")
    return f"{meaning}; unit: {units}" if units and not row else str(meaning)


def _object_url(copy: PublishedCopy, name: str) -> str:
    return _escape_url(f"{copy.objects_base}/{name}")


def _escape_url(url: str) -> str:
    """Escape characters that no URL has, such as spaces."""
    return quote(url, safe=URL_CHARACTERS)
