"""YAML in which a key occurs once."""

from __future__ import annotations

import doctest
import itertools
import os
from pathlib import Path

import pytest

from bids_dl.config import yaml_files
from bids_dl.config.parsing import read_file
from bids_dl.config.selecting.hed_sidecars import parse_hed_sidecars
from bids_dl.config.yaml_files import load_yaml
from bids_dl.errors import ConfigError
from bids_dl.preprocess.recipe_files import read_recipe_file


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


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in itertools.pairwise("abcdefghi")
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested more than 64 levels deep"),
        ("[" * 70 + "]" * 70, "nested more than 64 levels deep"),
        ("a: &a [*a]", "nested more than 64 levels deep, or refers to itself"),
        ("a: &a {b: *a}", "nested more than 64 levels deep, or refers to itself"),
        (BOMB, "has more than 200000 values, with its aliases"),
    ],
)
def test_content_without_an_end_is_refused(text, message):
    with pytest.raises(ConfigError, match=f"^eyes.yaml: .*{message}"):
        load_yaml(text, "eyes.yaml")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize(
    "read",
    [
        lambda path: read_file(path),
        lambda path: read_recipe_file(str(path), Path()),
        lambda path: parse_hed_sidecars(str(path)),
    ],
)
def test_pipes_devices_and_huge_files_are_refused_at_once(tmp_path, read):
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    (tmp_path / "huge.yaml").touch()
    os.truncate(tmp_path / "huge.yaml", 10**12)
    for name in ("pipe", "zero", "huge"):
        with pytest.raises(ConfigError, match=f"{name}.yaml: (cannot be read|has 1000000)"):
            read(tmp_path / f"{name}.yaml")


def test_json_has_numbers_without_a_decimal_point_and_any_character(tmp_path):
    file = tmp_path / "eyes.json"
    file.write_text('{"min_duration": 1e-05, "hed": ["é\\u2028😀=Red"]}', encoding="utf-8")
    assert read_file(file) == {"min_duration": 1e-05, "hed": ["é\u2028😀=Red"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"hed": "Red", "hed": "Blue"}', "the key 'hed' occurs twice in one mapping; keep one"),
        ("hed: Red", "not JSON"),
        ("[1]", "expected option: value pairs, found list"),
        ("[" * 100_000, "nested more than 64 levels deep"),
    ],
)
def test_json_that_is_no_set_of_options_is_refused(tmp_path, text, message):
    file = tmp_path / "eyes.json"
    file.write_text(text)
    with pytest.raises(ConfigError, match=f"eyes.json: .*{message}"):
        read_file(file)
