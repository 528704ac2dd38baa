"""Schemas, sidecars and columns of the tables of a request."""

from __future__ import annotations

import re

import pytest
from event_tables import SIDECAR, event_rows, select_events

from bids_dl.datamodel import EventRows
from bids_dl.errors import ConfigError, NoMatchError, SourceError

TABLE = event_rows((1, "red"))


def test_recordings_without_hed_are_counted():
    bare = EventRows("ds/b", {"onset": ("1",)}, {})
    warnings = select_events([TABLE, bare], "Red").warnings
    assert "no HED annotations in 1 recording (first: ds/b)" in warnings


def test_an_error_about_missing_hed_precedes_the_search_for_a_schema():
    bare = EventRows("ds/b", {"onset": ("1",), "HED": ("n/a",)}, {})
    with pytest.raises(NoMatchError, match="no HED annotations in 1 recording of ds"):
        select_events(bare, "Red", versions={"ds": "7.1.2"})
    unused = EventRows("ds/b", {"onset": ("1",)}, SIDECAR)
    with pytest.raises(
        NoMatchError, match="the sidecars annotate code, definitions, trial, but no"
    ):
        select_events(unused, "Red", versions={})
    with pytest.raises(NoMatchError, match="no recordings"):
        select_events([], "Red", versions={})


def test_no_schema_is_loaded_if_no_query_contains_hed():
    selection = select_events(TABLE, "code==red", versions={"ds": "7.1.2"}, until="code==red")
    assert [event.hed for event in selection.events] == ["Sensory-event, Red"]
    assert selection.hed_versions == {}
    with pytest.raises(SourceError, match="HEDVersion"):
        select_events(TABLE, "code==red", versions={"ds": "7.1.2"}, hed_strict=True)
    with pytest.raises(SourceError, match="HEDVersion"):
        select_events(TABLE, "code==red", versions={"ds": "7.1.2"}, exclude=("Blue",))


@pytest.mark.parametrize(
    "version", ["7.1.2", "8.3", "v8.3.0", "testlib_1.0.2", ["8.3.0", "nolib_1.0.0"], "nonsense"]
)
def test_an_unknown_version_lists_those_that_are_available(version):
    message = r"(?s)ds: HEDVersion .*8\.0\.0, 8\.1\.0.*--hed-version.*--hed-schema-dir"
    with pytest.raises(SourceError, match=message):
        select_events(TABLE, "Red", versions={"ds": version})


def test_an_unknown_version_of_the_user_is_an_error_of_the_option():
    with pytest.raises(ConfigError, match=r"--hed-version '9\.9\.9' is not an available"):
        select_events(TABLE, "Red", hed_version="9.9.9")


@pytest.mark.parametrize("version", [None, "", []])
def test_a_missing_version_is_replaced_by_the_newest_with_a_warning(version):
    selection = select_events(TABLE, "Red", versions={"ds": version})
    newest = selection.hed_versions["ds"]
    assert newest.startswith("8.")
    assert any("no HEDVersion" in line and newest in line for line in selection.warnings)


def test_each_dataset_is_read_with_its_own_version():
    hed = ("sc:Eye-blink-artifact, Red",)
    score = EventRows("sc/a", {"onset": ("1",), "HED": hed}, {})
    versions = {"ds": "8.3.0", "sc": ["8.2.0", "sc:score_1.0.0"]}
    selection = select_events([TABLE, score], "Red", versions=versions)
    assert selection.hed_versions == {"ds": "8.3.0", "sc": "8.2.0, sc:score_1.0.0"}
    assert len(selection.events) == 2
    assert len(select_events(score, "Artifact", versions=versions).events) == 1


def test_values_that_the_sidecar_does_not_annotate_are_counted_with_the_near_level():
    sidecar = {"code": {"HED": {"1": "Red", "2": "Blue"}}}
    table = event_rows((1, "1"), (2, "01"), (3, "1.0"), (4, "n/a"), sidecar=sidecar)
    [line] = select_events(table, "Red").warnings
    assert line.startswith("2 cells with a value that the sidecar does not annotate (first: '01'")
    assert "the sidecar has '1'" in line


@pytest.mark.parametrize("cell", ["1.0", "01", " 1", "+1"])
def test_a_query_that_misses_a_level_for_its_spelling_names_both(cell):
    sidecar = {"code": {"HED": {"1": "Red", "2": "Blue"}}}
    table = event_rows((1, cell), (2, "2"), sidecar=sidecar)
    message = f"(?s)matches no event.*first: '{re.escape(cell)}' in column code .* has '1'"
    with pytest.raises(NoMatchError, match=message):
        select_events(table, "Red")


def test_a_level_of_another_case_is_named_and_not_used():
    sidecar = {"code": {"HED": {"go": "Red", "stop": "Blue"}}}
    table = event_rows((1, "Go"), (2, "stop"), sidecar=sidecar)
    with pytest.raises(NoMatchError, match=r"(?s)'Go' in column code .* the sidecar has 'go'"):
        select_events(table, "Red")


def test_missing_references_and_columns_without_levels_are_counted():
    sidecar = {"code": {"HED": {"x": "Red, {more}"}}, "duration": {"HED": "Blue"}}
    lines = "\n".join(select_events(event_rows((1, "x"), sidecar=sidecar), "Red").warnings)
    assert "1 recording without a column that the sidecar refers to in braces" in lines
    assert "(first: {more} in ds/" in lines
    assert "1 recording with a sidecar column whose HED has neither levels nor a #" in lines
    assert "(first: duration in ds/" in lines
