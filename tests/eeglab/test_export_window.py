"""The window of pop_bidsdl_export, its command in the history, and what it refuses."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eeglab.octave import HERE, run_cases
from exported_data import read_samples

import bids_dl

pytestmark = pytest.mark.slow  # each conversion is a process that imports MNE

N_CHANS = 7
STORE = "typed = it's.zarr"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("windows")


@pytest.fixture(scope="module")
def cases(folder) -> Mapping[str, Mapping[str, Any]]:
    emitted = run_cases(
        HERE / "datasets" / "export_windows.m",
        paths=[HERE / "datasets"],
        environment={"CASES": str(folder), "BIDS_DL_PYTHON": sys.executable},
    )
    return {case["case"]: case for case in emitted}


def test_without_hed_the_window_offers_the_types_of_events(cases):
    case = cases["cancelled"]
    assert case["com"] == ""
    assert case["is_empty"]
    assert (case["by"], case["classes"], case["recipe"]) == (2, "type", "as-is")
    assert (case["kind"], case["first"], case["second"]) == (2, "-0.5", "1")


def test_after_a_mistake_the_window_opens_again_with_what_was_typed(cases):
    case = cases["window"]
    assert case["again"] == "-0.25"
    assert "store to write: the field is empty" in case["dialogs"][0]
    assert case["unchanged"]


def test_the_summary_names_windows_store_and_bids_folder(cases, folder):
    text = cases["window"]["dialogs"][1]
    assert "5 windows from 1 recording of 1 person" in text.replace("\n", " ")
    assert "typed = it's_bids" in text
    assert cases["window"]["outcome"]["bids"] == str(folder / "typed = it's_bids")


def test_the_command_of_the_history_makes_the_same_store(cases, folder):
    assert cases["window"]["com"].startswith("outcome = pop_bidsdl_export(EEG, '")
    stores = [bids_dl.open_store(folder / name) for name in ("window.zarr", "eval.zarr")]
    assert stores[0].attributes["content"] == stores[1].attributes["content"]
    assert list(stores[0].table["label"]) == ["1-back", "end", "1-back", "end", "1-back"]


def test_no_command_of_the_history_tells_eeglab_that_a_dataset_changed(cases):
    for name in ("window", "study"):
        assert "EEG" not in cases[name]["com"].partition("=")[0]


def test_the_epochs_of_a_study_are_the_windows(cases, folder):
    case = cases["study"]
    assert (case["kind"], case["by"], case["n_windows"]) == (3, 1, 6)
    assert "'study', STUDY" in case["com"]
    store = bids_dl.open_store(folder / "study.zarr")
    data = [read_samples(folder / f"study-{number}.f32", N_CHANS, 96) for number in (1, 2)]
    assert np.array_equal(store.to_numpy(), np.concatenate(data)[:, : N_CHANS - 1])
    assert list(store.table["group"]) == ["x"] * 3 + ["y"] * 3
    assert list(store.table["label"]) == ["1-back", "end", "1-back"] * 2


def test_a_request_that_is_refused_leaves_nothing(cases):
    assert '--hed x="Green" matches no event' in cases["refused"]["message"]
    assert not cases["refused"]["left"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wrong 1", "nothing is selected; give 'hed'"),
        ("wrong 2", "options are names and values in turn"),
        ("wrong 3", "no windows; give 'window'"),
        ("address", "s3://bucket/a.zarr is an address; name a BIDS folder on this machine"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_written(cases, name, message):
    assert message in cases[name]["message"]
    assert not cases[name].get("left", False)


def test_without_a_dataset_there_is_a_message_and_no_window(cases):
    assert "no dataset with samples" in cases["no data"]["dialog"]
    assert cases["no data"]["n_windows"] == 0


def test_a_recording_that_fails_is_named_and_the_others_are_in_the_store(cases, folder):
    outcome = cases["failed"]["outcome"]
    assert outcome["failures"]["recording"] == "failed_bids/sub-C/eeg/sub-C_task-eeglab"
    assert "not finite" in outcome["failures"]["reason"]
    (note,) = outcome["notes"]
    assert note.startswith(
        "dataset 3 (sub-C_task-eeglab): 1 sample with a value that is not finite"
    )
    store = bids_dl.open_store(folder / "failed.zarr")
    assert list(store.table["subject"]) == ["A", "B"]
    expected = read_samples(folder / "other order.f32", N_CHANS, 128)[0, : N_CHANS - 1, 32:96]
    assert np.array_equal(store.to_numpy()[1], expected)
