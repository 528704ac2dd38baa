"""What is said when a query matches nothing, or not what was meant."""

from __future__ import annotations

import re

import pytest
from event_tables import SIDECAR, chosen, config, table

from bids_dl import source
from bids_dl.config import parsing
from bids_dl.datamodel import EventRows
from bids_dl.errors import NoMatchError, QueryError
from bids_dl.selection import select
from bids_dl.selection.vocabulary import likeness, to_paste


def said(tables, query, **options):
    """The lines of the refusal."""
    with pytest.raises((NoMatchError, QueryError)) as caught:
        chosen(tables, query, **options)
    lines = str(caught.value).splitlines()
    assert 1 < len(lines) <= 4
    return lines


def hed(*texts):
    return EventRows("ds/a", {"onset": tuple(str(i) for i in range(len(texts))), "HED": texts}, {})


def test_the_message_of_the_healthy_brain_network(shared):
    dataset = source.open_dataset(str(shared / "hed-metadata/ds005505"))
    which = parsing.source_config({"task": ["RestingState"]})
    tables = [
        source.read_rows(dataset, recording) for recording in source.find_recordings(dataset, which)
    ]
    with pytest.raises(NoMatchError) as caught:
        select(
            tables,
            parsing.events_config({"hed": ["Eyes-closed"]}),
            hed_versions={dataset.name: dataset.hed_version},
            sliding=False,
        )
    count = len(tables)
    assert str(caught.value).splitlines() == [
        f'--hed "Eyes-closed" matches no event in {count} recordings of ds005505.',
        "  Eyes-closed is a HED tag (Property/Agent-property/Agent-state/Agent-postural-state), "
        "but no event here uses it or a child of it.",
        f"  Tags in use that look alike:  Label/now-close-your-eyes ({5 * count} events)   Label/now-open-your-eyes ({6 * count} events)",
        '  Try:  --hed eyes_closed="Label/now-close-your-eyes" --until "Label/now-open-your-eyes"',
    ]


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
    ],
)
def test_the_reason_fits_the_word(query, reason):
    lines = said(table((1, "red"), (2, "on")), query)
    assert query in lines[0]
    assert re.search(reason, "\n".join(lines))


def test_a_value_is_told_with_the_query_to_paste():
    rows = hed("Label/Eyes-shut, Red", "(Frequency/550 Hz)")
    assert any("write Label/Eyes-shut" in line for line in said(rows, "Eyes-shut"))
    assert any("Label/Eyes-shut" in line for line in said(rows, "Label/Eyes-open"))
    assert any('"Frequency/550*"' in line for line in said(rows, "Frequency/500*"))
    (warning,) = [line for line in chosen(rows, "Red || Eyes-shut").warnings if "value" in line]
    assert "Eyes-shut is a value, not a tag; write Label/Eyes-shut" in warning


def test_a_tag_in_use_that_no_schema_has_is_found_in_quotes_only():
    rows = hed("Purple-thing, Red")
    assert any("only quotes find it" in line for line in said(rows, "purple-thing"))
    assert chosen(rows, '"Purple-thing"').events


def test_what_is_suggested_does_match():
    rows = hed("Label/now-close, Red", "(Frequency/550 Hz, Blue)", "Def/Task-x", "Close-eyes")
    for query in (
        "Eyes-closed",
        "now-close",
        "Frequency/500",
        "Label/now-closed",
        "Task-x",
        "Agent-action/Close-eyes",
        "Closed-eyes",
    ):
        line = next(line for line in said(rows, query) if "Try:" in line)
        again = line.split("--hed a=")[1].split(" --until")[0].strip('"')
        assert chosen(rows, again).events, line


def test_words_that_never_meet_are_told_with_their_counts():
    lines = said(hed("(Red, Square), (Blue, Circle)", "Red"), "{Red && Blue}")
    assert (
        "Each of its words matches events here (Red 2, Blue 1), but not together as asked."
        in lines[1]
    )
    assert '--hed a="Red AND Blue", which matches 1' in lines[2]


def test_a_chain_of_three_that_matches_less_than_it_says_is_told():
    rows = hed(
        "Sensory-event, (Human-agent, Female, (Speak, Sentence))", "Sensory-event, Female, Sentence"
    )
    (warning,) = [
        line
        for line in chosen(rows, "Sensory-event && Female && Sentence").warnings
        if "&&" in line
    ]
    assert "matches 1 events" in warning
    assert '--hed a="Sensory-event AND Female AND Sentence" matches 2' in warning
    lines = said(
        hed("Sensory-event, (Human-agent, Female, (Speak, Sentence))"),
        "Sensory-event && Female && Sentence",
    )
    assert '--hed a="Sensory-event AND Female AND Sentence" matches 1' in lines[1]
    rows = hed("Sensory-event, Female, Sentence")
    assert not [
        line
        for line in chosen(rows, "Sensory-event && Female && Sentence").warnings
        if "&&" in line
    ]


def test_a_tag_that_only_other_rows_of_a_reference_could_show_is_not_offered():
    sidecar = {
        "code": {"HED": {"x": "Red, ({more})"}},
        "more": {"HED": {"a": "Label/Smile", "b": "Green"}},
    }
    rows = EventRows(
        "ds/a", {"onset": ("1", "2"), "code": ("x", "n/a"), "more": ("b", "a")}, sidecar
    )
    assert not any("Label/Smile (" in line for line in said(rows, "Label/Smile"))


def test_rows_that_could_not_be_read_are_named_in_a_refusal():
    assert any(
        "brackets of their HED have no partners" in line and "(first: row 0 of ds" in line
        for line in said(hed("Red, (Blue", "White"), "Blue")
    )


def test_every_label_must_match():
    with pytest.raises(NoMatchError, match=r'--hed b="Blue" matches no event'):
        chosen(table((1, "red")), "Red", "Blue")


def test_a_mapping_is_shown_as_a_query():
    lines = said(table((1, "red")), {"all": ["Red", "Blue"], "none": ["Green"]})
    assert '--hed a="Red AND Blue AND NOT Green" matches no event' in lines[0]
    assert "Blue is a HED tag" in lines[1]


def test_an_unknown_word_is_compared_with_the_schema_too():
    assert any(
        "HED tags that look alike:" in line and "Sensory-event" in line
        for line in said(table((1, "press")), "Sensry-evnt")
    )


def test_likeness_finds_the_parts_of_a_word_in_any_order():
    assert (
        likeness("Eyes-closed", "Label/now-close-your-eyes")
        > likeness("Eyes-closed", "Label/now-open-your-eyes")
        > 0.65
    )
    assert likeness("Eyes-closed", "Sensory-event") < 0.5
    assert likeness("", "Red") == 0


@pytest.mark.parametrize(
    ("tag", "query"),
    [
        ("Red", "Red"),
        ("Frequency/550 Hz", "Frequency/550*"),
        ("Label/née", "Label/n*"),
        ("sc:Sleep", "Sleep"),
    ],
)
def test_what_is_pasted_can_be_written(tag, query):
    assert to_paste(tag) == query


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (
            {"onset": ("n/a", "n/a")},
            "2 rows were skipped: their onset is not a number (first: row 0 of ds/x).",
        ),
        (
            {},
            "1 recordings have an events.tsv without an onset column; nothing in them can be selected (first: ds/x).",
        ),
    ],
)
def test_rows_that_were_not_searched_are_the_reason_and_the_same_query_is_not_suggested(
    columns, reason
):
    with pytest.raises(NoMatchError) as refused:
        chosen(EventRows("ds/x", columns | {"code": ("red", "red")}, SIDECAR), "Red")
    said = str(refused.value)
    assert "Red is in use (2 rows), but not in a row that could be searched." in said
    assert reason in said
    assert "Try:" not in said


def test_tags_that_lack_the_prefix_of_the_version_are_told():
    with pytest.raises(
        NoMatchError, match=r"Red is in use, but not as a tag of the HED version \(sc:8.3.0\)"
    ):
        select([table((1, "red"))], config("Red"), hed_versions={"ds": "sc:8.3.0"}, sliding=False)
