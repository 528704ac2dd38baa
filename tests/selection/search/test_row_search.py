"""Results of single HED queries in the HED string of a row."""

from __future__ import annotations

from hed_datasets import load_bundled_schema

from bids_dl.selection.queries.grammar import compile_query
from bids_dl.selection.search.row_search import search_row
from bids_dl.selection.tables.annotations import read_sidecar

SIDECAR = read_sidecar({}, load_bundled_schema("8.3.0"))
QUERIES = (compile_query("Red AND code==1"), compile_query("[Blue && Offset]"))


def test_what_a_delay_moves_and_what_an_offset_ends_are_searched_apart():
    text = "(Delay/2 s, (Red)), (Def/A, Offset, (Blue)), Green"
    own, delayed = search_row(text, SIDECAR, QUERIES).timed
    assert (own.delay, delayed.delay) == (0.0, 2.0)
    assert (own.results, delayed.results) == ({"Red": False}, {"Red": True})
    assert own.offset_results == {"[Blue && Offset]": True}
    assert [group.kind for group in own.groups] == ["offset"]


def test_hed_with_unpaired_parentheses_has_no_results():
    row = search_row("Red, (Blue", SIDECAR, QUERIES)
    assert row.is_unbalanced
    assert row.timed == ()
