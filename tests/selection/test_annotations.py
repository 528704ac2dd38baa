"""HED strings of rows, and the trees that queries are searched in, against hedtools."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from event_tables import CODES, SIDECAR, chosen, table
from hed import Sidecar, TabularInput, load_schema_version
from hed.schema.hed_cache import INSTALLED_CACHE_LOCATION
from hed.tools.analysis.event_manager import EventManager
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_dl import source
from bids_dl.config.stages import SourceConfig
from bids_dl.datamodel import EventRows
from bids_dl.errors import NoMatchError
from bids_dl.selection.annotations import read_codebook
from bids_dl.selection.issues import IssueCounter
from bids_dl.selection.matching import Matcher
from bids_dl.selection.queries.grammar import compile_query
from bids_dl.selection.timelines import AnnotatedTables

DATASETS = ["ds003645", "ds004117", "ds005505", "xeeg_hed_score"]
QUERIES = {
    "ds003645": [
        "Famous",
        "@Face",
        "Sensory-event && ~Red",
        "Experimental-trial/5",
        "Item-interval/1*",
        "{Face && Item-interval}",
        "[Face, ?]",
    ],
    "ds004117": [
        "{Character && Label/D}",
        "Target",
        "{Recall && Target:}",
        "~Character",
        "Lab*",
        "Label/*",
        "@Label && Cue",
    ],
    "ds005505": ["Label", "Square || Red", "Duration/800*", "Delay"],
    "xeeg_hed_score": ["Parameter-value/*", "Duration", "Modulator"],
}
SCHEMA = load_schema_version("8.3.0", xml_folder=INSTALLED_CACHE_LOCATION)


def tables_of(folder) -> tuple[list[EventRows], str]:
    dataset = source.open_dataset(str(folder))
    recordings = [
        recording
        for recording in source.find_recordings(dataset, SourceConfig())
        if recording.events
    ]
    return [source.read_rows(dataset, recording) for recording in recordings], dataset.hed_version


def head(rows: EventRows, count: int) -> EventRows:
    return replace(rows, columns={name: cells[:count] for name, cells in rows.columns.items()})


def tabular(rows: EventRows) -> TabularInput:
    lines = [rows.columns.keys(), *zip(*rows.columns.values(), strict=True)]
    return TabularInput(
        io.StringIO("\n".join("\t".join(cells) for cells in lines)),
        sidecar=Sidecar(io.StringIO(json.dumps(rows.sidecar))),
    )


@pytest.mark.parametrize("name", DATASETS)
def test_every_row_of_real_datasets_is_assembled_as_by_hedtools(shared, name):
    tables, _ = tables_of(shared / "hed-metadata" / name)
    for rows in tables:
        book = read_codebook(rows.sidecar, SCHEMA)
        columns = book.columns(rows.columns)
        got = (
            [
                book.assemble(columns, cells)
                for cells in zip(*(rows.columns[name] for name in columns), strict=True)
            ]
            if columns
            else []
        )
        want = list(tabular(rows).series_a) if columns else []
        assert got == want, rows.recording


CELLS = st.sampled_from(["n/a", "", "x", "y", "1", "(Blue)"])
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=4)
TEXTS = st.sampled_from(
    ["Red", "(Red, {b})", "{b}", "({b}, {c})", "Red, ({c}), {d}", "(({b}), Green)", "n/a", ""]
)


@settings(max_examples=60, deadline=None)
@given(
    TEXTS,
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
    rows = EventRows("ds/a", {"onset": tuple("0" for _ in cells), **columns}, sidecar)
    book = read_codebook(rows.sidecar, SCHEMA)
    names = book.columns(rows.columns)
    assert [
        book.assemble(names, row) for row in zip(*(columns[name] for name in names), strict=True)
    ] == list(tabular(rows).series_a)


@pytest.mark.parametrize("name", DATASETS)
def test_leaving_out_value_columns_changes_no_match(shared, name):
    tables, version = tables_of(shared / "hed-metadata" / name)
    schema = load_schema_version(version, xml_folder=INSTALLED_CACHE_LOCATION)
    for query in map(compile_query, QUERIES[name]):
        for rows in (head(rows, 120) for rows in tables[:4]):
            matcher, plain = (
                Matcher(read_codebook(rows.sidecar, schema), (query,)) for _ in range(2)
            )
            plain.skipped = frozenset()
            short, full = matcher.annotations(rows), plain.annotations(rows)
            assert [[p.hits for p in a.parts] for a in short] == [
                [p.hits for p in a.parts] for a in full
            ], query.text


def test_few_distinct_rows_are_parsed(shared):
    tables, version = tables_of(shared / "hed-metadata" / "ds003645")
    schema = load_schema_version(version, xml_folder=INSTALLED_CACHE_LOCATION)
    matcher = Matcher(
        read_codebook(tables[0].sidecar, schema), (compile_query("Def/Famous-face-cond"),)
    )
    distinct = {id(annotation) for rows in tables for annotation in matcher.annotations(rows)}
    assert len(distinct) < 30 < sum(map(len, tables))


def test_processes_of_real_recordings_are_those_of_hedtools_event_manager(shared):
    tables, version = tables_of(shared / "hed-metadata" / "ds003645")
    schema = load_schema_version(version, xml_folder=INSTALLED_CACHE_LOCATION)
    for rows in tables[:3]:
        book = read_codebook(rows.sidecar, schema)
        corpus = AnnotatedTables((rows,), (book,), {}, {}, 1)
        (line,) = corpus.timelines((compile_query("Def"),), IssueCounter())
        got = sorted(
            (moment.onset, marker.anchor, end)
            for moment, begun in zip(line.moments, line.processes, strict=True)
            for marker, end in begun
        )
        events = EventManager(tabular(rows), schema).event_list
        want = sorted(
            (e.start_time, e.anchor.removeprefix("Def/").casefold(), e.end_time)
            for at in events
            for e in at
        )
        assert got == [
            (start, anchor, None if end is None else float(end)) for start, anchor, end in want
        ]


HED_COLUMN = {"code": {"HED": CODES}, "definitions": SIDECAR["definitions"]}


def with_hed(*texts: str) -> EventRows:
    return EventRows(
        "ds/sub-1",
        {"onset": tuple(str(i) for i in range(len(texts))), "HED": texts},
        {"definitions": SIDECAR["definitions"]},
    )


def rows_of(rows, query):
    try:
        return [event.row for event in chosen(rows, query).events]
    except NoMatchError:
        return []


def test_a_definition_is_found_by_its_name_and_by_its_content():
    rows = with_hed("Def/Task-a", "(Def/Acc/3, Onset)", "Red", "Task")
    assert rows_of(rows, "Def/Task-a") == [0]
    assert rows_of(rows, "Fixate") == [0]
    assert rows_of(rows, "Task") == [0, 3]
    assert rows_of(rows, "Acceleration/3*") == [1]
    assert rows_of(rows, "Def/Acc/*") == [1]
    assert rows_of(rows, "Def/Acc") == []


def test_a_def_expand_is_found_like_its_def_and_keeps_its_content_where_it_is_not_defined():
    rows = with_hed(
        "(Def-expand/Task-a, (Task, Experiment-participant, (Fixate, Cross)))",
        "(Def-expand/Other, (Red, Square))",
    )
    assert rows_of(rows, "Def/Task-a") == [0]
    assert rows_of(rows, "Fixate") == [0]
    assert rows_of(rows, "Def/Other && Square") == [1]


def test_definitions_in_a_row_are_not_events():
    rows = with_hed("(Definition/Inner, (Green))", "Green")
    assert rows_of(rows, "Green") == [1]


def test_a_definition_that_does_not_validate_is_still_searched():
    sidecar = {
        "code": {"HED": {"go": "Def/Odd"}},
        "definitions": {"HED": {"x": "(Definition/Odd, (Red, Nonsense-tag-x))"}},
    }
    rows = EventRows("ds/a", {"onset": ("1",), "code": ("go",)}, sidecar)
    assert rows_of(rows, "Red") == [0]


def test_equal_onsets_stay_apart_and_an_unsorted_file_is_sorted():
    rows = table((5, "red"), (1, "red"), (1, "red"), ("n/a", "red"))
    selection = chosen(rows, "Red")
    assert [(event.onset, event.row) for event in selection.events] == [(1, 1), (1, 2), (5, 0)]
    assert any(
        "1 rows were skipped: their onset is not a number (first: row 3" in line
        for line in selection.warnings
    )


def test_values_the_sidecar_does_not_annotate_are_counted_with_the_near_key():
    sidecar = {"code": {"HED": {"1": "Red", "2": "Blue"}}}
    selection = chosen(table((1, "1"), (2, "01"), (3, "1.0"), (4, "n/a"), sidecar=sidecar), "Red")
    (line,) = selection.warnings
    assert line.startswith("2 cells hold values that the sidecar does not annotate (first: '01'")
    assert "the sidecar has '1'" in line


def test_a_row_with_only_a_value_that_no_query_can_reach_is_searched_all_the_same():
    rows = EventRows(
        "ds/x",
        {"onset": ("1", "2", "3"), "code": ("red", "n/a", "n/a"), "trial": ("1", "2", "n/a")},
        SIDECAR,
    )
    assert [event.row for event in chosen(rows, "@Red").events] == [1]
    assert [event.row for event in chosen(rows, "NOT Red").events] == [1, 2]
    assert [event.row for event in chosen(rows, "??").events] == [0, 1]


@pytest.mark.parametrize("depth", [300, 3000])
def test_hed_nested_beyond_reason_is_skipped_and_counted(depth):
    deep = "(" * depth + "Red" + ")" * depth
    rows = EventRows(
        "ds/x",
        {"onset": ("1", "2"), "HED": (deep, "Red")},
        {"code": {"HED": {"a": f"(Definition/Deep, {deep})"}}},
    )
    found = chosen(rows, "Red")
    assert [event.row for event in found.events] == [1]
    assert any(
        "1 rows were skipped: brackets of their HED have no partners or are nested too deeply"
        in line
        for line in found.warnings
    )


def test_levels_are_compared_with_cells_blank_by_blank_as_hedtools_does():
    rows = EventRows("ds/x", {"onset": ("1", "2"), "code": ("red ", "red")}, SIDECAR)
    found = chosen(rows, "Red")
    assert [event.row for event in found.events] == [1]
    assert any(
        "'red ' in column code of ds/x; the sidecar has 'red'" in line for line in found.warnings
    )
