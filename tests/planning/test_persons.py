"""Splits of the persons of a plan, stratified by a column of participants.tsv."""

from __future__ import annotations

from collections import Counter

import pytest

from bids_dl.config.stages import SplitsConfig
from bids_dl.datamodel import Recording
from bids_dl.errors import ConfigError, TargetError
from bids_dl.planning.persons import assign_persons
from bids_dl.source import Participants

SUBJECTS = [f"{i:02}" for i in range(20)]
RECORDINGS = [
    Recording("ds", f"sub-{subject}/eeg/sub-{subject}_task-x", subject, "", "x", "", "eeg")
    for subject in SUBJECTS
]


def people(sexes: list[str]) -> dict[str, Participants]:
    rows = {subject: {"sex": sex} for subject, sex in zip(SUBJECTS, sexes, strict=False)}
    return {"ds": Participants(rows, ("sex",), {})}


def test_each_split_has_the_same_share_of_every_value():
    config = SplitsConfig(split=(0.5, 0.25, 0.25), stratify="sex")
    split_of, warnings = assign_persons(RECORDINGS, people(["F"] * 12 + ["M"] * 8), config)
    counts = Counter((split, int(subject) < 12) for (_, subject), split in split_of.items())
    assert counts == {
        ("train", True): 6,
        ("validation", True): 3,
        ("test", True): 3,
        ("train", False): 4,
        ("validation", False): 2,
        ("test", False): 2,
    }
    assert warnings == []


def test_groups_smaller_than_the_number_of_splits_are_said():
    config = SplitsConfig(stratify="sex")
    _, warnings = assign_persons(RECORDINGS, people(["F"] * 18), config)
    [line] = warnings
    assert line.startswith("--stratify sex: 1 of 2 groups with fewer people than the 3 parts")
    assert line.endswith("n/a (2)")


@pytest.mark.parametrize(
    ("participants", "message"),
    [
        (
            people(["F"] * 20),
            r"--stratify sxe: ds/participants\.tsv has no such column; use one of sex",
        ),
        ({"ds": Participants({}, (), {})}, r"--stratify sxe: .* it has no columns"),
    ],
)
def test_an_unknown_column_is_refused(participants, message):
    with pytest.raises(TargetError, match=message):
        assign_persons(RECORDINGS, participants, SplitsConfig(stratify="sxe"))


def test_a_column_without_values_is_refused():
    with pytest.raises(TargetError, match=r"--stratify sex: no person has a value in ds/part"):
        assign_persons(RECORDINGS, people(["n/a"] * 20), SplitsConfig(stratify="sex"))


def test_stratifying_splits_that_a_column_names_is_refused():
    from bids_dl.config.parsing import parse_request

    with pytest.raises(ConfigError, match="--stratify sex balances random splits, but --split s"):
        parse_request({"hed": "Red", "split": "site", "stratify": "sex"})
