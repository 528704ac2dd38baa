"""Tags in use, and their similarity to a word."""

from __future__ import annotations

import pytest
from event_tables import event_rows, hed_rows

from bids_dl.config.stages import EventsConfig, LabelConfig
from bids_dl.selection.advice.issues import IssueCounter
from bids_dl.selection.advice.vocabulary import (
    MIN_SIMILARITY,
    read_vocabulary,
    similarity,
    writable,
)
from bids_dl.selection.tables.annotated_tables import load_annotations


def vocabulary(*tables):
    config = EventsConfig(labels=(LabelConfig("a", "Red"),))
    return read_vocabulary(load_annotations(tables, config, {"ds": "8.3.0"}, IssueCounter()))


def test_tags_are_counted_by_rows_and_by_the_content_of_definitions():
    words = vocabulary(event_rows((1, "red"), (2, "blue"), (3, "red"), (4, "on"), (5, "off")))
    assert words.n_rows["Sensory-event"] == 3
    assert words.n_rows["Def/Task-a"] == 1
    assert words.n_rows["Fixate"] == 1
    assert {"task-a", "acc"} <= words.definitions
    assert words.ranked()[:2] == ["Sensory-event", "Red"]


def test_tags_are_found_by_value_and_by_start():
    words = vocabulary(hed_rows("Label/Eyes-shut, Red", "Label/Eyes-open", "Label/Eyes-open"))
    assert words.with_value("eyes-shut") == ["Label/Eyes-shut"]
    assert words.starting_with("eyes") == ["Label/Eyes-open", "Label/Eyes-shut"]
    assert words.most_similar("closed-eyes-shut", 2) == ["Label/Eyes-shut"]
    assert (
        words.with_counts(["Label/Eyes-open", "Red"])
        == "Label/Eyes-open (2 events)   Red (1 event)"
    )


def test_similarity_finds_the_parts_of_a_word_in_any_order():
    closed = similarity("Eyes-closed", "Label/now-close-your-eyes")
    opened = similarity("Eyes-closed", "Label/now-open-your-eyes")
    assert closed > opened > 0.65
    assert similarity("Eyes-closed", "Sensory-event") < 0.5
    assert similarity("", "Red") == 0


@pytest.mark.parametrize(
    ("tag", "query"),
    [
        ("Red", "Red"),
        ("Frequency/550 Hz", "Frequency/550*"),
        ("Label/née", "Label/n*"),
        ("sc:Sleep", "Sleep"),
    ],
)
def test_a_tag_is_written_as_a_query_can_contain_it(tag, query):
    assert writable(tag) == query


def test_words_that_begin_differently_are_not_similar():
    assert similarity("Letter", "Center-of") < MIN_SIMILARITY < similarity("Lettr", "Letter")
