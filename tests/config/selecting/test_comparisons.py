"""COLUMN==VALUE: its text, and the cells that match."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.config.selecting.comparisons import (
    ColumnValue,
    Comparison,
    parse_comparison,
    split_at_operators,
)
from bids_dl.errors import QueryError

TEXTS = st.text(st.sampled_from('ab1.0 ,*"=&|éANDOR'), max_size=12)


def values(text):
    return [(value.text, value.is_pattern) for value in parse_comparison(text).values]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a==go", [("go", False)]),
        (" a == go left , stop ", [("go left", False), ("stop", False)]),
        ('a=="left, right",x', [("left, right", False), ("x", False)]),
        ('a=="say ""yes""","*"', [('say "yes"', False), ("*", False)]),
        ("a==go*", [("go*", True)]),
        ('a==5" disk', [('5" disk', False)]),
        ('a==""', [("", False)]),
        ("a==x=y", [("x=y", False)]),
    ],
)
def test_values_may_have_blanks_and_quotes_protect_what_has_a_meaning(text, expected):
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("==go", "a column is missing before =="),
        ("a==", "a value is missing after == or a comma; write n/a for an empty cell"),
        ("a==go,,stop", "a value is missing after == or a comma"),
        ('a=="go" left', "quotes must enclose a whole value"),
        ('a=="go', "quotes must enclose a whole value"),
        ("a==go and b==x", "== in a value; join queries with AND, OR, NOT in capitals"),
        ("a==go || stop", r"\|\| in a value"),
        ("Red && a==go", "COLUMN==VALUE is a whole query; join it with AND, OR, NOT"),
        ("(a==go)", "COLUMN==VALUE is a whole query"),
    ],
)
def test_a_malformed_comparison_is_refused_with_what_to_write(text, message):
    with pytest.raises(QueryError, match=message):
        parse_comparison(text)


@given(TEXTS.filter(str.strip), st.lists(st.builds(ColumnValue, TEXTS), min_size=1, max_size=3))
def test_the_text_of_a_comparison_has_the_same_meaning(column, column_values):
    column = column.replace("=", "").strip()
    if not column or "&&" in column or "||" in column:
        return
    comparison = Comparison(column, tuple(column_values))
    assert parse_comparison(str(comparison)) == comparison
    text = f"Red AND NOT a=={comparison.values[0]} OR Blue"
    parts = [part for part in split_at_operators(text) if part]
    assert parts == ["Red", "AND", "NOT", f"a=={comparison.values[0]}", "OR", "Blue"]


@pytest.mark.parametrize(
    ("value", "cells", "others"),
    [
        ("1", ["1", "1.0", " 01 ", "1e0", "+1"], ["1_0", "11", "one", "n/a", "nan"]),
        ("0.10", ["0.1", ".1"], ["0.100001"]),
        ("9007199254740993", ["9007199254740993"], ["9007199254740992"]),
        ("Go", ["Go", " Go "], ["go", "Gone", ""]),
        ("n/a", ["n/a", "", " "], ["x", "N/A"]),
        ("*", ["x", "1"], ["n/a", ""]),
        ("go*t", ["got", "go left"], ["go left.", "Got"]),
        ("n*", ["no"], ["n/a"]),
        ('"*"', ["*"], ["x"]),
        ("(a.b)", ["(a.b)"], ["(axb)"]),
    ],
)
def test_a_cell_matches_by_its_text_or_its_number(value, cells, others):
    comparison = parse_comparison(f"a=={value}")
    assert [cell for cell in [*cells, *others] if comparison.matches(cell)] == cells


def test_operators_are_split_off_outside_quoted_values_only():
    text = 'a=="x AND y",z OR NOT Red, "Blue" AND b==ANDY'
    assert split_at_operators(text) == [
        *('a=="x AND y",z', "OR", "", "NOT", 'Red, "Blue"', "AND", "b==ANDY"),
    ]
