"""Check JSON against a schema: the part of JSON Schema that stores and run folders need."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
"""A schema of JSON Schema 2020-12.

Its keywords are ``type``, ``const``, ``enum``, ``minimum``, ``exclusiveMinimum``, ``maximum``,
``maxLength``, ``pattern``, ``minItems``, ``maxItems``, ``items``, ``properties``, ``required``,
``additionalProperties`` (a schema), ``propertyNames``, ``minProperties`` and ``maxProperties``.
"""

TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}
MAX_SHOWN = 40  # characters of a wrong value


def find_violation(value: Any, schema: Schema, path: str = "") -> str | None:
    """Find the first place where JSON differs from a schema.

    Parameters
    ----------
    value
        Parsed JSON, nested no deeper than `bids_dl.input.MAX_JSON_DEPTH`.
    path
        Name of the value in the result.

    Returns
    -------
    str or None
        Place, value and what was expected, on one line; None if the value is valid.

    Examples
    --------
    >>> schema = {"type": "object", "properties": {"sfreq": {"type": "number"}}}
    >>> find_violation({"sfreq": "128"}, schema)
    "sfreq is '128', expected a number"
    """
    problem = _find_problem(value, schema)
    if problem:
        return f"{path or 'content'} is {_show(value)}, expected {problem}"
    if isinstance(value, dict):
        for name in schema.get("required", ()):
            if name not in value:
                return f"{_join(path, name)} is missing"
    for below, item, item_schema in _children(value, schema, path):
        violation = find_violation(item, item_schema, below)
        if violation:
            return violation
    return None


def _find_problem(value: Any, schema: Schema) -> str | None:
    """Describe what was expected of a value itself, or return None if it is valid."""
    if "const" in schema and (value != schema["const"] or type(value) is not type(schema["const"])):
        return repr(schema["const"])
    types = schema.get("type", ())
    types = [types] if isinstance(types, str) else types
    if types and not any(_is_type(value, name) for name in types):
        return " or ".join(_with_article(name) for name in types)
    if "enum" in schema and value not in schema["enum"]:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _find_wrong_range(value, schema)
    if isinstance(value, str):
        if len(value) > schema.get("maxLength", math.inf):
            return f"at most {schema['maxLength']} characters"
        if not re.search(schema.get("pattern", ""), value):
            return str(schema.get("description", f"text that matches {schema['pattern']}"))
    if isinstance(value, list | dict):
        return _find_wrong_size(value, schema)
    return None


def _find_wrong_range(value: float, schema: Schema) -> str | None:
    if value < schema.get("minimum", -math.inf):
        return f"at least {schema['minimum']}"
    if value <= schema.get("exclusiveMinimum", -math.inf):
        return f"more than {schema['exclusiveMinimum']}"
    if value > schema.get("maximum", math.inf):
        return f"at most {schema['maximum']}"
    return None


def _find_wrong_size(value: list[Any] | dict[str, Any], schema: Schema) -> str | None:
    minimum, maximum = "minItems", "maxItems"
    if isinstance(value, dict):
        minimum, maximum = "minProperties", "maxProperties"
        names = schema.get("propertyNames", {})
        wrong = [name for name in value if _find_problem(name, names)]
        if wrong:
            return f"other names than {_show(wrong[0])}"
    if len(value) < schema.get(minimum, 0):
        return f"at least {schema[minimum]} in it"
    if len(value) > schema.get(maximum, math.inf):
        return f"at most {schema[maximum]} in it"
    return None


def _children(value: Any, schema: Schema, path: str) -> Iterator[tuple[str, Any, Schema]]:
    """Yield path, value and schema of each item of a list or an object that has a schema."""
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            yield f"{path}[{number}]", item, schema["items"]
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        for name, item in value.items():
            item_schema = properties.get(name, schema.get("additionalProperties"))
            if item_schema is not None:
                yield _join(path, name), item, item_schema


def _is_type(value: Any, name: str) -> bool:
    """Return whether a value has a type of JSON. ``true`` is no number."""
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, TYPES[name])


def _join(path: str, name: str) -> str:
    shown = name if len(name) <= MAX_SHOWN and name.isprintable() else _show(name)
    return f"{path}.{shown}" if path else shown


def _with_article(name: str) -> str:
    if name == "null":
        return name
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _show(value: Any) -> str:
    """Show a value of any size in a few characters."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"an array of {len(value)}"
    if isinstance(value, str) and len(value) > MAX_SHOWN:
        return f"{value[:MAX_SHOWN]!r}... ({len(value)} characters)"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 128:
        return "an integer of more than 38 digits"
    return repr(value)
