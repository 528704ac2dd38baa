"""The root of a store is checked by its published schema."""

from __future__ import annotations

import doctest
import json
from pathlib import Path

import jsonschema
import pytest
import small_store
from small_store import SmallStore

from bids_dl.store import open_store
from bids_dl.store.checking import root_check
from bids_dl.store.checking.root_check import find_root_problem
from bids_dl.store.checking.root_schema import ATTRIBUTES, ROOT_SCHEMA
from bids_dl.store.format import to_json

DOCS = Path(__file__).parents[3] / "docs"


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(root_check).failed == 0


def test_the_published_schema_is_the_one_that_is_checked():
    assert (DOCS / "store-root.schema.json").read_bytes() == to_json(ROOT_SCHEMA)
    jsonschema.Draft202012Validator.check_schema(ROOT_SCHEMA)


def test_every_attribute_of_the_schema_is_in_the_specification():
    text = (DOCS / "store-format.md").read_text("utf-8")
    assert [name for name in ATTRIBUTES["properties"] if f"`{name}`" not in text] == []


@pytest.mark.parametrize("resolution", [None, 0.5])
def test_small_and_whole_stores_have_no_problem(tmp_path, eyes_store, resolution):
    small_store.write(tmp_path / "a.zarr", SmallStore(), resolution=resolution)
    assert open_store(tmp_path / "a.zarr").shape == (70, 3, 20)
    assert find_root_problem(json.loads((eyes_store / "zarr.json").read_text())) is None


@pytest.mark.parametrize("root", [None, [], 3, "a", {}, {"attributes": None}, {"a": [[[]]]}])
def test_anything_else_is_described(root):
    assert isinstance(find_root_problem(root), str)
