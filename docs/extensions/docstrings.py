"""Docstrings in the form that napoleon and the pages of the reference can show."""

from __future__ import annotations

import inspect
import re
import typing
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.typing import stringify_annotation

import bids_dl

CITATION = re.compile(r"^(\s*)\.\. \[(\d+)\] ")
CITED = re.compile(r"\[(\d+)\]_")
UNTYPED = ("attribute", "data", "property")
"""Kinds of which napoleon takes what precedes a colon in the first line for the type."""


def adapt_docstring(what: str, documented: Any, lines: list[str]) -> list[str]:
    """Return the lines of a docstring for napoleon.

    Parameters
    ----------
    what
        Kind of the documented object, as autodoc names it.
    documented
        The object.
    lines
        Its docstring.

    Examples
    --------
    >>> adapt_docstring("property", None, ["Window table: one row per window."])
    ['..', '', 'Window table: one row per window.']
    >>> adapt_docstring("function", None, ["As in [1]_.", ".. [1] Somebody 2020."])
    ['As in [1].', '1. Somebody 2020.']
    """
    lines = [CITED.sub(r"[\1]", CITATION.sub(r"\1\2. ", line)) for line in lines]
    if what in UNTYPED and lines:
        return ["..", "", *lines]  # an empty comment, which is a first line without a colon
    if inspect.isclass(documented):
        return type_attributes(lines, documented)
    if inspect.isfunction(documented):
        return type_result(lines, documented)
    return lines


def type_result(lines: list[str], documented: Any) -> list[str]:
    """Name the type of a result by its annotation, and leave out what the page has in a table."""
    lines = [line.replace("; see docs/cli.md", "; listed below") for line in lines]
    if "Other Parameters" in lines:  # because the table of the page has the defaults too
        first, last = _section(lines, "Other Parameters")
        lines = [*lines[: first - 2], *lines[last:]]
    hints = typing.get_type_hints(inspect.unwrap(documented))
    if "Returns" not in lines or "return" not in hints:
        return lines
    first, last = _section(lines, "Returns")
    entries = [i for i in range(first, last) if lines[i] and not lines[i][0].isspace()]
    if len(entries) == 1:
        lines[entries[0]] = stringify_annotation(hints["return"], "smart")
    return lines


def _section(lines: list[str], title: str) -> tuple[int, int]:
    """Return the positions of the first line of a section and of the line after its last."""
    first = lines.index(title) + 2
    underlines = [i for i in range(first, len(lines)) if re.fullmatch(r"-{4,}", lines[i])]
    return first, underlines[0] - 1 if underlines else len(lines)


def type_attributes(lines: list[str], documented: type) -> list[str]:
    """Give each attribute of a class an entry of its own, with the type of its annotation."""
    if "Attributes" not in lines:
        return lines
    begin, end = _section(lines, "Attributes")
    hints = typing.get_type_hints(documented)
    entries: list[str] = []
    for names, text in _entries(lines[begin:end]):
        for name in names:
            kind = f" : {stringify_annotation(hints[name], 'smart')}" if name in hints else ""
            entries += [name + kind, *text]
    return [*lines[:begin], *entries, "", *lines[end:]]


def _entries(lines: list[str]) -> list[tuple[list[str], list[str]]]:
    """Return the names and the text of each entry of a section."""
    entries: list[tuple[list[str], list[str]]] = []
    for line in lines:
        if line and not line[0].isspace():
            entries.append((line.split(", "), []))
        elif entries:
            entries[-1][1].append(line)
    return entries


def adapt_in_place(
    _app: Sphinx, what: str, _name: str, documented: Any, _options: Any, lines: list[str]
) -> None:
    """Adapt a docstring that autodoc has read."""
    lines[:] = adapt_docstring(what, documented, lines)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("autodoc-process-docstring", adapt_in_place, priority=100)  # before napoleon
    return {"version": bids_dl.__version__, "parallel_read_safe": True}
