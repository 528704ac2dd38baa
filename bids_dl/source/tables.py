"""Text of a TSV file -> columns of cells, as BIDS and as other programs write them.

BIDS escapes a string that contains a tab by double quotes (1.10, "Tabular files"). R and Excel also
quote other cells.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bids_dl.datamodel import MISSING_SPELLINGS
from bids_dl.wording import count, join_names

MISSING = "n/a"
MAX_LINES = 20  # of a row whose quoted cells contain line breaks
LINE_BREAK = re.compile(r"\r\n|\n|\r")
CELL = re.compile(r'(?:^|\t)(?:"((?:[^"]|"")*)"(?=\t|\Z)|([^\t]*))')  # quoted, or as written
OTHER_SEPARATORS = {",": "commas", ";": "semicolons", r"\s+": "spaces"}
DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})?")  # 1,234 may be either


@dataclass(frozen=True, slots=True)
class Table:
    r"""Columns of a TSV file, and the rows whose length differs from that of the header.

    Examples
    --------
    >>> table = parse_table("name\tunits\nCz\n")
    >>> table.columns, table.short_rows
    ({'name': ('Cz',), 'units': ('n/a',)}, (0,))
    """

    columns: dict[str, tuple[str, ...]]
    short_rows: tuple[int, ...] = ()  # data rows, from 0, with fewer cells than columns
    long_rows: tuple[int, ...] = ()  # data rows, from 0, with more cells than columns

    def notes(self, file: str) -> tuple[str, ...]:
        """Describe the rows of another length, one line for each kind.

        Parameters
        ----------
        file
            Name of the file, for the beginning of a line.
        """
        notes = []
        if self.short_rows:
            notes.append(
                f"{file}: {count(len(self.short_rows), 'row')} with fewer cells than columns; the "
                f"cells that are missing are read as n/a (first: row {self.short_rows[0]})"
            )
        if self.long_rows:
            notes.append(
                f"{file}: {count(len(self.long_rows), 'row')} with more cells than columns; all "
                f"cells of such a row are read as n/a (first: row {self.long_rows[0]})"
            )
        return tuple(notes)


def parse_table(text: str) -> Table:
    r"""Split the text of a TSV file into columns.

    Quotes around a whole cell are removed. A cell that only contains a quote is not changed. Blank
    lines, empty cells after the last column and columns without a name are ignored.

    Parameters
    ----------
    text
        Content of the file, with any kind of line break.

    Returns
    -------
    Table
        A short row is padded with n/a. All cells of a row with more cells than columns are n/a,
        because an unescaped tab may have shifted them.

    Raises
    ------
    ValueError
        Two columns have the same name, the columns are not separated by tabs, or every row has
        more cells than the header.

    Examples
    --------
    >>> parse_table('onset\tnote\n1\t"a\tb"\n2\t5" long\n').columns
    {'onset': ('1', '2'), 'note': ('a\tb', '5" long')}
    """
    lines = [line for line in LINE_BREAK.split(text) if line.strip()]
    if not lines:
        return Table({})
    names = [name.strip() for name in _split(lines[0])]
    n_named = len(_strip_empty(names))
    _check_names(names, lines)
    rows: list[list[str]] = []
    short_rows = []
    long_rows = []
    for cells in _read_rows(lines[1:], len(names)):
        if len(cells) > len(names):
            long_rows.append(len(rows))
            cells = [MISSING] * len(names)
        elif len(cells) < n_named:
            short_rows.append(len(rows))
        rows.append(cells + [MISSING] * (len(names) - len(cells)))
    if rows and len(long_rows) == len(rows):
        raise ValueError(
            f"every row has more cells than the header has columns ({join_names(names)}); "
            "name the other columns, such as the row names of R, or remove them"
        )
    columns = {}
    for i, name in enumerate(names):
        if name:
            columns[name] = tuple(row[i] for row in rows)
    return Table(columns, tuple(short_rows), tuple(long_rows))


def read_decimal_commas(cells: Sequence[str]) -> tuple[str, ...] | None:
    """Replace the decimal commas of a column by points.

    A comma is a decimal comma if every number of the column is an integer or has exactly one
    comma and no point, and if at least one of them cannot have a separator of thousands.

    Parameters
    ----------
    cells
        Cells of a column of numbers.

    Returns
    -------
    tuple of str or None
        None if no cell has a comma, or if its meaning is not certain.

    Examples
    --------
    >>> read_decimal_commas(["10,5", "n/a", "3"]), read_decimal_commas(["1,234", "5"])
    (('10.5', 'n/a', '3'), None)
    """
    numbers = [cell.strip() for cell in cells if cell.strip() not in MISSING_SPELLINGS]
    if not all(map(DECIMAL_COMMA.fullmatch, numbers)):
        return None
    with_comma = [number for number in numbers if "," in number]
    if all(map(THOUSANDS.fullmatch, with_comma)):
        return None
    return tuple(cell.replace(",", ".") for cell in cells)


def _check_names(names: Sequence[str], lines: Sequence[str]) -> None:
    """Check the names of the columns."""
    duplicates = sorted({name for name in names if name and names.count(name) > 1})
    if duplicates:
        raise ValueError(f"two columns have the name {duplicates[0]!r}; remove or rename one")
    if len(names) > 1 or len(lines) == 1:
        return
    for separator, noun in OTHER_SEPARATORS.items():
        n_columns = len(re.split(separator, names[0]))
        if n_columns > 1 and len(re.split(separator, lines[1].strip())) == n_columns:
            raise ValueError(f"its columns are separated by {noun}; separate them by tabs")


def _read_rows(lines: Sequence[str], n_columns: int) -> list[list[str]]:
    """Split lines into rows. A row has several lines if a quoted cell contains a line break."""
    rows = []
    start = 0
    while start < len(lines):
        cells = _split_row(lines[start], n_columns)
        n_lines = 1
        if any(cell.startswith('"') for cell in cells):
            n_lines, cells = _join_lines(lines[start : start + MAX_LINES], cells, n_columns)
        rows.append(cells)
        start += n_lines
    return rows


def _split_row(line: str, n_columns: int) -> list[str]:
    """Split a line into cells, with quotes as they are if only that gives every column a cell."""
    cells = _strip_empty(_split(line), n_columns)
    if '"' in line and len(cells) != n_columns:
        written = _strip_empty(line.split("\t"), n_columns)
        return written if len(written) == n_columns else cells
    return cells


def _join_lines(lines: Sequence[str], first: list[str], n_columns: int) -> tuple[int, list[str]]:
    """Return the number of lines of a row with a quote that is not closed, and its cells.

    Lines are joined only if the joined row fits the columns and its first two lines do not.
    """
    beginning = [len(_split_row(line, n_columns)) for line in lines[:2]]
    if beginning.count(n_columns) == len(beginning):
        return 1, first
    for i in range(1, len(lines)):
        cells = _strip_empty(_split("\n".join(lines[: i + 1])), n_columns)
        is_closed = not any(cell.startswith('"') for cell in cells)
        if is_closed and len(cells) == n_columns:
            return i + 1, cells
    return 1, first


def _split(line: str) -> list[str]:
    """Split a line at the tabs outside of quotes, and remove the quotes around whole cells."""
    if '"' not in line:
        return line.split("\t")
    return [quoted.replace('""', '"') or written for quoted, written in CELL.findall(line)]


def _strip_empty(cells: list[str], n_columns: int = 0) -> list[str]:
    """Remove empty cells from the end, but none of the first ``n_columns``."""
    while len(cells) > max(n_columns, 1) and not cells[-1].strip():
        cells = cells[:-1]
    return cells
