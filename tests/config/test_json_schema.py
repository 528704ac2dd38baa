"""The part of JSON Schema that is checked here agrees with the library jsonschema."""

from __future__ import annotations

import copy
import doctest
import json
import random
from typing import Any

import jsonschema
import pytest

from bids_dl.config import json_schema
from bids_dl.config.json_schema import find_violation
from bids_dl.store.checking.root_schema import ROOT_SCHEMA

VALUES = (
    None,
    True,
    0,
    -1,
    3,
    2.5,
    1e300,
    2**60,
    "",
    "a",
    "../x",
    "f" * 64,
    [],
    ["a"],
    {},
    {"a": 1},
)
N_CHANGES = 400


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(json_schema).failed == 0


@pytest.mark.parametrize(
    ("value", "schema", "message"),
    [
        (True, {"type": "integer"}, "content is True, expected an integer"),
        (0, {"exclusiveMinimum": 0}, "content is 0, expected more than 0"),
        ([1, "a"], {"items": {"type": "number"}}, "[1] is 'a', expected a number"),
        ({"a": {}}, {"properties": {"a": {"required": ["b"]}}}, "a.b is missing"),
        ({"a/b": 1}, {"propertyNames": {"pattern": "^[a-z]$"}}, "expected other names than 'a/b'"),
        ("x" * 500, {"type": "null"}, "... (500 characters), expected null"),
        (10**3000, {"maximum": 5}, "an integer of more than 38 digits, expected at most 5"),
    ],
)
def test_a_violation_is_described_in_one_short_line(value, schema, message):
    violation = find_violation(value, schema)
    assert message in violation
    assert "\n" not in violation
    assert len(violation) < 200


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return each container with each of its keys."""
    keys: list[Any] = []
    if isinstance(value, dict):
        keys = list(value)
    elif isinstance(value, list):
        keys = list(range(len(value)))
    found = [(value, key) for key in keys]
    for key in keys:
        found += places(value[key])
    return found


def test_random_changes_of_a_root_are_judged_as_jsonschema_judges_them(eyes_store):
    root = json.loads((eyes_store / "zarr.json").read_text())
    reference = jsonschema.Draft202012Validator(ROOT_SCHEMA)
    assert find_violation(root, ROOT_SCHEMA) is None
    assert reference.is_valid(root)
    draw = random.Random(0)
    n_refused = 0
    for _ in range(N_CHANGES):
        changed = copy.deepcopy(root)
        container, key = draw.choice(places(changed))
        if draw.random() < 0.2 and isinstance(container, dict):
            del container[key]
        else:
            container[key] = draw.choice(VALUES)
        is_valid = find_violation(changed, ROOT_SCHEMA) is None
        assert is_valid == reference.is_valid(changed), (key, container)
        n_refused += not is_valid
    assert N_CHANGES / 4 < n_refused < N_CHANGES
