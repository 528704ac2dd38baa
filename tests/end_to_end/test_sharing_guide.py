"""The code of docs/sharing.md runs in order."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import bids_dl

DOCS = Path(bids_dl.__file__).parents[1] / "docs"
GUIDE = (DOCS / "sharing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(bash|python)\n(.*?)```", GUIDE, re.DOTALL)


@pytest.mark.slow
def test_the_code_of_the_guide_runs_in_order(command):
    Path("bids_dl").symlink_to(Path(bids_dl.__file__).parent)
    for language, block in BLOCKS:
        if language == "python":
            exec(compile(block, "docs/sharing.md", "exec"), {})
            continue
        for line in block.splitlines():
            program, *arguments = shlex.split(line)
            if program == "mkdir":
                Path(arguments[-1]).mkdir()
                continue
            assert program == "bids-dl"
            if arguments[0] == "convert":
                arguments += ["--scheduler", "synchronous"]
            result = command(*arguments)
            assert result.status == 0, (line, result.err)
    assert {path.name for path in Path("record").iterdir()} == {
        *("eyes.zip", "README.md", "CITATION.cff", "croissant.json", "zenodo.json")
    }


def test_every_option_that_the_guide_names_exists():
    manual = (DOCS / "cli.md").read_text(encoding="utf-8")
    foreign = {"--local-dir"}  # of the hf command
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", GUIDE)) - foreign
    assert [name for name in named if name not in manual] == []


def test_every_link_of_the_guide_leads_to_a_file():
    links = re.findall(r"\]\(([^)#]+)", GUIDE)
    assert [link for link in links if not (DOCS / link).exists()] == []
