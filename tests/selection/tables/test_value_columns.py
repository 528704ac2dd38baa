"""Value columns that no query can tell apart, on real datasets."""

from __future__ import annotations

import pytest
from event_tables import SIDECAR, rows, select_events
from hed_datasets import DATASETS, head, load_bundled_schema, read_tables

from bids_dl.datamodel import EventRows
from bids_dl.selection.queries.grammar import compile_query
from bids_dl.selection.search.matching import RowMatcher
from bids_dl.selection.tables.annotations import read_sidecar
from bids_dl.selection.tables.value_columns import irrelevant_columns

SCHEMA = load_bundled_schema("8.3.0")
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


def matches(annotations):
    return [[timed.matches for timed in annotation.timed] for annotation in annotations]


@pytest.mark.parametrize("name", DATASETS)
def test_a_placeholder_in_irrelevant_columns_changes_no_match(shared, name):
    tables, version = read_tables(shared / "hed-metadata" / name)
    schema = load_bundled_schema(version)
    for query in map(compile_query, QUERIES[name]):
        for table in (head(table, 120) for table in tables[:4]):
            matcher = RowMatcher(read_sidecar(table.sidecar, schema), (query,))
            full = RowMatcher(read_sidecar(table.sidecar, schema), (query,))
            full.irrelevant = frozenset()
            short = matches(matcher.annotate(table))
            assert short == matches(full.annotate(table)), query.text


def test_few_distinct_rows_are_parsed(shared):
    tables, version = read_tables(shared / "hed-metadata" / "ds003645")
    sidecar = read_sidecar(tables[0].sidecar, load_bundled_schema(version))
    matcher = RowMatcher(sidecar, (compile_query("Def/Famous-face-cond"),))
    distinct = {id(annotation) for table in tables for annotation in matcher.annotate(table)}
    assert len(distinct) < 30 < sum(map(len, tables))


@pytest.mark.parametrize(
    ("template", "query", "is_irrelevant"),
    [
        ("Label/#", "Red", True),
        ("Label/#", "Label", False),
        ("Label/#", "Label/7", False),
        ("Label/#", "Lab*", False),
        ("Label/#", "Label/7*", False),
        ("Label/#", "Event", True),
        ("(Duration/# s, (Red))", "Blue", False),
        ("(Label/#", "Blue", False),
        ("Red, (#)", "Blue", False),
    ],
)
def test_a_column_is_irrelevant_if_no_value_can_change_a_match_or_a_time(
    template, query, is_irrelevant
):
    sidecar = read_sidecar({"n": {"HED": template}}, SCHEMA)
    columns = irrelevant_columns(sidecar, [compile_query(query)])
    assert (columns == {"n"}) == is_irrelevant


def test_no_column_is_irrelevant_if_columns_refer_to_each_other():
    entries = {"code": {"HED": {"x": "Red, {n}"}}, "n": {"HED": "Label/#"}}
    sidecar = read_sidecar(entries, SCHEMA)
    assert irrelevant_columns(sidecar, [compile_query("Red")]) == frozenset()


def test_a_row_with_only_an_irrelevant_value_is_searched_all_the_same():
    table = EventRows(
        "ds/x",
        {"onset": ("1", "2", "3"), "code": ("red", "n/a", "n/a"), "trial": ("1", "2", "n/a")},
        SIDECAR,
    )
    assert rows(select_events(table, "@Red")) == [1]
    assert rows(select_events(table, "NOT Red")) == [1, 2]
    assert rows(select_events(table, "??")) == [0, 1]
