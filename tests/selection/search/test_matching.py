"""Matches of queries in rows: Offset, Delay, HED that cannot be read, and comparisons."""

from __future__ import annotations

import pandas as pd
import pytest
from event_tables import event_ends, event_rows, rows, select_events
from hed_datasets import load_bundled_schema
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_dl.datamodel import EventRows
from bids_dl.errors import NoMatchError
from bids_dl.selection.queries.grammar import compile_query
from bids_dl.selection.search.matching import RowMatcher
from bids_dl.selection.tables.annotations import read_sidecar

SCHEMA = load_bundled_schema("8.3.0")
CELLS = st.sampled_from(["go", "stop", "1", "1.0", "2", "n/a"])
TABLES = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8)
COMPARISONS = st.tuples(
    st.sampled_from("ab"), st.lists(st.sampled_from(["go", "stop", "1", "n/a"]), min_size=1)
)
TERMS = st.lists(st.tuples(st.booleans(), COMPARISONS), min_size=1, max_size=3)


def annotate(*texts):
    """Return the annotations of rows with a HED column, searched for Red."""
    table = EventRows("ds/a", {"HED": texts}, {})
    return RowMatcher(read_sidecar({}, SCHEMA), (compile_query("Red"),)).annotate(table)


def test_offset_groups_are_searched_only_by_queries_that_name_offset():
    table = event_rows((1, "on"), (2, "off"))
    assert rows(select_events(table, "Def/Task-a")) == [0]
    assert rows(select_events(table, "[Def/Task-a && Offset]")) == [1]
    assert rows(select_events(table, "Def/Task-a AND NOT Offset")) == [0]


def test_a_delayed_group_is_an_event_of_its_own_in_the_same_row():
    selection = select_events(event_rows((1, "later", 9)), "Square")
    assert event_ends(selection) == [(2.5, 3.0, "process")]
    assert rows(selection) == [0]
    assert event_ends(select_events(event_rows((1, "later", 9)), "Circle")) == [(1, 10, "duration")]
    with pytest.raises(NoMatchError):
        select_events(event_rows((1, "later")), "Square AND Circle")


def test_rows_with_equal_hed_share_one_annotation():
    first, other, second = annotate("Red", "Blue", "Red")
    assert first is second is not other


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        ("Red, (Blue", {"is_unbalanced": True}),
        ("(Duration/x, (Red))", {"unreadable_times": ("Duration/x",)}),
        ("(Delay/3 months, (Red))", {"unreadable_times": ("(Delay/3 months,(Red))",)}),
        ("(Onset, (Red))", {"n_without_definition": 1}),
        ("Purple-thing", {"unknown_tags": ("Purple-thing",)}),
        ("Def/Late", {"undefined": ("Def/Late",)}),
    ],
)
def test_hed_that_cannot_be_read_is_an_issue_of_its_row(text, issue):
    [annotation] = annotate(text)
    assert annotation.has_issues
    assert {name: getattr(annotation, name) for name in issue} == issue


def test_hed_that_can_be_read_has_no_issue():
    [annotation] = annotate("Sensory-event, (Red, Square)")
    assert not annotation.has_issues


def reference_mask(frame, terms):
    """Return the rows that match all terms, each (is negated, (column, values)), with pandas."""
    mask = pd.Series(data=True, index=frame.index)
    for is_negated, (column, values) in terms:
        has_value = frame[column].isin(values)
        if "1" in values:
            has_value |= pd.to_numeric(frame[column], errors="coerce") == 1
        mask &= ~has_value if is_negated else has_value
    return mask


@settings(max_examples=60)
@given(TABLES, st.lists(TERMS, min_size=1, max_size=2))
def test_comparisons_match_the_rows_that_pandas_finds(cells, alternatives):
    first, second = zip(*cells, strict=True)
    columns = {"onset": tuple(map(str, range(len(cells)))), "a": first, "b": second}
    known = {name: {"Levels": dict.fromkeys(["go", "stop", "1"], "x")} for name in "ab"}
    texts = []
    mask = pd.Series(data=False, index=range(len(cells)))
    for terms in alternatives:
        mask |= reference_mask(pd.DataFrame(columns), terms)
        texts.append(
            " AND ".join(f"{'NOT ' * negated}{c}=={','.join(v)}" for negated, (c, v) in terms)
        )
    expected = list(mask.index[mask])
    table = EventRows("ds/a", columns, known)
    if expected:
        assert rows(select_events(table, " OR ".join(texts))) == expected
    else:
        with pytest.raises(NoMatchError, match="matches no event"):
            select_events(table, " OR ".join(texts))


LATER = event_rows((1, "later", 9), (20, "red", 3), (30, "broken", 2), (40, "lasting", 1))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("code==later", [(1, 10, "duration")]),  # the row, not what a Delay moves
        ("code==lasting", [(40, 41, "duration")]),  # not the processes in its HED
        ("code==broken", [(30, 32, "duration")]),  # whatever its HED is
        ("Square AND code==later", [(2.5, 3.0, "process")]),
        ("Square AND NOT code==red", [(2.5, 3.0, "process")]),
        ("Circle AND code==later", [(1, 10, "duration")]),
        ("Square OR code==later", [(1, 10, "duration"), (2.5, 3.0, "process")]),
        ("Triangle AND code==lasting", [(40, 43, "process")]),
        ("code==broken AND NOT Blue", []),  # its HED cannot be read
    ],
)
def test_a_comparison_is_about_the_row_at_its_onset(query, expected):
    if expected:
        assert event_ends(select_events(LATER, query)) == expected
    else:
        with pytest.raises(NoMatchError):
            select_events(LATER, query)


@pytest.mark.parametrize("query", ["code==later", "NOT code==red", "code==*", "code==lasting,red"])
def test_comparisons_match_the_same_whether_or_not_hed_is_read(query):
    alone = select_events(LATER, query)
    beside = select_events(LATER, query, "Red", overlap="each")
    assert alone.events == tuple(event for event in beside.events if event.label == "a")
    assert (alone.hed_versions, alone.warnings) == ({}, ())


def test_rows_without_hed_match_comparisons_and_what_hed_denies():
    plain = EventRows("ds/b", {"onset": ("1", "2"), "code": ("red", "other")}, {})
    tables = [event_rows((5, "red")), plain]
    assert [event.recording for event in select_events(tables, "Red").events] == [
        tables[0].recording
    ]
    assert rows(select_events(tables, "code==other AND NOT Red")) == [1]
    assert [event.recording for event in select_events(tables, "Red OR code==other").events] == [
        tables[0].recording,
        "ds/b",
    ]
    queries = ("Red AND code==red", "NOT Red AND code==* OR code==other")
    assert [event.label for event in select_events(tables, *queries).events] == ["a", "b", "b"]


def test_many_distinct_cells_give_few_distinct_rows():
    cells = tuple(map(str, range(5000)))
    table = EventRows("ds/a", {"onset": cells, "HED": ("Red",) * 5000}, {})
    query = compile_query("Red AND onset==7,8 OR onset==9*")
    matcher = RowMatcher(read_sidecar({}, SCHEMA), (query,))
    annotations = matcher.annotate(table)
    assert len(set(map(id, annotations))) < 6
    assert sum(annotation.timed[0].matches[0] for annotation in annotations) == 2 + 111
