"""A window is left out exactly if a cut lies in it, wherever the cut is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from eeglab.octave import HERE, run_cases
from exported_data import convert_as_is

import bids_dl
from bids_dl.exporting.export import export_store
from bids_dl.testing import make_dataset

SFREQ = 128
BEFORE = 4
AFTER = 8
SPAN = {"tmin": -BEFORE / SFREQ, "tmax": AFTER / SFREQ}
N_NUMERIC = 26  # number of the run whose types are numbers


@pytest.mark.slow
def test_a_cut_at_every_place_around_an_event(tmp_path):
    script = HERE / "datasets" / "export_cuts.m"
    (case,) = run_cases(
        script, paths=[HERE / "datasets"], environment={"CASES": str(tmp_path), "SET": ""}
    )
    expected = set()
    for run, (latency, cut) in enumerate(zip(case["latencies"], case["cuts"], strict=True), 1):
        start = math.floor(latency - 1 + 0.5) - BEFORE
        first_after = math.ceil(cut - 1)
        if not start < first_after < start + BEFORE + AFTER:
            expected.add(str(run))
    source = tmp_path / "cuts"
    kept = set()
    store = convert_as_is(source, tmp_path / "a.zarr", event=["type==go", "type==7"], **SPAN)
    kept.update(store.table["run"])
    dropped = bids_dl.events(source, event=["type==go", "type==7"], **SPAN).dropped
    assert kept == expected
    assert {window.option for window in dropped} == {"boundary"}
    assert len(dropped) == N_NUMERIC - len(expected)


def test_windows_of_a_store_can_be_exported_again(tmp_path):
    source = make_dataset(tmp_path / "rest", n_subjects=2).root
    hed = {"open": "Eyes-open", "closed": "Eyes-closed"}
    store = convert_as_is(source, tmp_path / "a.zarr", hed=hed, window=2)
    back = export_store(store, tmp_path / "back.set")
    environment = {"CASES": str(tmp_path), "SET": str(back)}
    script = HERE / "datasets" / "export_cuts.m"
    case = run_cases(script, paths=[HERE / "datasets"], environment=environment)[1]
    tmin, tmax = case["span"]
    again = convert_as_is(
        tmp_path / "second", tmp_path / "b.zarr", event="type", tmin=tmin, tmax=tmax
    )
    assert np.array_equal(again.to_numpy(), store.to_numpy())
    assert list(again.table["label"]) == list(store.table["label"])
    assert list(again.table["event_recording"]) == list(store.table["recording"])
