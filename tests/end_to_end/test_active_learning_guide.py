"""The code of docs/active-learning.md runs in order, with fewer seeds and epochs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest

import bids_dl
from bids_dl.annotate.derivative.szcore import list_seizures
from bids_dl.config.stages import PreprocessConfig
from bids_dl.preprocess import load_recipe

DOCS = Path(bids_dl.__file__).parents[1] / "docs"
GUIDE = (DOCS / "active-learning.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(bash|python)\n(.*?)```", GUIDE, re.DOTALL)
FEWER = {
    "convert": ("--scheduler", "synchronous"),
    "simulate": ("--seeds", "2"),
    "train": ("--epochs", "2", "--folds", "2", "--device", "cpu"),
    "predict": ("--device", "cpu"),
}
BUDGETS = {"--budget": "30", "--answers": "0,10"}


def shorten(arguments: list[str]) -> list[str]:
    """Return the arguments of a command with fewer answers, seeds and epochs."""
    shortened = [*arguments, *FEWER.get(arguments[0], ())]
    for flag, value in BUDGETS.items():
        if flag in arguments:
            shortened[arguments.index(flag) + 1] = value
    if "--write-annotations" in arguments:
        shortened += ["--threshold", "0.2"]  # so that few epochs detect something
    return shortened


@pytest.mark.slow
def test_the_code_of_the_guide_runs_in_order(command):
    pytest.importorskip("timescoring")
    Path("bids_dl").symlink_to(Path(bids_dl.__file__).parent)
    names: dict[str, object] = {}
    for language, block in BLOCKS:
        if language == "python":
            exec(compile(block, "docs/active-learning.md", "exec"), names)
            continue
        for line in block.splitlines():
            program, *arguments = shlex.split(line)
            assert program == "bids-dl"
            result = command(*shorten(arguments))
            assert result.status == 0, (line, result.err)
    assert names["scores"].people["n_reference"].sum() == 72
    assert len(pd.read_csv("sample.csv")) + len(bids_dl.open_store("answers.zarr")) <= 300
    written = Path("szcore").rglob("*_events.tsv")
    files = {("patients", file.stem): file for file in sorted(written)}
    _, recordings = list_seizures(files)
    assert recordings["duration"].tolist() == [120.0] * 6


def test_the_recipe_for_long_recordings_resamples_before_it_filters(tmp_path):
    [text] = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    recipe = tmp_path / "pool.yaml"
    recipe.write_text(text)
    loaded = load_recipe(PreprocessConfig(recipe=str(recipe)))
    names = [step.name for step in loaded.signal_steps]
    assert names == ["pick", "resample", "filter"]


def test_the_guide_shows_each_command_of_the_loop():
    text = " ".join(block for _, block in BLOCKS)
    for words in ("--whole", "simulate", "--leave-one-patient-out", "--annotations labels"):
        assert words in text
    for words in ("export_annotations", '"votes_*"', "--write-annotations", "score_events"):
        assert words in text


def test_every_option_that_the_guide_names_exists():
    manual = (DOCS / "cli.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", GUIDE))
    assert [name for name in named if name not in manual] == []


def test_every_link_of_the_guide_leads_to_a_file():
    links = re.findall(r"\]\(([^)#]+)", GUIDE)
    local = [link for link in links if not link.startswith("https://")]
    assert [link for link in local if not (DOCS / link).exists()] == []
