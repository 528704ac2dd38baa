"""The guide for people of EEGLAB: its recipe steps are valid, its links and pictures exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from eeglab.octave import PLUGIN

from bids_dl.config.stages import PreprocessConfig
from bids_dl.preprocess.loading import load_recipe

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "eeglab.md").read_text(encoding="utf-8")
TABLE = GUIDE.partition("## What I do in EEGLAB")[2].partition("\n## ")[0]
EXAMPLES = [
    example
    for row in TABLE.splitlines()
    if row.startswith("| ") and row.count("|") == 4
    for example in re.findall(r"`(\w+: [^`]+)`", row.split("|")[3])
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_step_of_the_table_is_one_of_a_recipe(example, tmp_path):
    file = tmp_path / "one.yaml"
    steps = [yaml.safe_load(example)]
    file.write_text(yaml.safe_dump({"name": "one", "description": "one step", "steps": steps}))
    recipe = load_recipe(PreprocessConfig(recipe=str(file)))
    assert [step.name for step in recipe.steps] == list(steps[0])


def test_the_table_has_an_example_for_each_kind_of_cleaning():
    names = {example.partition(":")[0] for example in EXAMPLES}
    assert {"filter", "resample", "reference", "ica", "asr", "interpolate", "baseline"} <= names


def test_links_and_pictures_exist():
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", GUIDE)
    assert sum(link.endswith(".png") for link in links) == 5
    assert [link for link in links if not (DOCS / link).is_file()] == []


def test_the_functions_of_the_guide_exist():
    named = set(re.findall(r"pop_bidsdl_\w+", GUIDE))
    assert named
    assert [name for name in sorted(named) if not (PLUGIN / f"{name}.m").is_file()] == []
