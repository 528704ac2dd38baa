"""HED of a request, merged into the sidecars of tables."""

from __future__ import annotations

import pytest
from event_tables import events_config

from bids_dl.datamodel import EventRows
from bids_dl.errors import ConfigError
from bids_dl.selection import add_hed, select


def table(*codes: str, recording: str = "ds/sub-1", sidecar: dict | None = None) -> EventRows:
    onsets = tuple(str(second) for second in range(len(codes)))
    return EventRows(recording, {"onset": onsets, "code": codes}, sidecar or {})


RED = {"code": {"HED": {"1": "Red"}}}


def test_added_hed_is_searched_like_that_of_the_dataset():
    tables, notes = add_hed([table("1", "2")], {"": RED})
    selection = select(tables, events_config("Red"), hed_versions={"ds": "8.3.0"}, sliding=False)
    assert [event.row for event in selection.events] == [0]
    assert notes == ()


def test_without_added_hed_the_tables_are_unchanged():
    tables = [table("1")]
    assert add_hed(tables, {}) == (tables, ())


def test_levels_and_other_columns_of_the_dataset_stay():
    own = {"code": {"Levels": {"1": "light"}, "HED": {"1": "Blue"}}, "other": {"HED": "Label/#"}}
    [merged], notes = add_hed([table("1", sidecar=own)], {"": RED})
    assert merged.sidecar == {
        "code": {"Levels": {"1": "light"}, "HED": {"1": "Red"}},
        "other": {"HED": "Label/#"},
    }
    assert notes == ("ds: --hed-sidecar replaces its HED of code in 1 recording",)


def test_hed_that_is_equal_replaces_nothing():
    assert add_hed([table("1", sidecar=RED)], {"": RED})[1] == ()


def test_hed_of_one_dataset_comes_before_that_of_all():
    tables = [table("1"), table("1", recording="ds2/sub-1")]
    blue = {"code": {"HED": {"1": "Blue"}}}
    first, second = add_hed(tables, {"": RED, "ds2": blue})[0]
    assert first.sidecar == RED
    assert second.sidecar == blue


def test_values_and_columns_that_do_not_occur_are_noted():
    sidecar = {"code": {"HED": {"1": "Red", "8": "Blue", "9": "Green"}}, "x": {"HED": "Label/#"}}
    assert add_hed([table("1")], {"": sidecar})[1] == (
        "--hed-sidecar: 2 of 3 values of code are in no events.tsv (first: '8')",
        "--hed-sidecar: no events.tsv has the column x",
    )


def test_a_column_of_definitions_need_not_occur():
    definitions = {"defs": {"HED": {"a": "(Definition/A, (Red))"}}}
    tables, notes = add_hed([table("1")], {"": {"code": {"HED": {"1": "Def/A"}}} | definitions})
    assert notes == ()
    found = select(tables, events_config("Red"), hed_versions={"ds": "8.3.0"}, sliding=False)
    assert len(found.events) == 1


@pytest.mark.parametrize(
    ("sidecars", "message"),
    [
        ({"": {"x": {"HED": "Label/#"}}}, r"none of its columns \(x\) .* there are: code, onset"),
        ({"": {"code": {"HED": {"7": "Red"}}}}, "none of its values .*; code has 1, 2"),
        ({"ds3": RED}, "ds3=...: no source with this name .* there are: ds"),
        ({"ds": {"x": {"HED": "Label/#"}}}, "--hed-sidecar ds: none of its columns"),
    ],
)
def test_hed_that_annotates_nothing_is_refused(sidecars, message):
    with pytest.raises(ConfigError, match=message):
        add_hed([table("1", "2", "n/a")], sidecars)


def test_hed_for_no_table_at_all_is_refused():
    with pytest.raises(ConfigError, match="there are: none"):
        add_hed([], {"": RED})
