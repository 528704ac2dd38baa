"""Counts of what a request selects and leaves out."""

from __future__ import annotations

from text_dataset import survey_rows

from bids_dl.planning.summary import count_dropped, count_per_label, count_per_person

ROWS = [
    (0.0, "red", 10.0),
    (10.0, "blue", 10.0),
    (20.0, "red", 10.0),
    (25.0, "bad", 0.0),
    (30.0, "red", 10.0),
    (30.0, "bad", 0.0),
]
HED = ["a=Red", "b=Blue"]


def test_events_and_windows_are_counted_per_label_and_per_person():
    survey = survey_rows(ROWS, 60.0, {"hed": HED, "window": 4, "exclude": "Data-artifact"})
    assert count_per_label(survey) == {
        "a": {"recordings": 1, "events": 3, "windows": 6, "open": 0},
        "b": {"recordings": 1, "events": 1, "windows": 2, "open": 0},
    }
    assert count_per_person(survey) == {
        ("ds", "1"): {"a": {"events": 3, "windows": 6}, "b": {"events": 1, "windows": 2}}
    }
    assert count_dropped(survey) == {}


def test_without_windows_events_without_an_end_are_open():
    survey = survey_rows([(0.0, "red", 0.0), (4.0, "red", 0.0)], None, {"hed": "a=Red"})
    counts = count_per_label(survey)["a"]
    assert (counts["events"], counts["windows"]) == (2, 0)
    assert counts["open"] == sum(event.end is None for event in survey.events)


def test_dropped_items_are_counted_per_label_and_option():
    options = {"exclude": ["a=Data-artifact"], "min_duration": "b=20"}
    survey = survey_rows(ROWS, 60.0, {"hed": HED, "tmin": 0, "tmax": 6, **options})
    assert count_dropped(survey) == {"a": {"window: exclude": 1}, "b": {"block: min-duration": 1}}
