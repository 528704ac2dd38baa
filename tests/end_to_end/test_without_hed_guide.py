"""The code of docs/without-hed.md runs and prints what the page shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "without-hed.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^bids-dl (.*)$", PAGE, re.MULTILINE)
MAKE_DATASET, IN_PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def rest(command) -> None:
    """The dataset `rest` of the page in the working directory."""
    exec(compile(MAKE_DATASET, "docs/without-hed.md", "exec"), {})


def words(text: str) -> str:
    """Return a text in one line."""
    return " ".join(text.split())


def test_the_commands_of_the_page_print_what_it_shows(command, rest):
    shown = [words(text) for text in re.findall(r"```\n(4 rec.*?|rest\.json.*?)```", PAGE, re.S)]
    results = [command(*shlex.split(line)) for line in COMMANDS]
    assert len(results) == 7
    assert [result.err for result in results if result.status] == []
    assert len(shown) == 2
    assert shown[0] in results[0].words
    assert shown[1] == results[5].words
    entries = re.search(r"```json\n\"HED\": \{\n(.*?)\n\}", PAGE, re.DOTALL).group(1)
    written = Path("rest.json").read_text(encoding="utf-8")
    assert all(line.strip().rstrip(",") in written for line in entries.splitlines())


def test_the_python_of_the_page_runs(rest, capsys):
    exec(compile(IN_PYTHON, "docs/without-hed.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == [
        "trial_type 3 {'closed': 'Eyes-closed', 'open': 'Eyes-open'}",
        "80",
    ]
