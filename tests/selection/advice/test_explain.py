"""Errors and warnings for queries that match nothing, or less than intended."""

from __future__ import annotations

import pytest
from event_tables import event_ends, event_rows, hed_rows, select_events

from bids_dl import source
from bids_dl.config.stages import EventsConfig, LabelConfig, SourceConfig
from bids_dl.errors import NoMatchError, QueryError
from bids_dl.selection import select

CHAIN = "Sensory-event && Female && Sentence"
NESTED = "Sensory-event, (Human-agent, Female, (Speak, Sentence))"
FLAT = "Sensory-event, Female, Sentence"


def refusal(table, query, **options):
    """Return the lines of the error of a query that matches nothing."""
    with pytest.raises(NoMatchError) as caught:
        select_events(table, query, **options)
    return str(caught.value).splitlines()


def warnings_with(text, table, query, **options):
    return [line for line in select_events(table, query, **options).warnings if text in line]


def test_the_message_of_the_healthy_brain_network(shared):
    dataset = source.open_dataset(str(shared / "hed-metadata/ds005505"))
    recordings = source.find_recordings(dataset, SourceConfig(task=("RestingState",)))
    tables = [source.read_event_rows(dataset, recording) for recording in recordings]
    config = EventsConfig(labels=(LabelConfig("Eyes-closed", "Eyes-closed"),))
    versions = {dataset.name: dataset.hed_version}
    with pytest.raises(NoMatchError) as caught:
        select(tables, config, hed_versions=versions, sliding=False)
    n_recordings = len(tables)
    assert str(caught.value).splitlines() == [
        f'--hed "Eyes-closed" matches no event in {n_recordings} recordings of ds005505.',
        "  Eyes-closed is a HED tag (Property/Agent-property/Agent-state/Agent-postural-state), "
        "but no event here uses it or a child of it.",
        f"  Similar tags in use:  Label/now-close-your-eyes ({5 * n_recordings} events)   "
        f"Label/now-open-your-eyes ({6 * n_recordings} events)",
        '  Try:  --hed eyes_closed="Label/now-close-your-eyes" --until "Label/now-open-your-eyes"',
    ]


@pytest.mark.parametrize("query", ["Red || Redd", "@Redd", "Red AND NOT Redd", "Redd*"])
def test_an_unknown_word_is_refused_anywhere_in_a_query(query):
    with pytest.raises(QueryError, match=r"Redd\*? is not a HED tag"):
        select_events(event_rows((1, "red")), query)


def test_the_words_of_other_options_are_checked_too():
    table = event_rows((1, "red"))
    with pytest.raises(QueryError, match=r"--exclude .*Redd"):
        select_events(table, "Red", exclude=("Redd",))
    assert select_events(table, "Red", exclude=("Def/Bad-trial", "Data-artifact")).events


def test_a_star_that_is_not_at_the_end_causes_a_warning():
    assert warnings_with("hedtools reads *red as red*", event_rows((1, "red")), "*red")
    with pytest.raises(QueryError, match=r"reads \*ed as ed\*: \*ed is not a HED tag"):
        select_events(event_rows((1, "red")), "*ed")


def test_every_label_must_match():
    with pytest.raises(NoMatchError, match=r'--hed b="Blue" matches no event'):
        select_events(event_rows((1, "red")), "Red", "Blue")


def test_a_mapping_is_shown_as_a_query():
    query = {"all": ["Red", "Blue"], "none": ["Green"]}
    lines = refusal(event_rows((1, "red")), query)
    assert '--hed a="Red AND Blue AND NOT Green" matches no event' in lines[0]
    assert "Blue is a HED tag" in lines[1]


def test_words_that_never_meet_are_shown_with_their_counts():
    lines = refusal(hed_rows("(Red, Square), (Blue, Circle)", "Red"), "{Red && Blue}")
    reason = "Each of its words matches events here (Red 2, Blue 1), but not together as asked."
    assert reason in lines[1]
    assert '--hed a="Red AND Blue", which matches 1' in lines[2]


def test_a_chain_that_matches_fewer_events_than_and_causes_a_warning():
    [warning] = warnings_with("&&", hed_rows(NESTED, FLAT), CHAIN)
    assert "matches 1 event:" in warning
    assert '--hed a="Sensory-event AND Female AND Sentence" matches 2' in warning
    assert not warnings_with("&&", hed_rows(FLAT), CHAIN)


def test_a_chain_that_matches_nothing_is_refused_with_the_query_that_does():
    lines = refusal(hed_rows(NESTED), CHAIN)
    assert '--hed a="Sensory-event AND Female AND Sentence" matches 1' in lines[1]


def test_an_until_that_matches_nothing_causes_a_warning():
    selection = select_events(event_rows((1, "red")), "Red", until="Press")
    assert event_ends(selection) == [(1, None, "until")]
    warning = '--until "Press" matches no event: the blocks of a extend to the end of the recording'
    assert warning in selection.warnings


def test_a_state_that_never_holds_is_refused_with_the_number_of_matching_rows():
    message = r'--during "Press" matches 1 row, but it never holds as a state: .*Onset .*Offset'
    with pytest.raises(NoMatchError, match=message):
        select_events(event_rows((1, "red"), (2, "press")), "Red", during="Press")


def test_an_around_that_matches_nothing_is_refused():
    message = r'--around "Def/Acc" matches no row in 1 recording of ds: no event is near a match'
    with pytest.raises(NoMatchError, match=message):
        select_events(event_rows((1, "red")), "Red", around=("Def/Acc", 30))


@pytest.mark.parametrize(
    ("queries", "options", "reason"),
    [
        (("Red", "Sensory-event"), {"overlap": "first"}, "none is left: --overlap first drops 1"),
        (("Red",), {"exclude": ("Sensory-event",)}, "none is left: --exclude drops 1"),
    ],
)
def test_a_label_without_any_event_left_is_refused_with_the_options(queries, options, reason):
    with pytest.raises(NoMatchError, match=reason):
        select_events(event_rows((1, "red")), *queries, **options)
