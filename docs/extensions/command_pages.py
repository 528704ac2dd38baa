"""A page for each command: usage, example, arguments, options with their defaults."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import typer

import bids_dl
from bids_dl.cli.main import app
from bids_dl.config.shell_options import MessageOptions
from extensions.markdown import block, code, contents, literals, page, table
from extensions.option_tables import command_tables, options_of

MANUAL = Path(bids_dl.__file__).parents[1] / "docs" / "cli.md"
EXAMPLE = re.compile(r"Example: \[bold\](?P<command>.*?)\[/bold\]", re.DOTALL)
OTHER_NAMES = {"recipes": "list_recipes", "models": "list_models"}  # functions of commands


class NamedCommand(NamedTuple):
    """A command with all words of its name, such as ``eeglab install``."""

    words: str
    command: Any

    @property
    def file_name(self) -> str:
        """Name of its page."""
        return self.words.replace(" ", "-")

    @property
    def declarations(self) -> tuple[type, ...]:
        """Declarations of its options."""
        return (*inspect.unwrap(self.command.callback).declarations, MessageOptions)

    @property
    def summary(self) -> str:
        """Text of its help before the example."""
        return EXAMPLE.sub("", self.command.help).strip()


def list_commands() -> list[NamedCommand]:
    """Return all commands, in the order of the help."""
    return list(_walk(typer.main.get_command(app), ""))


def _walk(group: Any, prefix: str) -> Iterator[NamedCommand]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _walk(command, f"{prefix}{name} ")
        else:
            yield NamedCommand(prefix + name, command)


def command_pages() -> dict[str, str]:
    """Return the pages of all commands by path."""
    commands = list_commands()
    headings = re.findall(r"^## (.*)$", MANUAL.read_text(encoding="utf-8"), re.MULTILINE)
    pages = {f"commands/{item.file_name}.md": _page(item, headings) for item in commands}
    rows = [
        (f"[bids-dl {item.words}]({item.file_name}.md)", literals(item.summary))
        for item in commands
    ]
    pages["commands/index.md"] = page(
        "commands",
        "Commands",
        "Usage, options and defaults of each command, from its declarations in the code. "
        "[The command line](../../../cli.md) explains what they mean together.",
        table(("command", "purpose"), rows),
        contents(item.file_name for item in commands),
    )
    return pages


def _page(item: NamedCommand, headings: list[str]) -> str:
    found = EXAMPLE.search(item.command.help)
    example = " ".join(found["command"].split()) if found else ""
    return page(
        f"command-{item.file_name}",
        f"bids-dl {item.words}",
        _as_markdown(item.summary),
        block("text", f"bids-dl {item.words} {_usage(item)}"),
        "Example:\n\n" + block("bash", example) if example else "",
        _arguments(item),
        command_tables(options_of(item.declarations)),
        _see_also(item, headings),
    )


def _as_markdown(help_text: str) -> str:
    return re.sub(r"\[/?bold\]", "", help_text)


def _usage(item: NamedCommand) -> str:
    pieces = [_argument_name(parameter) for parameter in _argument_parameters(item)]
    return " ".join([*pieces, "[OPTIONS]"])


def _argument_parameters(item: NamedCommand) -> list[Any]:
    return [entry for entry in item.command.params if entry.param_type_name == "argument"]


def _argument_name(parameter: Any) -> str:
    """Return an argument as in a usage line: SOURCE..., [NAME]."""
    name = parameter.metavar or parameter.name.upper()
    several = parameter.nargs != 1 and not name.endswith("...") and " " not in name
    if several:
        name += "..."
    if " " in name:  # several values with names of their own: the first may be repeated
        name = name.replace(" ", "... ", 1)
    return name if parameter.required else f"[{name}]"


def _arguments(item: NamedCommand) -> str:
    rows = []
    for parameter in _argument_parameters(item):
        default = "" if parameter.required or parameter.default is None else parameter.default
        rows.append((code(_argument_name(parameter)), parameter.help or "", code(default)))
    return "## Arguments\n\n" + table(("argument", "meaning", "default"), rows) if rows else ""


def _see_also(item: NamedCommand, headings: list[str]) -> str:
    """Return links to the function of the same name and to the sections of the manual."""
    lines = []
    function = OTHER_NAMES.get(item.words, item.words)
    if function in bids_dl.__all__:
        lines.append(f"- In Python: {{py:func}}`bids_dl.{function}`")
    for heading in headings:
        if f"`{item.words}`" in heading or f"`{item.words} --json`" in heading:
            title = heading.partition(":")[0]
            lines.append(f"- In the manual: [{title}](../../../cli.md#{anchor(heading)})")
    lines.append("- [Exit statuses](../../../cli.md#exit-status)")
    return "## See also\n\n" + "\n".join(lines)


def anchor(heading: str) -> str:
    """Return the anchor that a repository browser gives a heading.

    Examples
    --------
    >>> anchor("Selection: `events`, `convert`")
    'selection-events-convert'
    """
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
