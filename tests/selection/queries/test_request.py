"""The numbered queries of a request."""

from __future__ import annotations

import pytest
from event_tables import events_config

from bids_dl.errors import QueryError
from bids_dl.selection import parse_queries


def parse(*queries, **options):
    return parse_queries(events_config(*queries, **options))


def test_equal_queries_share_a_number_and_labels_come_first():
    queries = parse("Red", "Blue", until="Press", exclude=("Blue", "Green"), around=("Press", 3))
    assert [query.text for query in queries.row_queries] == ["Red", "Blue", "Press", "Green"]
    assert queries.until == {0: 2, 1: 2}
    assert queries.exclude == {0: (1, 3), 1: (1, 3)}
    assert queries.around == {0: 2, 1: 2}


def test_state_queries_and_event_level_forms_are_numbered():
    queries = parse("Red && Blue && Green", during="Task")
    assert [query.text for query in queries.state_queries] == ["Task"]
    assert queries.during == {0: 0}
    assert queries.row_queries[queries.event_level[0]].text == "Red AND Blue AND Green"


def test_each_query_is_given_with_its_option():
    [label] = parse(
        "Red", until="Press", exclude=("Blue",), during="Task", around=("Green", 3)
    ).labels
    options = [(option, query.text) for option, query in label.with_options("--hed a=")]
    assert options == [
        ("--hed a=", "Red"),
        ("--until ", "Press"),
        ("--exclude ", "Blue"),
        ("--during ", "Task"),
        ("--around ", "Green"),
    ]


@pytest.mark.parametrize(("until", "parsed"), [("next", "next"), (" next ", "next"), ("2.5", 2.5)])
def test_until_may_be_next_or_seconds(until, parsed):
    assert parse("Red", until=until).labels[0].until == parsed


@pytest.mark.parametrize("until", ["nan", "inf", "-inf", "1e400", "0", "-3"])
def test_until_must_be_a_finite_number_of_seconds_above_zero(until):
    message = f"--until {until}: give next, a query, or seconds above 0"
    with pytest.raises(QueryError, match=message):
        parse("Red", until=until)


def test_a_state_query_with_a_tilde_is_refused():
    message = r'--during "Task && ~Red": ~ has no meaning for a state; write @Tag'
    with pytest.raises(QueryError, match=message):
        parse("Red", during="Task && ~Red")


@pytest.mark.parametrize("option", ["until", "exclude", "during", "around"])
def test_the_queries_of_every_option_are_parsed_before_any_data(option):
    value = {"exclude": ("Red Blue",), "around": ("Red Blue", 3)}.get(option, "Red Blue")
    with pytest.raises(QueryError, match=f"--{option}"):
        parse("Red", **{option: value})


def test_an_alias_is_replaced_in_every_option():
    aliases = {"Shut": ("Eyes-closed", "Close-eyes")}
    queries = parse("Shut", until="Shut", exclude=("Shut",), aliases=aliases)
    meaning = "Eyes-closed OR Close-eyes"
    [label] = queries.labels
    assert [query.text for _, query in label.with_options("")] == [meaning] * 3
    assert queries.aliases == (f"alias Shut: {meaning}",)
    [line] = parse("Red", aliases=aliases).aliases
    assert line == f"alias Shut: {meaning} (no query uses it)"
