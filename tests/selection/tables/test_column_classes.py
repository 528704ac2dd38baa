"""One class for each value of a column."""

from __future__ import annotations

import pytest

from bids_dl.config.parsing import parse_events
from bids_dl.datamodel import EventRows
from bids_dl.errors import ConfigError, QueryError
from bids_dl.selection.tables.column_classes import MAX_CLASSES, expand_columns


def table(name="a", **columns):
    columns = {name: tuple(cells) for name, cells in columns.items()}
    n_rows = len(next(iter(columns.values())))
    onsets = {"onset": tuple(str(second) for second in range(n_rows))}
    return EventRows(f"ds/{name}", onsets | columns, {})


def classes(*tables, **options):
    config, _ = expand_columns(list(tables), parse_events(options))
    return {label.label: label.query for label in config.labels}


def test_values_are_classes_in_natural_order_over_all_recordings():
    first = table(code=["s10", "n/a", "s2", "10"])
    second = table("b", code=["2", "s2", "", "Z"])
    assert list(classes(first, second, event="code")) == ["2", "10", "s2", "s10", "Z"]


def test_cells_that_denote_the_same_number_are_one_class():
    tables = [table(code=["1", "2.50", "x"]), table("b", code=["1.0", "3.0", "2.5"])]
    assert classes(*tables, event="code") == {
        "1": "code==1",
        "2_5": "code==2.5",
        "3": "code==3",
        "x": "code==x",
    }


def test_values_that_would_have_one_label_are_numbered_and_queries_are_quoted():
    assert classes(table(code=["a b", "a*b", "a,b"]), event="code") == {
        "a_b": "code==a b",
        "a_b_2": 'code=="a*b"',
        "a_b_3": 'code=="a,b"',
    }


def test_a_value_that_is_a_label_keeps_its_own():
    assert classes(table(code=["a b", "a_b", "a_b_2"]), event="code") == {
        "a_b_3": "code==a b",
        "a_b": "code==a_b",
        "a_b_2": "code==a_b_2",
    }


def test_columns_and_queries_keep_their_order_and_labels_their_options():
    rows = table(code=["go", "stop"], reply=["yes", "no"])
    options = {"hed": "red=Red", "event": ["reply", "x=code==*", "code"], "until": ["go=3", "1"]}
    config, _ = expand_columns([rows], parse_events(options))
    assert [label.label for label in config.labels] == ["red", "no", "yes", "x", "go", "stop"]
    assert [label.until for label in config.labels] == [1.0, 1.0, 1.0, 1.0, 3.0, 1.0]
    assert config.unexpanded == {}
    assert expand_columns([rows], config) == (config, ())


def test_rows_that_cannot_be_events_make_no_class():
    rows = table(code=["go", "boundary", "bad", "late"], reply=["yes", "n/a", "no", "n/a"])
    rows.columns["onset"] = ("1", "2", "3", "n/a")
    options = {"event": "code", "exclude": ["reply==no", "Red"]}
    config, notes = expand_columns([rows], parse_events(options))
    assert [label.label for label in config.labels] == ["go"]
    assert notes == ("--event code: rows named boundary are no class: they mark cuts",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"event": "cod"}, "--event cod: no events.tsv .* did you mean 'code'.*\n.*Columns:"),
        ({"event": "empty"}, "--event empty: no row has a value in this column"),
        ({"event": "file"}, f"the column has 200 values, and at most {MAX_CLASSES} can be classes"),
        ({"event": ["code", "go=file==f1"]}, "two queries have the label 'go'"),
        ({"event": "code", "until": "gone=3"}, "--until: no query has the label 'gone'"),
        ({"event": "code", "trim": ["go=1", "go=2"]}, "--trim: given twice for go"),
    ],
)
def test_a_column_that_cannot_be_classes_is_refused(options, message):
    files = [f"f{number}" for number in range(200)]
    rows = table(code=["go"] * 200, empty=["n/a"] * 200, file=files)
    with pytest.raises((ConfigError, QueryError), match=message):
        classes(rows, **options)


def test_rows_that_cannot_be_events_are_named_as_the_cause():
    rows = EventRows("ds/a", {"onset": ("1,234", "n/a"), "code": ("go", "stop")}, {})
    with pytest.raises(ConfigError, match=r"none of 2 rows .* onset .* number.*'1,234'"):
        classes(rows, event="code")
    with pytest.raises(ConfigError, match="--exclude drops all rows"):
        classes(table(code=["go", "go"]), event="code", exclude="code==go")


def test_a_column_with_one_value_is_one_class():
    assert classes(table(code=["go", "go"]), event="code") == {"go": "code==go"}
