"""Parameters of commands, derived from declarations."""

from __future__ import annotations

import re
from typing import Annotated, TypedDict

import pytest
import typer
from command_line import COMMANDS, without_styles

from bids_dl.cli.main import app
from bids_dl.cli.parameters import DocumentedCommand, with_options
from bids_dl.config.declaration import Opt, declared_options
from bids_dl.config.shell_options import MessageOptions
from bids_dl.errors import ConfigError


def help_of(command, monkeypatch, name: str) -> str:
    """Return the help of a command on a wide terminal."""
    monkeypatch.setenv("COLUMNS", "240")
    return without_styles(command(name, "--help").out)


def options_of(name: str):
    """Return the declared options of a command by name."""
    for registered in app.registered_commands:
        if registered.callback is not None and registered.callback.__name__ == name:
            return declared_options(*registered.callback.declarations, MessageOptions)
    raise AssertionError(name)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_lists_exactly_the_declared_options(command, monkeypatch, name):
    help_text = help_of(command, monkeypatch, name)
    listed = set(re.findall(r"^│ (?:\* +)?(--[\w-]+)", help_text, re.MULTILINE))
    flags = {option.flags[0] for option in options_of(name).values() if option.flags}
    assert listed == {*flags, "--help"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_has_the_declared_sentences(command, monkeypatch, name):
    help_text = " ".join(help_of(command, monkeypatch, name).replace("│", " ").split())
    for option in options_of(name).values():
        if option.flags:
            assert option.opt.help in help_text
            assert (option.opt.metavar or "") in help_text


def test_the_help_shows_the_defaults_of_the_stages(command, monkeypatch):
    help_text = help_of(command, monkeypatch, "train")
    assert re.search(r"--epochs .*default: \(30\)", help_text)
    assert re.search(r"--model .*default: \(shallow-fbcsp\)", help_text)
    assert "default: (0.7,0.15,0.15)" in help_of(command, monkeypatch, "convert")


class SampleOptions(TypedDict, total=False):
    """Options of a command for tests."""

    folder: Annotated[str, Opt("A folder.", "FOLDER", former="--place")]
    names: Annotated[list[str], Opt("Names.", "NAME", cli=list[str])]
    near: Annotated[tuple[str, float], Opt("Near.", "QUERY SECONDS", cli=tuple[str, float])]
    hidden: Annotated[int, Opt("An option of Python.", "N", flags=())]


def run_sample(*arguments: str) -> dict[str, object]:
    """Run a command with the sample options, and return the options it received."""
    received: dict[str, object] = {}
    app = typer.Typer()

    @app.command(cls=DocumentedCommand)
    @with_options(SampleOptions)
    def sample(item: Annotated[str, typer.Argument()], **options: object) -> None:
        received.update(options, item=item)

    app([*arguments], standalone_mode=False)
    return received


def test_a_command_receives_only_the_options_that_are_given():
    assert run_sample("x") == {"item": "x"}
    assert run_sample("x", "--names", "a", "--names", "b") == {"item": "x", "names": ["a", "b"]}


def test_an_option_of_two_values_is_refused_if_it_is_given_twice():
    assert run_sample("x", "--near", "Red", "3") == {"item": "x", "near": ("Red", 3.0)}
    with pytest.raises(ConfigError, match="--near: given twice"):
        run_sample("x", "--near", "a=Red", "3", "--near", "b=Blue", "3")


def test_a_former_flag_is_accepted_with_a_warning(capsys):
    assert run_sample("x", "--place", "a") == {"item": "x", "folder": "a"}
    assert "--place is deprecated; use --folder" in capsys.readouterr().err


def test_an_option_of_python_only_is_no_parameter():
    with pytest.raises(typer.TyperException, match="--hidden"):
        run_sample("x", "--hidden", "1")
