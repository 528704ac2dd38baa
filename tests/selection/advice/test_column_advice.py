"""Messages for columns and values that no recording has, and for HED queries that are values."""

from __future__ import annotations

import pytest
from event_tables import event_rows, select_events

from bids_dl.datamodel import EventRows
from bids_dl.errors import NoMatchError, QueryError

CODES = event_rows((1, "red"), (2, "blue"), (3, "red"))
PLAIN = EventRows("ds/a", {"onset": ("1", "2"), "trial_type": ("go", "stop")}, {})


def refusal(tables, query, **options):
    with pytest.raises((QueryError, NoMatchError)) as caught:
        select_events(tables, query, **options)
    return str(caught.value).splitlines()


def test_an_unknown_column_is_refused_with_the_columns():
    assert refusal(CODES, "cod==red") == [
        '--event a="cod==red": no events.tsv in 1 recording of ds has the column cod; '
        "did you mean 'code'?",
        "  Columns:  code",
    ]


def test_an_unknown_value_is_refused_with_similar_or_frequent_values():
    assert refusal(CODES, "code==redd,blue") == [
        '--event a="code==redd,blue": no row has redd in the column code, in 1 recording of ds.',
        "  Similar values:  red (2 rows)",
        '  Try:  --event a="code==red,blue"',
    ]
    assert refusal(CODES, "code==red", exclude=("code==zzz",))[1:] == [
        "  Most frequent values:  red (2 rows)   blue (1 row)",
        "  If there is nothing to exclude, leave out --exclude.",
    ]


def test_a_level_of_the_sidecar_is_known_even_if_no_row_has_it():
    sidecar = {"trial_type": {"Levels": {"go": "x", "bad": "y"}}}
    table = EventRows("ds/a", PLAIN.columns, sidecar)
    assert len(select_events(table, "trial_type==go", exclude=("trial_type==bad",)).events) == 1
    assert (
        refusal(table, "trial_type==bad")[1]
        == "  No row that could be searched has trial_type==bad."
    )


def test_a_column_of_some_recordings_is_counted_once():
    other = EventRows("ds/b", {"onset": ("1",), "reply": ("yes",)}, {})
    selection = select_events([PLAIN, other], "reply==yes", "NOT reply==yes")
    assert selection.warnings == ("no column reply in 1 of 2 recordings; their rows count as n/a",)
    assert [(event.recording, event.label) for event in selection.events] == [
        ("ds/a", "b"),
        ("ds/a", "b"),
        ("ds/b", "a"),
    ]


def test_a_hed_query_that_is_a_value_gets_the_option_and_the_hed_of_the_value():
    lines = refusal(event_rows((1, "on3"), (2, "red")), "on3")
    assert lines[1:] == [
        "  on3 is a value of the column code (1 row).",
        "  HED of this value:  (Def/Acc/3, Onset)",
        '  Try:  --event a="code==on3"',
    ]
    assert refusal(event_rows((1, "on3")), "Red && on3")[-1] == (
        '  Write "code==on3" as a whole query, joined by AND, OR or NOT.'
    )
    assert refusal(event_rows((1, "on3")), "Red", until="ON3")[1:] == [
        "  on3 is a value of the column code (1 row).",
        "  HED of this value:  (Def/Acc/3, Onset)",
        '  Try:  --until "code==on3"',
    ]


def test_without_any_hed_the_message_offers_the_columns():
    assert refusal(PLAIN, "Eyes-closed")[1:] == [
        "  Select rows by a column instead:  --event COLUMN==VALUE; columns: trial_type"
    ]
    assert refusal(PLAIN, "stop")[1:] == [
        '  stop is a value of the column trial_type (1 row):  --event "trial_type==stop"'
    ]
    assert refusal(PLAIN, "trial_type==go", exclude=("Red",))[0].startswith("no HED annotations")


def test_a_tag_to_exclude_that_no_schema_has_can_be_left_out():
    lines = refusal(CODES, "Red", exclude=("Artifact",))
    assert lines[-1] == "  Nothing similar is annotated here: leave out --exclude."
    assert refusal(CODES, "Red", until="nxt")[1:] == ["  Try:  --until next"]


def test_a_hed_query_that_is_a_column_gets_the_option():
    assert refusal(CODES, "code")[1:] == [
        "  code is a column of events.tsv; write code==VALUE, "
        "or --event code for a class of each value."
    ]
