"""The tables of docs/cli.md against the declarations of options, and its code."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest
from command_line import COMMANDS

import bids_dl
from bids_dl.cli.main import app
from bids_dl.config.declaration import DeclaredOption, declared_options, format_default
from bids_dl.config.option_stages import default_value
from bids_dl.config.shell_options import MessageOptions

MANUAL = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^## (?P<title>.*?)\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
ROW = re.compile(
    r"^\| (?P<options>`.*?) \| (?P<meaning>.*?) \| ?(?P<default>.*?) ?\|$", re.MULTILINE
)


def rows_of(command: str) -> dict[str, tuple[str, str]]:
    """Return the placeholder and the default of each option in the sections of a command."""
    rows = {}
    for section in SECTION.finditer(MANUAL):
        title = section["title"]
        if f"`{command}`" not in title and "every command" not in title:
            continue
        text = section["text"].replace(r"\|", "¦")
        for row in ROW.finditer(text):
            for option in re.findall(r"`([^`]+)`", row["options"]):
                name, _, placeholder = option.partition(" ")
                rows[name] = (placeholder.replace("¦", "|"), row["default"])
    return rows


def declarations_of(command: str) -> tuple[type, ...]:
    for registered in app.registered_commands:
        if registered.callback is not None and registered.callback.__name__ == command:
            return (*registered.callback.declarations, MessageOptions)
    raise AssertionError(command)


def placeholder_of(option: DeclaredOption) -> str:
    if get_origin(option.type) is Literal:
        return "|".join(get_args(option.type))
    return option.opt.metavar or ""


@pytest.mark.parametrize("command", COMMANDS)
def test_the_manual_has_exactly_the_declared_options_of_a_command(command):
    options = declared_options(*declarations_of(command)).values()
    declared = {flag for option in options for flag in (option.flags or (option.name,))}
    assert set(rows_of(command)) == declared


@pytest.mark.parametrize("command", COMMANDS)
def test_the_manual_has_the_placeholder_and_the_default_of_each_option(command):
    rows = rows_of(command)
    for declaration in declarations_of(command):
        for name, option in declared_options(declaration).items():
            placeholder, default = rows[option.flags[0] if option.flags else name]
            value = format_default(default_value(declaration, name))
            assert placeholder == (placeholder_of(option) if option.flags else ""), name
            assert (
                default == f"`{value}`"
                if value
                else "required" not in default
                or name
                in {
                    "hed",
                    "run_dir",
                    "labels",
                    "output",
                }
            )


def block(language: str, number: int = 0) -> str:
    """Return a block of code of the manual."""
    return re.findall(rf"```{language}\n(.*?)```", MANUAL, re.DOTALL)[number]


@pytest.fixture
def sample_link(command, eegbci) -> None:
    """Make the sample available under the path that the manual has."""
    Path("bids_dl/sample").mkdir(parents=True)
    Path("bids_dl/sample/ds004362").symlink_to(eegbci)


def run_shell_block(command, number: int):
    """Run a command of the manual in this process."""
    program, *arguments = shlex.split(block("bash", number))
    assert program == "bids-dl"
    return command(*arguments)


def test_the_events_of_the_manual_are_those_of_the_command(command, sample_link):
    printed = run_shell_block(command, 0).json
    documented = json.loads(block("json"))
    assert printed | {"warnings": []} == documented


@pytest.mark.slow
def test_the_file_of_options_of_the_manual_is_converted(command, sample_link):
    Path("eyes.yaml").write_text(block("yaml"))
    result = run_shell_block(command, 1)
    assert result.status == 0, result.err
    store = bids_dl.open_store("eyes.zarr")
    assert store.attributes["classes"]["label"] == ["eyes_open", "eyes_closed", "rest"]


@pytest.mark.slow
def test_the_python_of_the_manual_runs(command, sample_link, capsys):
    exec(compile(block("python"), "docs/cli.md", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out == "240 ()\n"
