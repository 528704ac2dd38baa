"""JSON objects with long lists of rows, written without holding their text in memory."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from bids_dl.cli.console import dump_json, print_json

BATCH_ROWS = 2000  # of text that are written at once


@dataclass(frozen=True)
class JsonRows:
    """Rows of a list of objects that have the same names.

    Attributes
    ----------
    names
        Names of the values of each object.
    rows
        Returns the values of each row: texts, numbers or None.
    texts
        All texts that are values.
    """

    names: tuple[str, ...]
    rows: Callable[[], Iterable[Sequence[Any]]]
    texts: frozenset[str]


def print_json_rows(content: Mapping[str, Any]) -> None:
    """Print a result as `print_json` does, and write the rows in it one after the other.

    Parameters
    ----------
    content
        Values by name. A value may be `JsonRows`.
    """
    others = {name: value for name, value in content.items() if not isinstance(value, JsonRows)}
    texts: list[str] = []
    for value in content.values():
        if isinstance(value, JsonRows):
            texts += value.texts
    if "://" in json.dumps([others, texts]):  # secrets are found in the text of the whole object
        print_json({name: _as_objects(value) for name, value in content.items()})
        return
    is_ascii = not _is_encodable(dump_json([others, texts], ensure_ascii=False))
    write = sys.stdout.write
    write("{\n")
    for number, (name, value) in enumerate(content.items()):
        write(",\n" if number else "")
        if isinstance(value, JsonRows):
            write(f" {json.dumps(name)}: ")
            _write_rows(value, ensure_ascii=is_ascii)
        else:
            write(dump_json({name: value}, ensure_ascii=is_ascii)[2:-2])
    write("\n}\n" if content else "}\n")


def _write_rows(rows: JsonRows, *, ensure_ascii: bool) -> None:
    """Write a list of objects inside of an object."""
    written = _format_rows(rows, ensure_ascii=ensure_ascii)
    batch = list(islice(written, BATCH_ROWS))
    sys.stdout.write("[\n" if batch else "[]")
    is_empty = not batch
    separator = ""
    while batch:
        sys.stdout.write(separator + ",\n".join(batch))
        separator = ",\n"
        batch = list(islice(written, BATCH_ROWS))
    sys.stdout.write("" if is_empty else "\n ]")


def _format_rows(rows: JsonRows, *, ensure_ascii: bool) -> Iterator[str]:
    """Yield the text of each row."""
    encoded = {text: dump_json(text, ensure_ascii=ensure_ascii) for text in rows.texts}
    pairs = ",\n".join(f"   {json.dumps(name)}: {{}}" for name in rows.names)
    template = f"  {{{{\n{pairs}\n  }}}}"
    for row in rows.rows():
        yield template.format(*(_encode(value, encoded) for value in row))


def _encode(value: Any, encoded: Mapping[str, str]) -> str:
    """Return a value as JSON."""
    if type(value) is str:
        return encoded[value]
    if type(value) is int or (type(value) is float and math.isfinite(value)):
        return repr(value)
    return json.dumps(value)


def _as_objects(value: Any) -> Any:
    """Return rows as a list of objects, any other value unchanged."""
    if not isinstance(value, JsonRows):
        return value
    return [dict(zip(value.names, row, strict=True)) for row in value.rows()]


def _is_encodable(text: str) -> bool:
    """Return whether the output can encode a text."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
