"""Tables in terminals of any width, and in pipes."""

from __future__ import annotations

import re

import pytest
from command_line import EYES
from rich.cells import cell_len

from bids_dl.cli.tables import (
    TextTable,
    format_pairs_as_lines,
    format_table,
    output_width,
    print_pairs,
    print_table,
)

TABLE = TextTable(
    ("model", "windows", "source"),
    title="models that can be trained",
    numbers=frozenset({"windows"}),
    rows=[
        ("shallow-fbcsp", "8", "Schirrmeister et al. 2017, doi:10.1002/hbm.23730"),
        ("r-scnn", "12", ""),
    ],
    remark="and 3 more persons",
)
WIDTHS = [20, 40, 60, 80, 200, None]


def test_a_table_that_fits_has_aligned_columns_without_trailing_spaces():
    assert format_table(TABLE, None) == [
        "models that can be trained",
        "model          windows  source",
        "shallow-fbcsp        8  Schirrmeister et al. 2017, doi:10.1002/hbm.23730",
        "r-scnn              12",
        "and 3 more persons",
    ]


def test_text_of_the_last_column_is_wrapped_in_a_wide_terminal():
    lines = format_table(TABLE, 60)
    assert lines[2:4] == [
        "shallow-fbcsp        8  Schirrmeister et al. 2017,",
        "                        doi:10.1002/hbm.23730",
    ]


def test_a_narrow_terminal_has_one_line_for_each_name_and_value():
    assert format_table(TABLE, 30) == [
        "models that can be trained",
        "model: shallow-fbcsp",
        "windows: 8",
        "source:",
        "  Schirrmeister et al. 2017,",
        "  doi:10.1002/hbm.23730",
        "",
        "model: r-scnn",
        "windows: 12",
        "and 3 more persons",
    ]


@pytest.mark.parametrize("width", WIDTHS)
def test_words_are_never_broken_and_lines_no_longer_than_words_demand(width):
    lines = format_table(TABLE, width)
    words = " ".join(lines).split()
    for cell in (*TABLE.headings, *TABLE.rows[0], *TABLE.rows[1]):
        assert set(re.sub(r":$", "", cell).split()) <= {word.rstrip(":") for word in words}
    for line in lines:
        assert width is None or cell_len(line) <= width or len(line.split()) == 1


def test_characters_of_two_columns_are_aligned():
    table = TextTable(("label", "n"), rows=[("眠り", "1"), ("wake", "2")])
    assert format_table(table, None) == ["label  n", "眠り   1", "wake   2"]


def test_names_and_values_are_two_columns_or_one_below_the_other():
    pairs = {
        "recipe": "default",
        "channels": "Fz, Cz, Pz, Oz, O1, O2, P3, P4, C3, C4, F3, F4, T7, T8",
    }
    assert format_pairs_as_lines(pairs, 60)[1:] == [
        "channels  Fz, Cz, Pz, Oz, O1, O2, P3, P4, C3, C4, F3, F4,",
        "          T7, T8",
    ]
    assert format_pairs_as_lines(pairs, 20)[:2] == ["recipe: default", "channels:"]


def test_a_pipe_has_no_width_unless_columns_says_so(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert output_width() is None
    monkeypatch.setenv("COLUMNS", "40")
    assert output_width() == 40


@pytest.mark.parametrize("width", ["20", "40", "60", "80", "200"])
def test_every_table_of_a_command_fits_its_terminal(
    command, monkeypatch, eegbci, eyes_store, width
):
    monkeypatch.setenv("COLUMNS", width)
    for words in (["models"], ["recipes"], ["events", eegbci, *EYES], ["info", eyes_store]):
        printed = command(*words, "-q").out
        assert "…" not in printed
        assert not re.search(r" +$", printed, re.M)
    assert "doi:10.1002/hbm.23730" in command("models").out


def test_a_cell_cannot_begin_another_row_or_column(capsys):
    print_table(TextTable(("label", "events"), rows=[["a\nb\tc\x1b", "1"]], title="x\ny"))
    print_pairs({"title": "one\ntwo"})
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["x\\ny", "label        events", "a\\nb\\tc\\x1b  1", "title  one\\ntwo"]
