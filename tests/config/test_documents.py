"""Requests as documents of stores, and as options."""

from __future__ import annotations

import json
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.config.declaration import declared_options
from bids_dl.config.documents import (
    request_from_document,
    request_to_document,
    request_to_options,
)
from bids_dl.config.options import RequestOptions
from bids_dl.config.parsing import parse_request

OPTIONS = declared_options(RequestOptions)
SPECIAL: dict[str, dict[str, Any]] = {
    "hed": {"hed": {"a": {"any": ["Red", {"all": ["Blue", "Green"]}]}, "yes": "Blue"}},
    "until": {"until": "a=12.5"},
    "trim": {"trim": "1,2"},
    "within": {"within": ["b=1,5"]},
    "min_duration": {"min_duration": {"b": 2.5}},
    "exclude": {"exclude": ["Square", "b=Triangle"]},
    "during": {"during": "Rest"},
    "around": {"around": ("a=Rest", 2)},
    "aliases": {"aliases": {"Shut": ["Eyes-closed", "Close"]}},
    "stride": {"window": 2.0, "stride": 0.5},
    "tmin": {"tmin": -0.5, "tmax": 1},
    "tmax": {"tmin": 0.25, "tmax": 1},
    "whole": {"whole": True, "hed": None},
    "where": {"where": ["age=18..30", "sex=F"]},
    "hed_sidecar": {"hed_sidecar": {"ds": {"code": {"HED": {"1": "Red"}}}}},
    "set": {"set": {"filter.high": 40}},
}
"""Options that have a form of their own, or need another option."""
TOGETHER_REFUSED = {"window", "stride", "tmin", "tmax", "whole", "stratify"}
"""Options that do not go with each other, or with a query or a split by a column."""


def sample(name: str) -> dict[str, Any]:
    """Give an option a value that is not its default."""
    if name in SPECIAL:
        return SPECIAL[name]
    kind = OPTIONS[name].shell_type
    if get_origin(kind) is Literal:
        return {name: get_args(kind)[-1]}
    return {name: {bool: True, int: 3, float: 0.5, str: "site", list[str]: ["x", "y"]}[kind]}


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_of_a_request_survives_as_an_option(name):
    options = {"hed": ["a=Red", "b=Blue"], **sample(name)}
    request = parse_request(options)
    assert request != parse_request({"hed": ["a=Red", "b=Blue"]})
    assert parse_request(json.loads(json.dumps(request_to_options(request)))) == request


@given(st.sets(st.sampled_from(sorted(OPTIONS.keys() - TOGETHER_REFUSED))))
def test_options_survive_together(names):
    options = {"hed": ["a=Red", "b=Blue"]}
    for name in names - {"hed"}:
        options |= sample(name)
    request = parse_request(options)
    assert parse_request(request_to_options(request)) == request


KEYS_OF_VERSION_1 = {
    "events": {"labels", "aliases", "overlap", "hed_version", "hed_schema_dir", "hed_strict"},
    "source": {"subject", "session", "task", "run"},
    "windows": {"size", "stride", "tmin", "tmax"},
    "splits": {"split", "seed"},
    "store": {"dtype", "chunk_bytes", "shard_bytes"},
}
LABEL_KEYS_OF_VERSION_1 = {
    *("label", "query", "until", "trim", "within", "min_duration", "exclude", "during", "around"),
}


def test_a_document_keeps_the_keys_of_format_version_1():
    document = request_to_document(parse_request({"hed": {"a": "Red"}, "window": 2}))
    for stage, keys in KEYS_OF_VERSION_1.items():
        assert keys <= set(document[stage])
    assert set(document["events"]["labels"][0]) >= LABEL_KEYS_OF_VERSION_1
    assert document["windows"] == {"size": 2.0, "stride": 2.0, "tmin": None, "tmax": None}


def test_a_request_is_rebuilt_from_its_document():
    options = {"hed": ["a=Red"], "window": 2, "subject": ["001"], "recipe": "own.yaml", "seed": 3}
    request = parse_request(options)
    assert request_from_document(request_to_document(request), recipe="own.yaml") == request


def test_a_document_of_an_older_store_gets_the_defaults_of_what_it_lacks():
    label = {"label": "a", "query": "Red"}
    document = {"events": {"labels": [label]}, "windows": {"size": 2.0}}
    assert request_from_document(document) == parse_request({"hed": "a=Red", "window": 2})
