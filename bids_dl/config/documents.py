"""Requests as plain values: documents in stores, whose keys never change, and options by name.

A store holds the request that made it in its root attributes and in `plan.json`. The digest of that
document identifies a plan, so its keys stay those of format version 1 even if a field of a stage
gets another name. `STORED_NAMES` is the only place where the two differ.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from bids_dl.config.declaration import declared_options, format_default
from bids_dl.config.defaults import default_values
from bids_dl.config.options import (
    EventOptions,
    LabelOptions,
    RecipeOptions,
    SharingOptions,
    SourceOptions,
    SplitOptions,
    StoreOptions,
    WindowOptions,
)
from bids_dl.config.stages import LabelConfig, Request

STORED_NAMES = {"windows": {"window": "size"}}
"""Per stage, the fields that documents keep under another key: field name -> stored key."""
LATER_STAGES = ("sharing",)
"""Stages that a document has only if a field is given, so that others keep their digest."""
LATER_FIELDS = (
    ("source", "where"),
    ("splits", "stratify"),
    ("events", "whole"),
    ("events", "hed_sidecar"),
    ("events", "annotations"),
)
"""(stage, field) that a document has only if the field is given, for the same reason."""
STAGE_OPTIONS: dict[str, type] = {
    "source": SourceOptions,
    "events": EventOptions,
    "windows": WindowOptions,
    "preprocess": RecipeOptions,
    "splits": SplitOptions,
    "store": StoreOptions,
    "sharing": SharingOptions,
}
"""Declarations of the options of each stage of a request."""


def request_to_document(request: Request) -> dict[str, Any]:
    """Convert a request to the plain values that a store keeps.

    Parameters
    ----------
    request
        The request of a conversion.

    Returns
    -------
    dict
        One mapping per stage: lists, strings, numbers, booleans and None only.
    """
    document: dict[str, Any] = json.loads(json.dumps(asdict(request)))
    document["events"].pop("unexpanded")
    for stage, names in STORED_NAMES.items():
        document[stage] = _renamed(document[stage], names)
    for stage in LATER_STAGES:
        given = {name: value for name, value in document.pop(stage).items() if value}
        if given:
            document[stage] = given
    for stage, name in LATER_FIELDS:
        if not document[stage][name]:
            del document[stage][name]
    return document


def request_from_document(document: Mapping[str, Any], *, recipe: str = "default") -> Request:
    """Rebuild the request of a store from its document.

    Parameters
    ----------
    document
        `request` of the attributes of a store. Fields that it lacks, because the store is older
        than they are, get their defaults.
    recipe
        Name or file of the recipe, because a document holds the steps and not where they are from.

    Raises
    ------
    pydantic.ValidationError
        The document has a field that this version does not know.
    """
    fields: dict[str, Any] = json.loads(json.dumps(dict(document)))
    fields["preprocess"] = {"recipe": recipe}
    for stage, names in STORED_NAMES.items():
        stored_names = {stored: field for field, stored in names.items()}
        fields[stage] = _renamed(fields.get(stage, {}), stored_names)
    return TypeAdapter(Request).validate_python(fields)


def request_to_options(request: Request) -> dict[str, Any]:
    """Convert a request to options by name, as plain values for a file of options.

    Options at a default that means "none" are left out. Those at another default are written, so
    that the options give the same request even if a later version has another default.

    Parameters
    ----------
    request
        The request of a conversion.

    Returns
    -------
    dict
        Options for `bids_dl.config.parsing.parse_request`, which gives the same request.

    Examples
    --------
    >>> from bids_dl.config.parsing import parse_request
    >>> request = parse_request({"hed": "Eyes-closed", "window": 2})
    >>> parse_request(request_to_options(request)) == request
    True
    """
    if request.events.whole:
        options = _own_options(request.events.labels[0])
    elif request.events.unexpanded:
        options = dict(request.events.unexpanded)
    else:
        options = {"hed": {label.label: _label_options(label) for label in request.events.labels}}
    for stage_name, declaration in STAGE_OPTIONS.items():
        stage = getattr(request, stage_name)
        defaults = default_values(type(stage))
        for name in declared_options(declaration):
            value = getattr(stage, name)
            if value != defaults[name] or format_default(value):
                options[name] = value
    plain: dict[str, Any] = json.loads(json.dumps(options))
    return plain


def _own_options(label: LabelConfig) -> dict[str, Any]:
    """Return the options of a label that are not at their default."""
    defaults = default_values(LabelConfig)
    own_options: dict[str, Any] = {}
    for name in declared_options(LabelOptions):
        value = getattr(label, name)
        if value != defaults[name]:
            own_options[name] = value
    return own_options


def _label_options(label: LabelConfig) -> Any:
    """Return the query of a label, or a mapping with its query and its own options."""
    own_options = _own_options(label)
    if isinstance(label.query, str):
        return {"hed": label.query, **own_options} if own_options else label.query
    return {**label.query, **own_options}


def _renamed(content: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Copy a mapping with some of its keys replaced, in the same order."""
    return {names.get(key, key): value for key, value in content.items()}
