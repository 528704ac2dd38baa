"""Schemas of the JSON objects of a store: types and ranges of all values that are read.

`docs/store-root.schema.json` is `ROOT_SCHEMA`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bids_dl.config.json_schema import Schema
from bids_dl.store.format import (
    ARRAY_SHA256,
    DOCUMENTS,
    FORMAT,
    FORMAT_VERSION,
    MANIFEST,
    ROOT_SHA256,
    SIGNALS,
)

MAX_SIZE = 2**31 - 1  # of a dimension: windows, channels or times
MAX_RATE = 1e6  # Hz


def _object(properties: Mapping[str, Schema] | None = None, **keywords: Any) -> Schema:
    schema: dict[str, Any] = {"type": "object"}
    if properties:
        schema["properties"] = dict(properties)
    return schema | keywords


def _list(items: Schema, **keywords: Any) -> Schema:
    return {"type": "array", "items": items, **keywords}


TEXT: Schema = {"type": "string"}
TEXTS = _list(TEXT)
HEX: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "64 hex digits"}
COUNT: Schema = {"type": "integer", "minimum": 0, "maximum": 2**53}
SIZE: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_SIZE}
POSITIVE_SIZE: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_SIZE}
AMOUNT: Schema = {"type": "number", "minimum": 0, "maximum": 1e300}  # is finite
NUMBER: Schema = {"type": "number", "minimum": -1e300, "maximum": 1e300}
NUMBER_OR_NULL: Schema = {**NUMBER, "type": ["number", "null"]}
AMOUNT_OR_NULL: Schema = {**AMOUNT, "type": ["number", "null"]}
NAME: Schema = {
    "type": "string",
    "pattern": r"^(?!\.)[^/\\\x00-\x1f]+$",
    "maxLength": 200,
    "description": "a name without slashes and control characters",
}
STEP = _object(additionalProperties={"type": ["object", "null"]}, minProperties=1, maxProperties=1)
REQUEST = _object(
    {
        "events": _object(
            {
                "labels": _list(_object({"label": TEXT}, required=["label", "query"]), minItems=1),
                "aliases": _object(),
                "hed_sidecar": _object(additionalProperties=_object()),
                "annotations": TEXT,
            },
            required=["labels"],
        ),
        "source": _object(),
        "windows": _object(dict.fromkeys(("size", "stride", "tmin", "tmax"), NUMBER_OR_NULL)),
        "splits": _object(),
        "preprocess": _object(
            {"name": TEXT, "steps": _list(STEP), "plugins": _object(additionalProperties=TEXT)},
            required=["name", "steps"],
        ),
        "store": _object(),
        "sharing": _object(),
    },
    required=["events", "preprocess"],
)
SOURCE_TEXTS = ("dataset", "title", "doi", "licence", "how_to_acknowledge", "bids_version")
ARCHIVE_TEXTS = ("address", "version", "commit", "updated_utc")
SOURCE_LISTS = ("authors", "references", "funding", "ethics")
DERIVATION_LISTS = ("generated_by", "source_datasets")
SOURCE = _object(
    {
        **dict.fromkeys((*SOURCE_TEXTS, *ARCHIVE_TEXTS, "dataset_type"), TEXT),
        **dict.fromkeys((*SOURCE_LISTS, *DERIVATION_LISTS), TEXTS),
        "recordings": COUNT,
        "sha256": HEX,
    },
    required=["dataset", "title", "doi", "licence"],
)
STATISTICS = _object(
    {
        "recordings": COUNT,
        "persons": COUNT,
        "windows": _object(additionalProperties=COUNT),
        "splits": _object(
            additionalProperties=_object(
                {"persons": COUNT, "windows": COUNT}, required=["persons", "windows"]
            )
        ),
    },
    required=["recordings", "persons", "windows", "splits"],
)
FAILURE = _object(
    {"recording": TEXT, "stage": TEXT, "reason": TEXT, "transient": {"type": "boolean"}},
    required=["recording", "stage", "reason"],
)
ATTRIBUTES = _object(
    {
        "format": {"const": FORMAT},
        "format_version": {"const": FORMAT_VERSION},
        "finished": {"const": True},
        ROOT_SHA256: HEX,
        "content": HEX,
        DOCUMENTS: _object(additionalProperties=HEX),
        ARRAY_SHA256: _object(additionalProperties=_list(HEX)),
        "title": TEXT,
        "description": TEXT,
        "creators": TEXTS,
        "licence": TEXT,
        "sfreq": {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_RATE},
        "classes": _object(additionalProperties=TEXTS, required=["label"]),
        "request": REQUEST,
        "hed_versions": _object(additionalProperties={"type": ["string", "null"]}),
        "sources": _list(SOURCE),
        "annotations": _object(
            additionalProperties=_object(
                {"title": TEXT, "generated_by": TEXTS, "recordings": COUNT, "sha256": HEX}
            )
        ),
        "software": _object(additionalProperties={"type": ["string", "null"]}),
        "statistics": STATISTICS,
        "failures": _list(FAILURE),
        "rounding": _object(
            {"step": AMOUNT, "largest_error": AMOUNT, "clipped": COUNT, "peak": AMOUNT},
            required=["step"],
        ),
        "warnings": TEXTS,
        "plan": TEXT,
    },
    required=["format", "format_version", "finished", ROOT_SHA256, "sfreq", "classes"],
)
"""Attributes of the group. Others are allowed. Small tools may write few of them."""

REPORTED_ATTRIBUTES = (
    *("title", "request", "statistics", "sources", "failures", "content", "software"),
)
"""Attributes that `bids-dl info` and `bids-dl report` show, of a store that `bids-dl` wrote."""

CODEC = _object({"name": TEXT, "configuration": _object()}, required=["name"])
CODECS = _list(CODEC, minItems=1, maxItems=4)
CHUNK_SHAPE = _list(POSITIVE_SIZE, minItems=1, maxItems=4)
ARRAY = _object(
    {
        "zarr_format": {"const": 3},
        "node_type": {"const": "array"},
        "shape": _list(SIZE, minItems=1, maxItems=4),
        "dimension_names": _list(TEXT, minItems=1, maxItems=4),
        "data_type": {"type": ["string", "object"]},
        "chunk_grid": _object(
            {
                "name": {"const": "regular"},
                "configuration": _object({"chunk_shape": CHUNK_SHAPE}, required=["chunk_shape"]),
            },
            required=["name", "configuration"],
        ),
        "chunk_key_encoding": _object(
            {
                "name": {"const": "default"},
                "configuration": _object({"separator": {"const": "/"}}),
            },
            required=["name"],
        ),
        "codecs": CODECS,
        "attributes": _object({"scale_factor": {"type": "number", "exclusiveMinimum": 0}}),
    },
    required=[
        *("shape", "dimension_names", "data_type", "chunk_grid", "chunk_key_encoding"),
        *("fill_value", "codecs"),
    ],
)
SHARDING = _object(
    {
        "chunk_shape": CHUNK_SHAPE,
        "codecs": CODECS,
        "index_codecs": CODECS,
        "index_location": {"const": "end"},
    },
    required=["chunk_shape", "codecs", "index_codecs"],
)
"""Configuration of the codec ``sharding_indexed``."""
ROOT_SCHEMA: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Root zarr.json of a bids-dl store, format version 1",
    **_object(
        {
            "zarr_format": {"const": 3},
            "node_type": {"const": "group"},
            "attributes": ATTRIBUTES,
            "consolidated_metadata": _object(
                {
                    "metadata": _object(
                        required=[SIGNALS], additionalProperties=ARRAY, propertyNames=NAME
                    )
                },
                required=["metadata"],
            ),
        },
        required=["attributes", "consolidated_metadata"],
    ),
}

DOCUMENT_SCHEMAS: Mapping[str, Schema] = {
    "plan.json": _object(
        {
            "request": REQUEST,
            "recordings": _object(additionalProperties=TEXT),
            "splits": _object(additionalProperties=TEXT),
        }
    ),
    "recordings.json": _object(
        additionalProperties=_object(
            {
                "duration": AMOUNT_OR_NULL,
                "windows": COUNT,
                "clipped": COUNT,
                "steps": _list(
                    _object(
                        {
                            "step": TEXT,
                            "channels": TEXTS,
                            "share": AMOUNT,
                            "notes": TEXTS,
                            "seconds": AMOUNT_OR_NULL,
                            "flag": TEXT,
                        },
                        required=["step", "channels", "share", "notes"],
                    )
                ),
                "dropped": _list(
                    _object(
                        {"onset": NUMBER, "step": TEXT, "reason": TEXT},
                        required=["onset", "reason"],
                    )
                ),
            },
        )
    ),
    MANIFEST: _object(
        {
            "objects": _object(
                additionalProperties=_object(
                    {"bytes": COUNT, "sha256": HEX}, required=["bytes", "sha256"]
                ),
                propertyNames={
                    "type": "string",
                    "pattern": r"^(?!(.*/)?\.\.?(/|$))[^/\\\x00-\x1f][^\\\x00-\x1f]*$",
                },
            )
        },
        required=["objects"],
    ),
}
"""Schemas of the other JSON objects of a store that are read."""
