"""The modules that docs/architecture.md names are those of the package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import bids_dl

PACKAGE = Path(bids_dl.__file__).parent
PAGE = Path(__file__).parents[1] / "docs" / "architecture.md"


def listed_modules() -> set[str]:
    """Return the modules in the first column of the table."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    return {name for row in rows for name in re.findall(r"`([\w/]+\.py)`", row.split(" | ")[0])}


def test_every_module_that_the_page_names_exists():
    names = re.findall(r"`([\w/]+/\w+\.py)`", PAGE.read_text(encoding="utf-8"))
    missing = [name for name in names if not (PACKAGE / name).exists()]
    assert [name for name in missing if not name.startswith("tests/")] == []


@pytest.mark.parametrize("room", ["planning", "pipeline"])
def test_the_table_lists_every_module_of_a_room(room):
    files = (PACKAGE / room).rglob("[!_]*.py")
    modules = {file.relative_to(PACKAGE).as_posix() for file in files}
    assert {name for name in listed_modules() if name.startswith(f"{room}/")} == modules


@pytest.mark.parametrize("name", re.findall(r"`((?:\w+\.)+\w+)`", PAGE.read_text("utf-8")))
def test_every_dotted_name_of_the_page_exists(name):
    if name.endswith((".py", ".tsv", ".json")) or name[0].isupper():
        return
    *modules, attribute = name.split(".")
    file = PACKAGE.joinpath(*modules).with_suffix(".py")
    folder = PACKAGE.joinpath(*modules)
    in_file = file.exists() and re.search(rf"\b{attribute}\b", file.read_text(encoding="utf-8"))
    assert in_file or (folder / f"{attribute}.py").exists()
