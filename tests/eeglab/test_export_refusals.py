"""Datasets that one store can't hold are refused with numbers, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from eeglab.octave import HERE, run_cases

MESSAGES = {
    "no data": "no dataset with samples",
    "rates": "dataset 1 has 128 Hz, 1 of 2 datasets have another rate (dataset 2: 256 Hz)",
    "channels": "dataset 2 has 6 channels, dataset 1 has 7; only in dataset 1: C3",
    "labels": "dataset 1: 1 of 7 channels have no label",
    "repeated": "dataset 1: several channels are labelled C3",
    "size": "EEG.data has 7 1277 1 channels, samples and epochs, its fields say 7 1280 1",
    "complex": "dataset 1 has complex samples",
    "no rate": "dataset 1 has a sampling rate of 0 Hz; enter it in Edit > Dataset info",
    "subjects": "the subjects 'A' and 'A.' (datasets 1 and 2) both become sub-A",
    "stems": "datasets 1 and 2 would both be sub-A_task-eeglab; give them a session",
    "unnamed": "1 of 2 datasets have no subject with a letter or digit (dataset 2)",
    "mixed": "1 of 2 datasets are epoched (dataset 2), the others are continuous",
    "time zero": "no event is at time 0 of its epoch in 2 epochs from 0.1 to",
    "limits": "dataset 2 has epochs from -0.25 s with 95 samples, dataset 1 from -0.25 s with 96",
    "theirs": "exists, and was not written by this plug-in",
    "near": "near.part: exists, and was not written by this plug-in",
}


@pytest.fixture(scope="module")
def cases(tmp_path_factory) -> Mapping[str, Mapping[str, Any]]:
    emitted = run_cases(
        HERE / "datasets" / "export_refusals.m",
        paths=[HERE / "datasets"],
        environment={"CASES": str(tmp_path_factory.mktemp("refused"))},
    )
    return {case["case"]: case for case in emitted}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_refusal_has_numbers_and_writes_nothing(cases, name):
    assert MESSAGES[name] in cases[name]["message"]
    assert not cases[name]["exists"]


def test_a_folder_of_the_plug_in_is_replaced_only_if_asked(cases):
    case = cases["changed"]
    assert "exists with other content" in case["message"]
    assert case["written"]
    assert not case["exists"]


def test_a_part_of_a_study_is_refused(cases):
    assert "the STUDY has 2 datasets, 1 are given" in cases["changed"]["mentions_study"]


def test_what_is_marked_and_not_removed_is_warned_of(cases):
    flagged, rank = cases["flagged"]["warnings"]
    assert "2 components flagged but not removed (2, 5)" in flagged
    assert "the samples have rank 6, below the 7 channels" in rank
    marked, infinite, several = cases["marked"]["warnings"]
    assert "1 epoch of 2 marked but not rejected (2)" in marked
    assert "1 sample with a value that is not finite" in infinite
    assert "1 epoch of 2 with several events at time 0" in several


def test_epochs_without_an_event_at_time_zero_are_counted(cases):
    (warning,) = cases["lacking"]["warnings"]
    assert "1 epoch of 2 without an event at time 0, which give no window (1)" in warning


def test_events_outside_of_the_samples_are_left_out_and_named(cases):
    (warning,) = cases["outside"]["warnings"]
    assert "2 events with latencies outside of the 1280 samples are left out" in warning
    assert warning.endswith("(event 1, 4)")
    assert cases["outside"]["types"] == ["first", "square"]
    assert cases["outside"]["rows"] == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device without space")
def test_a_disk_without_space_is_noticed(cases):
    message = cases["full"]["message"]
    assert message == "/dev/full: only 0 of 3 bytes could be written; is the disk full?"


def test_a_folder_that_could_not_be_finished_is_removed(cases):
    assert "size [2 2] is no text and no number" in cases["halved"]["message"]
    assert not cases["halved"]["left"]
