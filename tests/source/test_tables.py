"""Text of TSV files, as BIDS and as other programs write them."""

from __future__ import annotations

import doctest

import pytest

from bids_dl.source import tables
from bids_dl.source.tables import parse_table, read_decimal_commas


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(tables).failed == 0


@pytest.mark.parametrize(
    ("written", "cell"),
    [
        ('"said\tyes"', "said\tyes"),
        ('"go"', "go"),
        ('"say ""a\tb"""', 'say "a\tb"'),
        ('5" long', '5" long'),
        ('"a" b', '"a" b'),
        ('"open', '"open'),
        ('""', ""),
        ('"Red, (Blue)"', "Red, (Blue)"),
        ('"two\nlines"', "two\nlines"),
        ('"two\r\nlines, ""quoted"""', 'two\nlines, "quoted"'),
    ],
)
def test_a_quoted_cell_shifts_no_column(written, cell):
    rows = f'x\t{written}\tlast\ny\t5" long\tlast\n'
    table = parse_table(f"a\tb\tc\n{rows}")
    assert table.columns == {"a": ("x", "y"), "b": (cell, '5" long'), "c": ("last", "last")}
    assert table.short_rows == table.long_rows == ()


def test_stray_quotes_in_two_cells_or_rows_join_nothing():
    table = parse_table('a\tb\tc\n1\t"x\ty"\n2\tz\t"x\n3\tz\ty"\n')
    assert table.columns["b"] == ('"x', "z", "z")
    assert table.columns["c"] == ('y"', '"x', 'y"')


def test_rows_of_r_with_every_cell_quoted_are_as_without_quotes():
    table = parse_table('"onset"\t"trial_type"\n"5"\t"go"\n')
    assert table.columns == {"onset": ("5",), "trial_type": ("go",)}


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_trailing_tabs_blank_lines_and_spaces_around_names_do_not_matter(line_break):
    lines = [" onset \tvalue\t", "5\tgo\t\t", "", "\t\t", "6\t", "7\tgo"]
    table = parse_table(line_break.join(lines))
    assert table.columns == {"onset": ("5", "6", "7"), "value": ("go", "", "go")}
    assert table.short_rows == table.long_rows == ()


def test_the_index_column_of_pandas_has_no_name_and_is_ignored():
    assert parse_table("\tonset\tvalue\n0\t5\tgo\n").columns == {"onset": ("5",), "value": ("go",)}


def test_rows_of_another_length_are_told_and_long_ones_are_not_read():
    table = parse_table("a\tb\tc\n1\t2\t3\n4\n5\tx\ty\t6\n")
    assert table.columns == {
        "a": ("1", "4", "n/a"),
        "b": ("2", "n/a", "n/a"),
        "c": ("3",) + ("n/a",) * 2,
    }
    short, long = table.notes("x.tsv")
    assert short.startswith("x.tsv: 1 row with fewer cells than columns")
    assert short.endswith("(first: row 1)")
    assert long.startswith("x.tsv: 1 row with more cells than columns")
    assert long.endswith("(first: row 2)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a\tb\n1\tx\ty\n2\tx\ty\n",
            r"every row has more cells than the header has columns \(a, b",
        ),
        ('"a"\t"b"\n"1"\t2\t3\n', "every row has more cells than the header"),
        ("onset,duration\n5,10\n", "its columns are separated by commas"),
        ("onset;duration\n5;10\n", "its columns are separated by semicolons"),
        ("onset   duration\n5  10\n", "its columns are separated by spaces"),
        ("a\ta \n1\t2\n", "two columns have the name 'a'"),
    ],
)
def test_a_table_whose_columns_are_not_certain_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse_table(text)


def test_one_column_is_a_table():
    assert parse_table("participant_id\nsub-1\n").columns == {"participant_id": ("sub-1",)}


@pytest.mark.parametrize(
    ("cells", "converted"),
    [
        (("10,5", "n/a", "3"), ("10.5", "n/a", "3")),
        (("-0,125", "NaN"), ("-0.125", "NaN")),
        (("1,234", "0,500"), ("1.234", "0.500")),
        (("1,234", "5"), None),
        (("10,5", "10.5"), None),
        (("1,234,5", "10,5"), None),
        (("10,5 s",), None),
        (("10,5", "later"), None),
        (("10.5", "3"), None),
        ((), None),
    ],
)
def test_a_comma_is_a_decimal_comma_only_if_the_whole_column_says_so(cells, converted):
    assert read_decimal_commas(cells) == converted
