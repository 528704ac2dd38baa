"""HED strings of rows against hedtools."""

from __future__ import annotations

import pytest
from event_tables import SIDECAR, event_rows, rows, select_events
from hed_datasets import DATASETS, load_bundled_schema, read_tables, tabular_input
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_dl.datamodel import EventRows
from bids_dl.selection.tables.annotations import annotation_key, is_annotated, read_sidecar

SCHEMA = load_bundled_schema("8.3.0")
CELLS = st.sampled_from(["n/a", "", "x", "y", "1", "(Blue)"])
LEVELS = st.sampled_from(
    ["Red", "(Red, {b})", "{b}", "({b}, {c})", "Red, ({c}), {d}", "(({b}), Green)", "n/a", ""]
)


def assembled(table):
    """Return the HED string of each row."""
    sidecar = read_sidecar(table.sidecar, SCHEMA)
    columns = sidecar.hed_columns(table.columns)
    if not columns:
        return []
    cells = zip(*(table.columns[name] for name in columns), strict=True)
    return [sidecar.assemble(columns, row) for row in cells]


@pytest.mark.parametrize("name", DATASETS)
def test_every_row_of_real_datasets_is_assembled_as_by_hedtools(shared, name):
    tables, _ = read_tables(shared / "hed-metadata" / name)
    for table in tables:
        strings = assembled(table)
        expected = list(tabular_input(table).series_a) if strings else []
        assert strings == expected, table.recording


@settings(max_examples=60)
@given(
    LEVELS,
    st.sampled_from(["Label/#", "(Green, Label/#)"]),
    st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=4),
)
def test_references_in_braces_are_filled_as_by_hedtools(level, value, cells):
    sidecar = {
        "a": {"HED": {"x": level, "y": "Green"}},
        "b": {"HED": value},
        "c": {"HED": {"x": "(Circle, Square)", "1": "n/a"}},
    }
    columns = dict(zip([*"abc", "HED"], zip(*cells, strict=True), strict=True))
    table = EventRows("ds/a", {"onset": tuple("0" for _ in cells), **columns}, sidecar)
    assert assembled(table) == list(tabular_input(table).series_a)


def test_a_definition_that_does_not_validate_is_still_searched():
    sidecar = {
        "code": {"HED": {"go": "Def/Odd"}},
        "definitions": {"HED": {"x": "(Definition/Odd, (Red, Nonsense-tag-x))"}},
    }
    table = EventRows("ds/a", {"onset": ("1",), "code": ("go",)}, sidecar)
    assert rows(select_events(table, "Red")) == [0]


def test_levels_are_compared_with_cells_blank_by_blank_as_by_hedtools():
    table = EventRows("ds/x", {"onset": ("1", "2"), "code": ("red ", "red")}, SIDECAR)
    selection = select_events(table, "Red")
    assert rows(selection) == [1]
    assert any(
        "'red ' in column code of ds/x; the sidecar has 'red'" in line
        for line in selection.warnings
    )


@pytest.mark.parametrize("depth", [300, 3000])
def test_hed_nested_too_deeply_is_skipped_and_counted(depth):
    deep = "(" * depth + "Red" + ")" * depth
    table = EventRows(
        "ds/x",
        {"onset": ("1", "2"), "HED": (deep, "Red")},
        {"code": {"HED": {"a": f"(Definition/Deep, {deep})"}}},
    )
    selection = select_events(table, "Red")
    assert rows(selection) == [1]
    assert any(
        "skipped 1 row whose HED has unpaired or too deeply nested parentheses" in line
        for line in selection.warnings
    )


def test_sidecars_with_equal_hed_have_equal_keys_whatever_else_they_describe():
    described = {"code": {"HED": {"x": "Red"}, "Description": "d"}, "age": {"Units": "y"}}
    assert annotation_key(described) == annotation_key({"code": {"HED": {"x": "Red"}}})
    assert annotation_key(described) != annotation_key({"code": {"HED": {"x": "Blue"}}})


def test_a_table_is_annotated_by_a_sidecar_column_that_it_has_or_by_its_hed_column():
    assert is_annotated(event_rows((1, "red")))
    assert is_annotated(EventRows("ds/a", {"onset": ("1", "2"), "HED": ("n/a", "Red")}, {}))
    assert not is_annotated(EventRows("ds/a", {"onset": ("1",), "HED": ("n/a",)}, {}))
    assert not is_annotated(EventRows("ds/a", {"onset": ("1",)}, SIDECAR))
