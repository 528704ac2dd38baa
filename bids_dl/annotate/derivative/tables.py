"""Text of the files of a derivative: tables and JSON, equal for equal content."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MISSING = "n/a"


def format_table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    r"""Format a TSV file of BIDS.

    Parameters
    ----------
    columns
        Names of the columns.
    rows
        Cells by column: text, numbers or None.

    Examples
    --------
    >>> format_table(["onset", "trial_type"], [{"onset": 0.1 + 0.2, "trial_type": None}])
    b'onset\ttrial_type\n0.30000000000000004\tn/a\n'
    """
    lines = ["\t".join(columns)]
    for row in rows:
        lines.append("\t".join(format_cell(row.get(name)) for name in columns))
    return ("\n".join(lines) + "\n").encode()


def format_cell(value: Any) -> str:
    r"""Format a cell: numbers with full precision, n/a for None, NaN and empty text.

    Text that contains a tab, a line break or a quote at its start is quoted as BIDS demands.

    Examples
    --------
    >>> format_cell(2.0), format_cell(float("nan")), format_cell("a\tb")
    ('2.0', 'n/a', '"a\tb"')
    """
    if value is None or value == "":
        return MISSING
    if isinstance(value, float):
        return MISSING if math.isnan(value) else repr(value)
    text = str(value)
    if any(mark in text for mark in "\t\r\n") or text.startswith('"'):
        return '"' + text.replace('"', '""') + '"'
    return text


def format_json(content: Mapping[str, Any]) -> bytes:
    """Format a JSON file of BIDS."""
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def join_texts(texts: Iterable[str]) -> str | None:
    """Join names in one cell, None if there are none."""
    return ",".join(texts) or None
