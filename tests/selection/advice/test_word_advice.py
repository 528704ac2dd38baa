"""Reasons and suggestions for words that match nothing."""

from __future__ import annotations

import re

import pytest
from event_tables import SIDECAR, event_rows, hed_rows, select_events

from bids_dl.datamodel import EventRows
from bids_dl.errors import NoMatchError, QueryError


def refusal(tables, query, **options):
    """Return the lines of the error of a query that matches nothing."""
    with pytest.raises((NoMatchError, QueryError)) as caught:
        select_events(tables, query, **options)
    lines = str(caught.value).splitlines()
    assert 1 < len(lines) <= 4
    return lines


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("Green", "Green is a HED tag"),
        ("Task-b", "nor a definition or value"),
        ("Task-a", "the name of a definition, not a tag; write Def/Task-a"),
        ("Def/Task-b", "Def is in use, but not with this value"),
        ("Event/Sensory-event", "a long form, which hedtools never matches; write Sensory-event"),
        ("Property/Sensory-property/Red", "nor a definition or value|HED tag|not with this value"),
        ("Agent-trait", "Agent-trait is a HED tag"),
        ("Pur*", "begins with pur|is not a HED tag"),
        ("Sensory-evnt", "is not a HED tag"),
        ('"Sensory"', "is not a HED tag"),
    ],
)
def test_the_reason_fits_the_word(query, reason):
    lines = refusal(event_rows((1, "red"), (2, "on")), query)
    assert query in lines[0]
    assert re.search(reason, "\n".join(lines))


def test_an_exact_word_that_is_used_only_with_a_value_is_explained():
    lines = refusal(hed_rows("Label/x"), '"Label"')
    assert '"Label" matches the tag only without a value; without quotes' in lines[1]


def test_a_value_is_explained_with_the_query_to_paste():
    table = hed_rows("Label/Eyes-shut, Red", "(Frequency/550 Hz)")
    assert any("write Label/Eyes-shut" in line for line in refusal(table, "Eyes-shut"))
    assert any("Label/Eyes-shut" in line for line in refusal(table, "Label/Eyes-open"))
    assert any('"Frequency/550*"' in line for line in refusal(table, "Frequency/500*"))
    warnings = select_events(table, "Red || Eyes-shut").warnings
    [warning] = [line for line in warnings if "value" in line]
    assert "Eyes-shut is a value, not a tag; write Label/Eyes-shut" in warning


def test_a_tag_in_use_that_no_schema_has_is_found_only_in_quotes():
    table = hed_rows("Purple-thing, Red")
    assert any("found only in quotes" in line for line in refusal(table, "purple-thing"))
    assert select_events(table, '"Purple-thing"').events


@pytest.mark.parametrize(
    "query",
    [
        "Eyes-closed",
        "now-close",
        "Frequency/500",
        "Label/now-closed",
        "Task-x",
        "Agent-action/Close-eyes",
        "Closed-eyes",
    ],
)
def test_a_suggested_query_matches(query):
    table = hed_rows("Label/now-close, Red", "(Frequency/550 Hz, Blue)", "Def/Task-x", "Close-eyes")
    line = next(line for line in refusal(table, query) if "Try:" in line)
    suggested = line.split("--hed a=")[1].split(" --until")[0].strip('"')
    assert select_events(table, suggested).events, line


def test_a_tag_that_only_other_rows_of_a_reference_could_show_is_not_suggested():
    sidecar = {
        "code": {"HED": {"x": "Red, ({more})"}},
        "more": {"HED": {"a": "Label/Smile", "b": "Green"}},
    }
    columns = {"onset": ("1", "2"), "code": ("x", "n/a"), "more": ("b", "a")}
    lines = refusal(EventRows("ds/a", columns, sidecar), "Label/Smile")
    assert not any("Label/Smile (" in line for line in lines)


def test_an_unknown_word_is_compared_with_the_schema_too():
    lines = refusal(event_rows((1, "press")), "Sensry-evnt")
    assert any("Similar HED tags:" in line and "Sensory-event" in line for line in lines)


def test_rows_that_could_not_be_searched_are_named():
    lines = refusal(hed_rows("Red, (Blue", "White"), "Blue")
    assert any("unpaired" in line and "(first: row 0 of ds" in line for line in lines)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (
            {"onset": ("n/a", "n/a")},
            "skipped 2 rows whose onset is not a number (first: row 0 of ds/x).",
        ),
        (
            {},
            "no onset column in the events.tsv of 1 recording: "
            "no row of it can be selected (first: ds/x).",
        ),
    ],
)
def test_unsearched_rows_are_the_reason_and_the_same_query_is_not_suggested(columns, reason):
    table = EventRows("ds/x", columns | {"code": ("red", "red")}, SIDECAR)
    message = "\n".join(refusal(table, "Red"))
    assert "Red is in use (2 rows), but not in a row that could be searched." in message
    assert reason in message
    assert "Try:" not in message


def test_tags_without_the_prefix_of_the_version_are_explained():
    message = r"Red is in use, but not as a tag of the HED version \(sc:8.3.0\)"
    with pytest.raises(NoMatchError, match=message):
        select_events(event_rows((1, "red")), "Red", versions={"ds": "sc:8.3.0"})
