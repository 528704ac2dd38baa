"""The commands of docs/explaining.md run, with fewer epochs and starts, and its claims hold."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from html_page import Page

import bids_dl

DOCS = Path(bids_dl.__file__).parents[1] / "docs"
GUIDE = (DOCS / "explaining.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", GUIDE, re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines()]
FEWER = {
    "train": ("--epochs", "2", "--folds", "2", "--device", "cpu"),
    "explain": (
        *("--starts", "2", "--random", "2", "--steps", "10", "--max-windows", "24"),
        *("--integration-steps", "4", "--device", "cpu"),
    ),
}


@pytest.mark.slow
def test_the_commands_of_the_guide_run_in_order(command, eegbci, eyes_store):
    Path("eyes.zarr").symlink_to(eyes_store)
    for line in COMMANDS:
        program, name, *arguments = shlex.split(line)
        if program == "bids-dl" and name != "convert":
            result = command(name, *arguments, *FEWER.get(name, ()))
            assert result.status == 0, (line, result.err)
    folder = Path("runs/eyes-shallow-fbcsp-0/explanation")
    page = Page((folder / "explanation.html").read_bytes())
    assert page.problems == []
    rows = list(csv.DictReader((folder / "claims.csv").read_text().splitlines()))
    assert [row["statement"] for row in rows if row["statement"] not in page.words] == []
    shown = sum(row["is_shown"].casefold() in {"true", "1", "yes"} for row in rows)
    assert f"{shown} of {len(rows)} statements" in page.words
    [code] = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    exec(compile(code, "docs/explaining.md", "exec"), {"__name__": "__main__"})
    with np.load(folder / "explanation.npz", allow_pickle=False) as arrays:
        documented = set(re.findall(r'arrays\["(\w+)"\]', code))
        assert documented
        assert documented <= set(arrays.files)


def test_every_option_that_the_guide_names_exists():
    manual = (DOCS / "cli.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", GUIDE))
    assert [name for name in named if name not in manual] == []


def test_every_link_of_the_guide_leads_to_a_file():
    links = re.findall(r"\]\(([^)#]+)", GUIDE)
    local = [link for link in links if not link.startswith("https://doi.org/10.")]
    assert [link for link in local if not (DOCS / link).exists()] == []
