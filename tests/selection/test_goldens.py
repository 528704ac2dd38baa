"""Expected matches of queries in real datasets: goldens.json says for each how it was counted without HED."""

from __future__ import annotations

import json
import re

import pytest

from bids_dl import source, windows
from bids_dl.config import parsing
from bids_dl.errors import RequestError
from bids_dl.selection import blocks, parse, select

NEAR = 1e-3  # s


def cases(shared):
    found = json.loads((shared / "hed-metadata/goldens.json").read_text(encoding="utf-8"))["cases"]
    return [case for case in found if case["kind"] != "state" and "/func/" not in case["recording"]]


def asked(case):
    """The options of a case."""
    query = case["query"]
    if case["kind"] == "until":
        return {"hed": {"x": query[0]}, "until": query[1]}
    if case["kind"] == "windows":
        given = {name: query[name] for name in ("until", "trim", "within") if name in query}
        return {
            "hed": {"x": query["query"]},
            "window": query["size"],
            "stride": query["stride"],
            **given,
        }
    return {"hed": {"x": query}}


def tables_of(dataset, recording):
    entities = dict(re.findall(r"(sub|ses|task|run)-([A-Za-z0-9]+)", recording.rpartition("/")[2]))
    names = {"sub": "subject", "ses": "session", "task": "task", "run": "run"}
    which = parsing.source_config({names[key]: [value] for key, value in entities.items()})
    return [
        source.read_rows(dataset, found)
        for found in source.find_recordings(dataset, which)
        if found.events
    ]


def near(got, want):
    return got == want or (got is not None and want is not None and abs(got - want) < NEAR)


def check(case, shared):
    dataset = source.open_dataset(str(shared / "hed-metadata" / case["dataset"]))
    given = asked(case)
    config, how = (
        parsing.events_config(given),
        parsing.windows_config({k: v for k, v in given.items() if k in ("window", "stride")}),
    )
    parse(config)
    tables = tables_of(dataset, case["recording"])
    selection = select(
        tables, config, hed_versions={dataset.name: dataset.hed_version}, sliding=how.sliding
    )
    if case["kind"] == "windows":
        stretches = blocks(selection, config, {table.recording: None for table in tables}).blocks
        found = windows.cut(selection.events, stretches, how, {}).windows
        assert len(found) == case["expected_count"]
        assert all(
            near(w.onset, start)
            for w, (start, _) in zip(found, case["expected_intervals"], strict=False)
        )
        return
    events = selection.events
    assert len(events) == case["expected_count"]
    assert all(
        near(event.onset, onset)
        for event, onset in zip(events, case["expected_first_onsets"], strict=False)
    )
    assert (
        not case.get("expected_first_rows")
        or [event.row for event in events[:5]] == case["expected_first_rows"]
    )
    for event, (start, end) in zip(events, case.get("expected_intervals", []), strict=False):
        assert near(event.onset, start)
        assert near(event.end, end)
    if "expected_open_ended" in case:
        assert [event.end for event in events].count(None) == case["expected_open_ended"]


def test_every_golden_case_agrees(shared):
    wrong = {}
    for case in cases(shared):
        try:
            if case["kind"] == "query-error" or case["expected_count"] == 0:
                with pytest.raises(RequestError):
                    check(case, shared)
            else:
                check(case, shared)
        except (AssertionError, pytest.fail.Exception) as problem:
            wrong[case["id"]] = str(problem)[:200]
    assert not wrong


def test_the_goldens_are_not_empty(shared):
    assert len(cases(shared)) > 50
