"""Tables of declared options, as they are typed and as they are written in Python."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal, get_args, get_origin

from sphinx.util.typing import stringify_annotation

from bids_dl.config.declaration import DeclaredOption, declared_options, format_default
from bids_dl.config.option_stages import default_value
from extensions.markdown import code, table

Row = tuple[DeclaredOption, Any]


def options_of(declarations: Iterable[type]) -> list[Row]:
    """Return the options of declarations with their defaults, None if there is none."""
    rows = []
    for declaration in declarations:
        for name, option in declared_options(declaration).items():
            rows.append((option, default_value(declaration, name)))
    return rows


def placeholder(option: DeclaredOption) -> str:
    """Return the placeholder of a value on the command line, "" for a flag without a value."""
    if get_origin(option.type) is Literal:
        return "|".join(map(str, get_args(option.type)))
    return option.opt.metavar or ""


def command_tables(rows: Iterable[Row]) -> str:
    """Return one table for each panel of the help of a command."""
    panels: dict[str, list[Row]] = {}
    for row in rows:
        if row[0].flags:
            panels.setdefault(row[0].opt.panel or "Other options", []).append(row)
    parts = []
    for panel, members in panels.items():
        parts += [f"## {panel}", table(("option", "meaning", "default"), map(_typed, members))]
    return "\n\n".join(parts)


def _typed(row: Row) -> tuple[str, str, str]:
    """Return the row of an option as it is typed."""
    option, default = row
    value = placeholder(option)
    flags = ", ".join(code(f"{flag} {value}".strip()) for flag in option.flags)
    return flags, option.opt.help, "required" if option.required else code(format_default(default))


def function_table(rows: Iterable[Row]) -> str:
    """Return the table of the options of a function."""
    return table(("argument", "type", "meaning", "default"), map(_written, rows))


def _written(row: Row) -> tuple[str, str, str, str]:
    """Return the row of an option as it is written in Python."""
    option, default = row
    shown = (
        "required" if option.required else code("" if default in (None, (), {}) else repr(default))
    )
    return code(option.name), code(type_name(option.type)), option.opt.help, shown


def type_name(annotation: Any) -> str:
    """Return a type without the names of modules.

    Examples
    --------
    >>> from collections.abc import Sequence
    >>> type_name(str | Sequence[str])
    'str | Sequence[str]'
    """
    text = stringify_annotation(annotation, "fully-qualified")
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", text)
