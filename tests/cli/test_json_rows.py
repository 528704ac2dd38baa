"""Rows that are written one after the other are the JSON of all rows at once."""

from __future__ import annotations

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.cli import json_rows
from bids_dl.cli.console import print_json
from bids_dl.cli.json_rows import JsonRows, print_json_rows

TEXTS = st.sampled_from(
    ["", "a", "µ", 'say "x"', "\x1b[31m", "\u202e", "\ud800", "日本", "s3://k@b/x"]
)
VALUES = st.one_of(
    TEXTS, st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from([1e-7, 1e22, 0.1])
)


def printed(print_function, content, encoding):
    """Return what a function writes to a standard output of an encoding."""
    output = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    before, sys.stdout = sys.stdout, output
    try:
        print_function(content)
    finally:
        sys.stdout = before
    output.flush()
    return output.buffer.getvalue()


@given(
    st.lists(st.tuples(VALUES, VALUES), max_size=7),
    st.dictionaries(st.sampled_from(["x", "y", "µ"]), VALUES | st.lists(VALUES, max_size=2)),
    st.sampled_from(["utf-8", "ascii", "latin-1"]),
)
def test_rows_are_written_as_by_print_json(rows, others, encoding):
    texts = frozenset(value for row in rows for value in row if isinstance(value, str))
    content = {
        "first": 1,
        "rows": JsonRows(("a", "b"), lambda: iter(rows), texts),
        **others,
        "more": JsonRows(("a", "b"), lambda: iter(rows[:1]), texts),
    }
    objects = [{"a": a, "b": b} for a, b in rows]
    whole = {"first": 1, "rows": objects, **others, "more": objects[:1]}
    assert printed(print_json_rows, content, encoding) == printed(print_json, whole, encoding)


@pytest.mark.parametrize("n_rows", [0, 1, 2, 3, 4, 5])
def test_rows_are_written_in_batches(monkeypatch, capsys, n_rows):
    monkeypatch.setattr(json_rows, "BATCH_ROWS", 2)
    rows = [(number,) for number in range(n_rows)]
    print_json_rows({"rows": JsonRows(("n",), lambda: iter(rows), frozenset())})
    assert json.loads(capsys.readouterr().out) == {"rows": [{"n": number} for (number,) in rows]}
