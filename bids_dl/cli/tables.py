"""Tables as plain text: aligned columns where they fit, else one list of `name: value` a row."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rich.cells import cell_len

from bids_dl.cli.console import clean, out

GAP = "  "  # between two columns
MIN_COLUMNS = 60  # of a terminal, for a table of several columns
MIN_TEXT_COLUMNS = 24  # for the last column of a table, if its text is wrapped
INDENT = "  "  # of the lines of a long value


@dataclass
class TextTable:
    """Rows of texts under headings.

    Attributes
    ----------
    headings
        Names of the columns.
    numbers
        Columns that are aligned to the right.
    remark
        Line after the rows, such as the number of rows that are not shown.
    """

    headings: Sequence[str]
    title: str = ""
    numbers: frozenset[str] = frozenset()
    rows: list[Sequence[str]] = field(default_factory=list)
    remark: str = ""


def print_table(table: TextTable) -> None:
    """Print a table on standard output, in the width of the terminal. A pipe has no limit."""
    table = replace(
        table,
        headings=_clean_cells(table.headings),
        rows=list(map(_clean_cells, table.rows)),
        title=_clean_cell(table.title),
    )
    for line in format_table(table, output_width()):
        _print_line(line)


def print_pairs(pairs: Mapping[str, str]) -> None:
    """Print names and values, one below the other, in the width of the terminal."""
    pairs = dict(zip(_clean_cells(pairs), _clean_cells(pairs.values()), strict=True))
    for line in format_pairs_as_lines(pairs, output_width()):
        _print_line(line)


def _clean_cells(cells: Iterable[str]) -> list[str]:
    return list(map(_clean_cell, cells))


def _clean_cell(text: str) -> str:
    """Escape a text before it is aligned, also what would begin another line or column."""
    return clean(text).replace("\n", "\\n").replace("\t", "\\t")


def output_width() -> int | None:
    """Return the width of lines on standard output, None if they are not limited.

    ``COLUMNS``, where it is set, precedes the width of the terminal.
    """
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns):
        return int(columns)
    return out.width if out.is_terminal else None


def _print_line(line: str) -> None:
    out.print(line, soft_wrap=True)


def format_table(table: TextTable, width: int | None) -> list[str]:
    """Format a table as lines without trailing spaces.

    Parameters
    ----------
    width
        Of a line, None if it is not limited. Only words that are longer exceed it.

    Returns
    -------
    list of str
        Aligned columns if they fit, also with the text of the last column wrapped. Otherwise one
        paragraph per row, of lines ``name: value``.

    Examples
    --------
    >>> table = TextTable(["label", "events"], rows=[["open", "12"]], numbers=frozenset({"events"}))
    >>> format_table(table, None)
    ['label  events', 'open       12']
    >>> format_table(table, 8)
    ['label:', '  open', 'events:', '  12']
    """
    lines = [*_wrap(table.title, width)] if table.title else []
    widths = [
        max(cell_len(cell) for cell in column)
        for column in zip(table.headings, *table.rows, strict=True)
    ]
    fixed = sum(widths[:-1]) + len(GAP) * (len(widths) - 1)
    if width is None or fixed + widths[-1] <= width:
        lines += _aligned(table, widths)
    elif width >= MIN_COLUMNS and width - fixed >= MIN_TEXT_COLUMNS:
        lines += _aligned(table, [*widths[:-1], width - fixed])
    else:
        lines += _listed(table, width)
    return [*lines, *(_wrap(table.remark, width) if table.remark else [])]


def _aligned(table: TextTable, widths: Sequence[int]) -> list[str]:
    """Format rows as columns of these widths. Long texts of the last column are wrapped."""
    lines = []
    for row in (table.headings, *table.rows):
        *cells, last = row
        parts = []
        for name, cell, width in zip(table.headings, cells, widths, strict=False):
            padding = " " * (width - cell_len(cell))
            parts.append(padding + cell if name in table.numbers else cell + padding)
        texts = _wrap(last, widths[-1]) or [""]
        if table.headings[-1] in table.numbers:
            texts[0] = " " * (widths[-1] - cell_len(texts[0])) + texts[0]
        start = GAP.join([*parts, ""])
        lines.append((start + texts[0]).rstrip())
        lines += [" " * cell_len(start) + text for text in texts[1:]]
    return lines


def _listed(table: TextTable, width: int) -> list[str]:
    """Format each row as lines ``name: value``, with an empty line between two rows."""
    lines: list[str] = []
    for row in table.rows:
        if lines:
            lines.append("")
        for name, cell in zip(table.headings, row, strict=True):
            if cell:
                lines += _pair_lines(name, cell, width)
    return lines


def format_pairs_as_lines(pairs: Mapping[str, str], width: int | None) -> list[str]:
    """Format names and values as two columns or, if that is too wide, as ``name: value``.

    Examples
    --------
    >>> format_pairs_as_lines({"recipe": "default"}, None)
    ['recipe  default']
    """
    indent = max(map(cell_len, pairs), default=0) + len(GAP)
    lines: list[str] = []
    for name, value in pairs.items():
        if width is not None and width < MIN_COLUMNS:
            lines += _pair_lines(name, value, width)
            continue
        texts = _wrap(value, None if width is None else width - indent) or [""]
        lines.append(f"{name:<{indent}}{texts[0]}".rstrip())
        lines += [" " * indent + text for text in texts[1:]]
    return lines


def _pair_lines(name: str, value: str, width: int) -> list[str]:
    """Format a name and its value on one line, or the value below its name."""
    line = f"{name}: {value}"
    if not name or cell_len(line) <= width:
        return _wrap(value if not name else line, width)
    below = [INDENT + text for text in _wrap(value, width - len(INDENT))]
    return [f"{name}:", *below]


def _wrap(text: str, width: int | None) -> list[str]:
    """Wrap a text at spaces. Words are never broken, because a broken identifier is useless."""
    if width is None:
        return [text]
    return textwrap.wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False)
