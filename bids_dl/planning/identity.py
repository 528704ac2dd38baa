"""The identity of a plan: its request as plain values, and the differences between two plans."""

from __future__ import annotations

from typing import Any

from bids_dl import preprocess
from bids_dl.config.documents import request_to_document
from bids_dl.config.stages import Request
from bids_dl.source.annotated import split_location

MAX_VALUE_CHARS = 40  # of a value that a difference shows
ABSENT = "(absent)"  # value of a key that only the other document has
ANNOTATIONS = "FOLDER"  # in place of the path of a derivative, whose files the plan has by hash


def describe_request(request: Request, recipe: preprocess.Recipe) -> dict[str, Any]:
    """Return the request of a store as plain values, without any path of this machine.

    Parameters
    ----------
    recipe
        The recipe of the request, which may name channels that the request leaves open.
    """
    document = request_to_document(request)
    document["preprocess"] = recipe.to_dict()
    document["events"].pop("hed_schema_dir")
    if request.events.annotations:
        desc, _ = split_location(request.events.annotations)
        document["events"]["annotations"] = f"{desc}={ANNOTATIONS}" if desc else ANNOTATIONS
    return document


def find_differences(stored: Any, planned: Any, path: str = "") -> list[str]:
    """Find the paths at which two JSON values differ.

    Parameters
    ----------
    stored, planned
        Nested dicts, lists and plain values.
    path
        Path of both values within the document.

    Returns
    -------
    list of str
        Paths such as ``request.events.labels[1].label``, with both values if these are short.
    """
    if isinstance(stored, dict) and isinstance(planned, dict):
        pairs = []
        for name in dict.fromkeys([*stored, *planned]):
            inner_path = f"{path}.{name}".lstrip(".")
            pairs.append((inner_path, stored.get(name, ABSENT), planned.get(name, ABSENT)))
    elif isinstance(stored, list) and isinstance(planned, list) and len(stored) == len(planned):
        pairs = []
        for i, (old, new) in enumerate(zip(stored, planned, strict=True), 1):
            pairs.append((f"{path}[{i}]", old, new))
    elif stored == planned:
        return []
    elif _is_short(stored) and _is_short(planned):
        return [f"{path} (store: {stored}, now: {planned})"]
    else:
        return [path]
    differences = []
    for inner_path, old, new in pairs:
        differences += find_differences(old, new, inner_path)
    return differences


def _is_short(value: Any) -> bool:
    return not isinstance(value, dict | list) and len(str(value)) < MAX_VALUE_CHARS
