"""Differences between the plan of a store and a new one."""

from __future__ import annotations

import copy

import pytest

from bids_dl.config.documents import request_to_document
from bids_dl.config.parsing import parse_request
from bids_dl.pipeline.plan_differences import describe_differences, shorten

OPTIONS = {"hed": {"open": "Eyes-open", "closed": "Eyes-closed"}, "window": 2}
STEPS = [{"filter": {"low": 0.5, "high": 45.0}}, {"resample": {"sfreq": 128.0}}]


def identity(steps=STEPS, **options):
    request = request_to_document(parse_request({**OPTIONS, **options}))
    request["preprocess"] = {"name": "default", "steps": copy.deepcopy(steps)}
    return {"request": request, "recordings": {"ds/sub-1": "a", "ds/sub-2": "b"}, "datasets": "c"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"hed": {"open": "Eyes-open"}}, "--hed: the store has open, closed; requested open"),
        (
            {"hed": {"open": "Eyes-open", "closed": "Rest"}},
            "--hed of closed: the store has Eyes-closed; requested Rest",
        ),
        ({"until": "next"}, "--until of open: the store has none; requested next"),
        ({"split": (0.5, 0.5)}, "--split: the store has 0.7, 0.15, 0.15; requested 0.5, 0.5"),
        ({"task": ["rest"]}, "--task: the store has none; requested rest"),
        (
            {"steps": STEPS[:1]},
            "steps of --recipe: the store has filter, resample; requested filter",
        ),
        (
            {"steps": [STEPS[0], {"resample": {"sfreq": 64.0}}]},
            "resample.sfreq of --recipe or --set: the store has 128.0; requested 64.0",
        ),
    ],
)
def test_a_difference_has_the_name_of_its_option_and_both_values(options, expected):
    assert describe_differences(identity(), identity(**options))[0] == expected


def test_a_difference_of_queries_of_columns_names_their_option():
    stored = identity(hed={"a": "x==1", "b": "x==2"})
    line = describe_differences(stored, identity(hed={"a": "x==1"}))[0]
    assert line == "--event: the store has a, b; requested a"
    line = describe_differences(stored, identity(hed={"a": "x==3", "b": "x==2"}))[0]
    assert line == "--event of a: the store has x==1; requested x==3"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"where": ["sex=M"]}, ["--where: the store has sex=F; requested sex=M"]),
        ({"trim": 2}, ["--trim: the store has none; requested 2.0, 2.0"]),
    ],
)
def test_whole_recordings_are_compared_by_option(options, expected):
    whole = {"hed": None, "whole": True, "where": ["sex=F"]}
    assert describe_differences(identity(**whole), identity(**whole | options)) == expected


def test_changed_sources_are_named_if_no_option_differs():
    changed = identity() | {"recordings": {"ds/sub-1": "a", "ds/sub-3": "b"}, "datasets": "d"}
    assert describe_differences(identity(), changed) == [
        "the sources have changed: files of recordings (ds/sub-2, ds/sub-3)",
        "the sources have changed: dataset_description.json",
    ]


def test_options_of_a_later_version_are_compared_as_they_are_stored():
    later = identity()
    later["request"]["windows"]["jitter"] = 1
    assert describe_differences(later, identity()) == [
        "request.windows.jitter (store: 1, now: (absent))"
    ]


def test_equal_plans_have_no_differences():
    assert describe_differences(identity(), identity()) == []


def test_few_differences_are_all_shown():
    assert shorten(["--seed: a", "--window: b"]) == ["--seed: a", "--window: b"]
