"""Answers to the plug-in: JSON that ``jsondecode`` of MATLAB and Octave reads without loss.

``jsondecode`` makes fields of structs from the keys of objects, so ``1-back`` becomes ``x1_back``.
No key of an answer therefore comes from data, objects of one list have equal keys, and nothing is
null, except in a list of numbers, where null is NaN.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RESERVED = frozenset(
    """
    break case catch classdef continue do else elseif end end_try_catch end_unwind_protect endfor
    endfunction endif endparfor endswitch endwhile for function global if otherwise parfor
    persistent return spmd switch try until unwind_protect unwind_protect_cleanup while
    """.split()  # noqa: SIM905  (a list of one word a line would be a screen)
)
"""Words that neither MATLAB nor Octave takes as the name of a field."""
MAX_NAME = 63  # characters of a name in MATLAB
NAME = re.compile(rf"[A-Za-z][A-Za-z0-9_]{{0,{MAX_NAME - 1}}}")
KEYED: Mapping[str, str] = {
    "annotated": "column",
    "array_sha256": "array",
    "causes": "cause",
    "classes": "column",
    "columns": "column",
    "counts": "label",
    "documents": "document",
    "hed_version": "dataset",
    "hed_versions": "dataset",
    "left_out": "label",
    "software": "name",
    "splits": "split",
    "suggested": "value",
    "windows": "label",
}
"""Mappings whose keys are data: name of the mapping -> name of the field that gets the key."""
NESTED = {"left_out": "causes"}  # mappings whose values are mappings with keys from data, too
DEFAULT_FIELD = "name"  # that gets the key of another mapping
VALUE = "value"  # field of an item whose value is no mapping
SETTINGS = frozenset({"size", "stride", "tmin", "tmax", "split", "seed"})
"""Keys of the ``windows`` and ``splits`` of a request, which are no labels."""
RENAMED = {"end": "stop"}  # fields of events


def make_safe(content: Any) -> Any:
    """Return JSON content as ``jsondecode`` reads it without loss.

    A mapping whose keys are data, or no names in MATLAB, becomes a list of objects. Objects of a
    list get equal keys. None and NaN become "", except in a list of numbers.

    Parameters
    ----------
    content
        Parsed JSON of a command.

    Examples
    --------
    >>> make_safe({"counts": {"1-back": {"events": 2, "windows": None}}})
    {'counts': [{'label': '1-back', 'events': 2, 'windows': ''}]}
    >>> make_safe([{"onset": 0.5, "end": 2.0}, {"onset": None}])
    [{'onset': 0.5, 'stop': 2.0}, {'onset': '', 'stop': ''}]
    """
    return _safe(content, "")


def choose_fields(content: Any, names: list[str]) -> Any:
    """Keep the fields of a mapping that are named, or all if no name is given.

    Examples
    --------
    >>> choose_fields({"events": [1, 2], "counts": {}}, ["counts"])
    {'counts': {}}
    """
    if not names or not isinstance(content, dict):
        return content
    return {name: content[name] for name in names if name in content}


def write_answer(path: Path, answer: Mapping[str, Any]) -> None:
    """Write an answer as JSON in ASCII. The file appears when it is complete.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(answer), encoding="ascii")
    partial.replace(path)


def _safe(value: Any, name: str) -> Any:
    """Return a value of the field ``name`` as `make_safe` describes it."""
    if isinstance(value, dict):
        return _safe_mapping(value, name)
    if isinstance(value, list):
        return _safe_list(value, name)
    return "" if _is_missing(value) else value


def _safe_mapping(mapping: dict[str, Any], name: str) -> Any:
    if name in KEYED and not mapping.keys() & SETTINGS:
        return _list_of(mapping, KEYED[name], NESTED.get(name))
    if "onset" in mapping:
        mapping = {RENAMED.get(key, key): value for key, value in mapping.items()}
    if not all(map(_is_name, mapping)):
        return _list_of(mapping, DEFAULT_FIELD, None)
    return {key: _safe(value, key) for key, value in mapping.items()}


def _list_of(mapping: dict[str, Any], field: str, nested: str | None) -> list[dict[str, Any]]:
    """Return a mapping as a list of objects that have its keys in ``field``."""
    items = []
    for key, value in mapping.items():
        if nested is not None:
            content: Any = {nested: _safe(value, nested)}
        else:
            content = _safe(value, "")
        is_object = isinstance(content, dict) and field not in content
        items.append({field: key, **(content if is_object else {VALUE: content})})
    return _with_equal_keys(items)


def _safe_list(values: list[Any], name: str) -> list[Any]:
    if name == "steps" and all(isinstance(value, dict) and len(value) == 1 for value in values):
        return [_step(value) for value in values]
    if any(map(_is_number, values)) and all(map(_is_number_or_missing, values)):
        return [None if _is_missing(value) else value for value in values]
    items = [_safe(value, "") for value in values]
    return _with_equal_keys(items) if _all_objects(items) else items


def _step(step: dict[str, Any]) -> dict[str, Any]:
    """Return a step of a recipe, whose only key is its name."""
    [(name, parameters)] = step.items()
    return {"step": name, "parameters": _list_of(dict(parameters or {}), DEFAULT_FIELD, None)}


def _with_equal_keys(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give all objects the keys of all, in one order, with "" where an object has no value."""
    keys = dict.fromkeys(key for item in items for key in item)
    return [{key: item.get(key, "") for key in keys} for item in items]


def _all_objects(items: list[Any]) -> bool:
    return all(isinstance(item, dict) for item in items)


def _is_name(key: str) -> bool:
    return NAME.fullmatch(key) is not None and key not in RESERVED


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not _is_missing(value)


def _is_number_or_missing(value: Any) -> bool:
    return _is_number(value) or _is_missing(value)
