"""Expected matches in real datasets. goldens.json says for each how it was counted without HED."""

from __future__ import annotations

import json
import re

import pytest

from bids_dl import source, windows
from bids_dl.config import parsing
from bids_dl.errors import RequestError
from bids_dl.selection import parse_queries, plan_blocks, select

TOLERANCE = 1e-3  # s
ENTITIES = {"sub": "subject", "ses": "session", "task": "task", "run": "run"}


def read_cases(shared):
    """Return the cases that this package supports: events of EEG."""
    goldens = json.loads((shared / "hed-metadata/goldens.json").read_text(encoding="utf-8"))
    return [
        case
        for case in goldens["cases"]
        if case["kind"] != "state" and "/func/" not in case["recording"]
    ]


def options_of(case):
    """Return the options of a case."""
    query = case["query"]
    if case["kind"] == "until":
        return {"hed": {"x": query[0]}, "until": query[1]}
    if case["kind"] == "windows":
        options = {name: query[name] for name in ("until", "trim", "within") if name in query}
        return {
            "hed": {"x": query["query"]},
            "window": query["size"],
            "stride": query["stride"],
            **options,
        }
    return {"hed": {"x": query}}


def read_tables(dataset, recording):
    """Return the tables of a recording, given by the entities in its name."""
    name = recording.rpartition("/")[2]
    entities = re.findall(r"(sub|ses|task|run)-([A-Za-z0-9]+)", name)
    config = parsing.parse_source({ENTITIES[key]: [value] for key, value in entities})
    recordings = source.find_recordings(dataset, config)
    return [source.read_event_rows(dataset, item) for item in recordings if item.events]


def is_near(time, expected):
    if time is None or expected is None:
        return time is expected
    return abs(time - expected) < TOLERANCE


def check(case, shared):
    """Assert that a case agrees."""
    dataset = source.open_dataset(str(shared / "hed-metadata" / case["dataset"]))
    options = options_of(case)
    config = parsing.parse_events(options)
    windows_config = parsing.parse_windows(
        {name: options[name] for name in ("window", "stride") if name in options}
    )
    parse_queries(config)
    tables = read_tables(dataset, case["recording"])
    versions = {dataset.name: dataset.hed_version}
    selection = select(tables, config, hed_versions=versions, sliding=windows_config.sliding)
    if case["kind"] == "windows":
        lengths = {table.recording: None for table in tables}
        blocks = plan_blocks(selection, config, lengths).blocks
        plan = windows.plan_windows(selection.events, blocks, windows_config, {})
        check_windows(case, plan.windows)
    else:
        check_events(case, selection.events)


def check_windows(case, planned):
    assert len(planned) == case["expected_count"]
    for window, (onset, _) in zip(planned, case["expected_intervals"], strict=False):
        assert is_near(window.onset, onset)


def check_events(case, events):
    assert len(events) == case["expected_count"]
    for event, onset in zip(events, case["expected_first_onsets"], strict=False):
        assert is_near(event.onset, onset)
    if rows := case.get("expected_first_rows"):
        assert [event.row for event in events[:5]] == rows
    for event, (onset, end) in zip(events, case.get("expected_intervals", []), strict=False):
        assert is_near(event.onset, onset)
        assert is_near(event.end, end)
    if "expected_open_ended" in case:
        assert [event.end for event in events].count(None) == case["expected_open_ended"]


def test_every_golden_case_agrees(shared):
    problems = {}
    for case in read_cases(shared):
        try:
            if case["kind"] == "query-error" or case["expected_count"] == 0:
                with pytest.raises(RequestError):
                    check(case, shared)
            else:
                check(case, shared)
        except (AssertionError, pytest.fail.Exception) as problem:
            problems[case["id"]] = str(problem)[:200]
    assert not problems


def test_there_are_many_golden_cases(shared):
    assert len(read_cases(shared)) > 50
