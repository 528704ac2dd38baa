"""Answers have no key from data, and equal keys in all objects of a list."""

from __future__ import annotations

import doctest
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.eeglab import answers
from bids_dl.eeglab.answers import NAME, RESERVED, make_safe, write_answer


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(answers).failed == 0


def keys_of(content: Any) -> set[str]:
    """Return the keys of all objects."""
    if isinstance(content, dict):
        return {*content, *(key for value in content.values() for key in keys_of(value))}
    if isinstance(content, list):
        return {key for value in content for key in keys_of(value)}
    return set()


def lists_of(content: Any) -> list[list[Any]]:
    """Return all lists."""
    if isinstance(content, dict):
        return [found for value in content.values() for found in lists_of(value)]
    if isinstance(content, list):
        return [content, *(found for value in content for found in lists_of(value))]
    return []


def leaves_of(content: Any) -> list[Any]:
    """Return all values that are no object, outside lists of numbers."""
    if isinstance(content, dict):
        return [leaf for value in content.values() for leaf in leaves_of(value)]
    if isinstance(content, list):
        if any(type(value) in (int, float) for value in content):
            return []
        return [leaf for value in content for leaf in leaves_of(value)]
    return [content]


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
KEYS = st.sampled_from(["counts", "windows", "steps", "end", "onset", "1-back", "é", "a", "b", ""])
CONTENT = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(CONTENT)
def test_any_content_has_names_as_keys_and_lists_with_equal_keys(content):
    safe = make_safe(content)
    assert all(NAME.fullmatch(key) and key not in RESERVED for key in keys_of(safe))
    for items in lists_of(safe):
        if items and all(isinstance(item, dict) for item in items):
            assert len({tuple(item) for item in items}) == 1
    assert None not in leaves_of(safe)


@pytest.mark.parametrize("label", ["1-back", "end", "é", "eyes-closed", "if", "a/b", "label"])
def test_labels_are_values_whatever_their_characters(label):
    counts = {label: {"events": 2, "windows": 30}}
    safe = make_safe({"counts": counts, "people": [{"subject": "01", "windows": {label: 3}}]})
    assert safe["counts"] == [{"label": label, "events": 2, "windows": 30}]
    assert safe["people"][0]["windows"] == [{"label": label, "value": 3}]


def test_causes_of_what_is_left_out_are_a_list():
    safe = make_safe({"left_out": {"go": {"crosses a boundary": 3}}})
    assert safe["left_out"] == [
        {"label": "go", "causes": [{"cause": "crosses a boundary", "value": 3}]}
    ]


def test_steps_of_a_recipe_have_their_name_as_a_value():
    safe = make_safe({"steps": [{"pick": {"types": ["eeg"]}}, {"demean": None}]})
    assert safe["steps"] == [
        {"step": "pick", "parameters": [{"name": "types", "value": ["eeg"]}]},
        {"step": "demean", "parameters": []},
    ]


def test_sizes_of_windows_of_a_request_stay_an_object():
    assert make_safe({"windows": {"size": 2.0, "tmin": None}}) == {
        "windows": {"size": 2.0, "tmin": ""}
    }


def test_missing_numbers_stay_missing_in_a_list_of_numbers():
    assert make_safe({"a": [1, None, float("nan")], "b": [None, "x"]}) == {
        "a": [1, None, None],
        "b": ["", "x"],
    }


def test_an_answer_is_ascii_and_its_folder_is_made(tmp_path):
    file = tmp_path / "new" / "answer é.json"
    write_answer(file, {"text": "é 😀"})
    assert file.read_bytes().isascii()
    assert json.loads(file.read_text()) == {"text": "é 😀"}
    assert [path.name for path in file.parent.iterdir()] == [file.name]
