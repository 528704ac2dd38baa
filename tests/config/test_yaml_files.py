"""YAML in which a key occurs once."""

from __future__ import annotations

import doctest

import pytest

from bids_dl.config import yaml_files
from bids_dl.config.yaml_files import load_yaml
from bids_dl.errors import ConfigError


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(yaml_files).failed == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hed: Red\nhed: Blue\n", "line 2: the key 'hed' occurs twice"),
        ("event:\n  go: a==b\n  go: a==c\n", "line 3: the key 'go' occurs twice"),
        ("event: {1: a==b, 1.0: a==c}", "line 1: the key '1.0' occurs twice"),
        ("event: {1: a==b, true: a==c}", "line 1: the key 'true' occurs twice"),
        ("- {a: 1}\n- {a: 1, a: 2}\n", "line 2: the key 'a' occurs twice"),
    ],
)
def test_equal_keys_are_refused_with_the_line(text, message):
    with pytest.raises(ConfigError, match=f"^eyes.yaml: {message} in one mapping; keep one"):
        load_yaml(text, "eyes.yaml")


def test_merged_keys_may_be_replaced():
    text = "a: &common {trim: 1, until: next}\nb:\n  <<: *common\n  trim: 2\n"
    assert load_yaml(text, "eyes.yaml")["b"] == {"trim": 2, "until": "next"}
