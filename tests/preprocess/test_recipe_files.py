"""Form of a recipe file: YAML, keys and kinds of values."""

from __future__ import annotations

from pathlib import Path

import pytest
from recipe_yaml import write_recipe

from bids_dl.errors import ConfigError
from bids_dl.preprocess.recipe_files import parse_document, read_recipe_file, shipped_recipes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a mapping with name, description and a list of steps"),
        ("- pick", "expected a mapping"),
        ("name: empty\n", "a list of steps"),
        ("steps: {pick: {types: [eeg]}}", "a list of steps"),
        ("extends: default\nsteps: {filter: 1}\n", "a list of steps"),
        ("steps: [", "not YAML: line 1"),
        ("steps: [!!python/object/apply:os.getcwd []]", "not YAML"),
        (
            "steps: []\nstep: []",
            r"unknown key 'step', did you mean 'steps'\?; use name, description, extends, ",
        ),
        ("steps: []\nsteps: [pick: {}]\n", "line 2: the key 'steps' occurs twice"),
        ("extend: default\nsteps: []\n", "unknown key 'extend', did you mean 'extends'"),
        (
            "extends: [default]\n",
            r"extends must be the name of a recipe or a .yaml file, got \['default'\]",
        ),
        ("extends:\nsteps: []\n", "extends must be the name of a recipe"),
        (
            "changes: {filter.high: 30}\nsteps: [{filter: {high: 40}}]\n",
            "changes alter the steps of another recipe; name that recipe by `extends`",
        ),
        ("extends: default\nchanges: [filter.high]\n", r"must be a mapping .* got \['filter"),
        ("extends: default\nchanges: {1: 2}\n", "changes must be a mapping"),
    ],
)
def test_a_document_of_another_form_is_refused_in_one_line(text, message):
    with pytest.raises(ConfigError, match=rf"^recipe own: .*{message}") as refused:
        parse_document(text, "recipe own")
    assert "\n" not in str(refused.value)


def test_messages_about_a_file_have_its_name_and_not_its_folder(tmp_path):
    path = write_recipe(tmp_path / "own.yaml", "steps: [")
    with pytest.raises(ConfigError, match=r"^recipe own\.yaml: not YAML") as refused:
        read_recipe_file(str(path), Path())
    assert str(tmp_path) not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "No such file or directory"), (b"\xff\xfe", "not UTF-8 text")]
)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(tmp_path, content, reason):
    path = tmp_path / "own.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"own\.yaml: cannot be read \({reason}\)"):
        read_recipe_file("own.yaml", tmp_path)


def test_a_shipped_recipe_is_found_by_name_whatever_the_folder(tmp_path):
    file = read_recipe_file("default", tmp_path)
    assert file.title == "recipe default"
    assert file.document["name"] == "default"
    assert list(shipped_recipes()) == sorted(shipped_recipes())
