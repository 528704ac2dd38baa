"""EEGLAB's sample recording, cleaned by a real EEGLAB: the store equals EEG.data to the bit.

The environment variable BIDS_DL_EEGLAB names the folder of EEGLAB, with firfilt and dipfit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eeglab.octave import EEGLAB, HERE, run_cases
from exported_data import convert_as_is, expected_events, read_samples

import bids_dl
from bids_dl.exporting.export import export_store

pytestmark = pytest.mark.skipif(not EEGLAB, reason="needs EEGLAB in BIDS_DL_EEGLAB")

N_CHANS = 32
EOG = [1, 5]  # EOG1 and EOG2
SPAN = {"tmin": -0.5, "tmax": 1.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("sample")


@pytest.fixture(scope="module")
def cases(folder) -> Mapping[str, Mapping[str, Any]]:
    script = HERE / "datasets" / "export_sample.m"
    emitted = run_cases(script, paths=[HERE / "datasets"], environment={"CASES": str(folder)})
    return {case["case"]: case for case in emitted}


def test_the_windows_of_cleaned_data_equal_the_samples_of_eeglab(cases, folder, tmp_path):
    case = cases["continuous"]
    data = read_samples(folder / "continuous.f32", N_CHANS, case["pnts"])[0]
    data = np.delete(data, EOG, axis=0)
    store = convert_as_is(folder / "continuous", tmp_path / "s.zarr", event="type", **SPAN)
    kept = expected_events(case, 64, 128, case["pnts"])
    assert list(store.table["label"]) == [case["types"][number] for number in kept]
    for number, signals in zip(kept, store.to_numpy(), strict=True):
        start = int(np.floor(case["latencies"][number] - 1 + 0.5)) - 64
        assert np.array_equal(signals, data[:, start : start + 192])
    plan = bids_dl.events(folder / "continuous", event="type", **SPAN)
    dropped = Counter(window.option for window in plan.dropped)
    assert dropped["boundary"] > 0
    n_events = sum(name != "boundary" for name in case["types"])
    assert sum(dropped.values()) == n_events - len(kept)


def test_the_epochs_of_eeglab_are_the_windows(cases, folder, tmp_path):
    case = cases["epoched"]
    data = np.delete(read_samples(folder / "epoched.f32", N_CHANS, 192), EOG, axis=1)
    tmin, tmax = case["span"]
    store = convert_as_is(
        folder / "epoched", tmp_path / "s.zarr", event="type", tmin=tmin, tmax=tmax
    )
    assert len(store) == case["trials"]
    assert list(store.table["label"]) == case["types"]
    assert np.array_equal(store.to_numpy(), data)


def test_eeglab_reads_the_set_file_as_it_was(cases):
    case = cases["set"]
    assert case["difference"] == 0.0
    assert case["events"]
    assert case["chanlocs"]


def test_eeglab_draws_the_windows_that_come_back(cases, folder, tmp_path):
    store = convert_as_is(folder / "continuous", tmp_path / "s.zarr", event="type", **SPAN)
    export_store(store, tmp_path / "back.set")
    script = (
        f"EEG = pop_loadset('filename', 'back.set', 'filepath', '{tmp_path}');"
        "EEG = eeg_checkset(EEG, 'eventconsistency');"
        "ONE = pop_selectevent(EEG, 'type', 'square', 'deleteevents', 'off', 'deleteepochs', 'on');"
        "emit('back', struct('trials', [EEG.trials ONE.trials], 'types', {{EEG.event.type}}));"
    )
    (case,) = run_cases(script)
    labels = list(store.table["label"])
    assert case["trials"] == [len(labels), labels.count("square")]
    assert case["types"] == labels
