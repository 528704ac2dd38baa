"""A store of datasets exported from EEGLAB equals EEG.data to the bit, with all event fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest
from eeglab.octave import HERE, run_cases
from exported_data import convert_as_is, expected_events, read_samples

import bids_dl
from bids_dl.exporting.export import export_store

SFREQ = 128.0
N_CHANS = 7  # of made_up.m, the last is EOG
EPOCH_TIMES = 96  # samples of an epoch of export_folders.m
N_STUDY = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("exported")


@pytest.fixture(scope="module")
def cases(folder) -> Mapping[str, Mapping[str, Any]]:
    script = HERE / "datasets" / "export_folders.m"
    emitted = run_cases(script, paths=[HERE / "datasets"], environment={"CASES": str(folder)})
    return {case["case"]: case for case in emitted}


def test_windows_of_continuous_data_equal_the_samples_of_eeglab(cases, folder, tmp_path):
    case = cases["continuous"]
    data = read_samples(folder / "continuous.f32", N_CHANS, 1280)[0, : N_CHANS - 1]
    store = convert_as_is(
        folder / "continuous", tmp_path / "s.zarr", event="type", tmin=-0.25, tmax=0.5
    )
    kept = expected_events(case, 32, 64, 1280)
    table = store.table
    assert [case["types"][number] for number in kept] == list(table["label"])
    assert [case["latencies"][number] for number in kept] == pytest.approx(
        table["event_onset"] * SFREQ + 1, abs=1e-9
    )
    differences = []
    for number, signals in zip(kept, store.to_numpy(), strict=True):
        start = int(np.floor(case["latencies"][number] - 1 + 0.5)) - 32
        differences.append(np.abs(signals - data[:, start : start + 96]).max())
    assert 0 < len(kept) < sum(name != "boundary" for name in case["types"])
    assert max(differences) == 0.0


def test_windows_over_a_cut_are_counted(cases, folder):
    case = cases["continuous"]
    plan = bids_dl.events(folder / "continuous", event="type", tmin=-0.25, tmax=0.5)
    kept = expected_events(case, 32, 64, 1280)
    wanted = sum(name != "boundary" for name in case["types"])
    dropped = Counter()
    for window in plan.dropped:
        dropped[window.option] += 1
    assert sum(dropped.values()) == wanted - len(kept)
    assert dropped["boundary"] > 0


def test_every_field_of_an_event_is_a_column_of_the_store(cases, folder, tmp_path):
    store = convert_as_is(
        folder / "continuous", tmp_path / "s.zarr", event="type", tmin=0, tmax=0.0625
    )
    rows = store.table.set_index("urevent")
    assert rows.loc[2, "note"] == "a b c"
    assert rows.loc[3, "note"] == '"quoted" text'
    assert rows.loc[7, "note"].strip() == "plain"
    assert rows.loc[2, "level"] == 0.1
    assert rows.loc[3, "level"] == pytest.approx(np.pi, abs=1e-14)
    assert rows.loc[7, "level"] == 1
    assert rows.loc[7, "onset_field"] == 3.25
    assert rows.loc[5, "event_duration"] == 0.5
    assert np.isnan(rows.loc[3, "event_duration"])
    assert rows.loc[5, "type"] == "é"


def test_a_field_with_a_matrix_is_named_in_a_warning(cases):
    assert [text.rpartition(": ")[2] for text in cases["continuous"]["warnings"]] == ["matrix"]


def test_writing_the_same_datasets_again_keeps_the_folder(cases):
    assert cases["continuous"]["written"] == [True, False]


def test_the_windows_of_epochs_are_the_epochs(cases, folder, tmp_path):
    case = cases["epoched"]
    data = read_samples(folder / "epoched.f32", N_CHANS, EPOCH_TIMES)[:, : N_CHANS - 1]
    tmin, tmax = case["span"]
    store = convert_as_is(
        folder / "epoched", tmp_path / "s.zarr", event="type", tmin=tmin, tmax=tmax
    )
    assert list(store.table["label"]) == case["types"]
    assert np.abs(store.to_numpy() - data).max() == 0.0
    assert list(store.table["epoch"]) == list(range(1, 10))


def test_sessions_and_runs_of_two_people_are_told_apart(cases, folder, tmp_path):
    store = convert_as_is(
        folder / "study",
        tmp_path / "s.zarr",
        event="square=type==square",
        tmin=-1,
        tmax=1,
    )
    table = store.table
    assert list(table["subject"]) == ["S01"] * 4 + ["S02"] * 4
    assert list(table["session"]) == ["1", "1", "2", "2"] * 2
    assert list(table["run"]) == ["1", "2"] * 4
    assert list(table["Age"]) == [20] * 4 + [21] * 4
    assert set(table["task"]) == {"Lookatit"}
    signals = store.to_numpy()
    for number in range(N_STUDY):
        data = read_samples(folder / f"study-{number + 1}.f32", N_CHANS, 512)[0, : N_CHANS - 1]
        assert np.array_equal(signals[number], data[:, 71:327])
    assert cases["study"]["still_on_disk"]


def test_types_that_are_numbers_can_be_selected(cases, folder, tmp_path):
    store = convert_as_is(
        folder / "numeric", tmp_path / "s.zarr", event="one=type==1", tmin=0, tmax=0.5
    )
    data = read_samples(folder / "numeric.f32", 4, 1280)[0, :3]
    assert store.channels == ("Fp1", "Fp2", "Cz")
    assert np.array_equal(store.to_numpy()[0], data[:, 99:163])
    assert len(store) == 2


def test_mne_reads_the_events_of_the_set_file_at_their_latencies(cases, folder):
    case = cases["continuous"]
    file = folder / "continuous" / case["sets"][0]
    raw = mne.io.read_raw_eeglab(file, verbose="error")
    assert list(raw.annotations.description) == case["types"]
    within = np.clip(case["latencies"], 1, None)  # MNE has no time before the first sample
    assert raw.annotations.onset * SFREQ + 1 == pytest.approx(within, abs=1e-3)
    assert raw.get_data("eeg").shape == (N_CHANS - 1, 1280)


def test_equal_datasets_give_equal_bytes(cases, folder):
    header = (folder / "epoched" / cases["epoched"]["sets"][0]).read_bytes()[:116]
    assert header == b"MATLAB 5.0 MAT-file".ljust(116)


@pytest.mark.parametrize(("name", "n_windows"), [("continuous", 5), ("epoched", 9)])
def test_windows_come_back_to_eeglab_as_they_left_it(cases, folder, tmp_path, name, n_windows):
    tmin, tmax = cases["epoched"]["span"]
    hed = {"1-back": "Label/1-back", "end": "Press", "é": "Red"}
    store = convert_as_is(folder / name, tmp_path / "s.zarr", hed=hed, tmin=tmin, tmax=tmax)
    back = export_store(store, tmp_path / "back.set")
    environment = {"SET": str(back), "TRUTH": str(folder / f"{name}.mat")}
    (case,) = run_cases(HERE / "datasets" / "compare_windows.m", environment=environment)
    assert case["difference"] == 0.0
    assert case["shift"] < 1e-9
    assert case["unequal"] == []
    assert case["n_windows"] == n_windows


def test_mne_reads_the_windows_that_come_back(cases, folder, tmp_path):
    tmin, tmax = cases["epoched"]["span"]
    store = convert_as_is(
        folder / "epoched", tmp_path / "s.zarr", event="type", tmin=tmin, tmax=tmax
    )
    back = export_store(store, tmp_path / "back.set")
    epochs = mne.read_epochs_eeglab(back, verbose="error")
    data = read_samples(folder / "epoched.f32", N_CHANS, EPOCH_TIMES)[:, : N_CHANS - 1]
    names = {number: name for name, number in epochs.event_id.items()}
    assert [names[number] for number in epochs.events[:, 2]] == cases["epoched"]["types"]
    assert np.abs(epochs.get_data(units="uV") - data).max() < 1e-10
    positions = epochs.get_montage().get_positions()["ch_pos"]
    stored = dict(zip(store.channels, store.read("channel_position"), strict=True))
    assert {name: pytest.approx(stored[name], abs=1e-9) for name in stored} == positions
