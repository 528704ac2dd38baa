"""Downloads that are not BIDS, in their published shape, laid out, converted and read back."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

import bids_dl
from bids_dl.errors import EventError

EXAMPLES = Path(__file__).parents[2] / "examples"
RESOLUTION = 0.05  # µV, below which samples of a store are equal


class LaidOut(NamedTuple):
    """A dataset that a script wrote from a download, and the result of the script."""

    download: Path
    bids: Path
    status: int
    printed: str
    errors: list[str]


def lay_out(script: str, download: Path, bids: Path) -> LaidOut:
    result = subprocess.run(
        [sys.executable, str(EXAMPLES / script), str(download), str(bids)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Traceback" not in result.stderr, result.stderr
    errors = result.stderr.splitlines()
    return LaidOut(download, bids, result.returncode, result.stdout, errors)


def convert(dataset: LaidOut, folder: Path, **options):
    """Convert with the class of each row in `trial_type`, and return the store."""
    outcome = bids_dl.convert(
        dataset.bids,
        folder / "made.zarr",
        event="trial_type",
        split=1,
        scheduler="synchronous",
        **options,
    )
    assert not outcome.failures
    return bids_dl.open_store(outcome.url)


# ---------------------------------------------------------------- Sleep-EDF

EDF_CHANNELS = {
    "EEG Fpz-Cz": (100, "uV"),
    "EEG Pz-Oz": (100, "uV"),
    "EOG horizontal": (100, "uV"),
    "Resp oro-nasal": (1, ""),
    "EMG submental": (1, "uV"),
    "Temp rectal": (1, "DegC"),
    "Event marker": (1, ""),
}
SCORED = (
    *(("W", 66), ("1", 1), ("2", 2), ("3", 1), ("4", 2), ("2", 1), ("R", 2), ("W", 3)),
    *(("Movement time", 1), ("2", 1), ("W", 70), ("?", 20)),
)
"""Scores of a hypnogram with their durations in epochs of 30 s; the last one exceeds the signal."""
N_EPOCHS = 152  # of the signal
STAGES = {"W": "W", "1": "N1", "2": "N2", "3": "N3", "4": "N3", "R": "R"}


def write_hypnogram(file: Path, scores=SCORED) -> None:
    edfio = pytest.importorskip("edfio")
    annotations = []
    onset = 0
    for score, n_epochs in scores:
        text = score if score == "Movement time" else f"Sleep stage {score}"
        annotations.append(edfio.EdfAnnotation(onset, 30 * n_epochs, text))
        onset += 30 * n_epochs
    start = edfio.Recording(startdate=datetime.date(1989, 4, 24))
    edfio.Edf([], annotations=annotations, recording=start, starttime=datetime.time(16, 13)).write(
        file
    )


def write_psg(file: Path, n_epochs: int, *, person: str = "Female_33yr") -> None:
    """Write 2 Hz whose amplitude in µV is 20 plus the number of the epoch of 30 s."""
    edfio = pytest.importorskip("edfio")
    signals = []
    for label, (sfreq, unit) in EDF_CHANNELS.items():
        epochs = np.repeat(20.0 + np.arange(n_epochs), 30 * sfreq)
        samples = epochs * np.sin(2 * np.pi * 2 * np.arange(len(epochs)) / sfreq)
        signal = edfio.EdfSignal(
            samples, sfreq, label=label, physical_dimension=unit, physical_range=(-500, 500)
        )
        signals.append(signal)
    patient = edfio.Patient(code="X", sex=person[0], name=person)
    start = edfio.Recording(startdate=datetime.date(1989, 4, 24))
    edfio.Edf(
        signals,
        patient=patient,
        recording=start,
        starttime=datetime.time(16, 13),
        data_record_duration=30,
    ).write(file)


@pytest.fixture(scope="module")
def sleep(tmp_path_factory) -> LaidOut:
    folder = tmp_path_factory.mktemp("sleep")
    write_psg(folder / "SC4001E0-PSG.edf", N_EPOCHS)
    write_hypnogram(folder / "SC4001EC-Hypnogram.edf")
    write_psg(folder / "SC4822G0-PSG.edf", 4, person="Male_60yr")
    write_hypnogram(folder / "SC4822GV-Hypnogram.edf", (("W", 1), ("R", 2), ("?", 9)))
    write_psg(folder / "SC4011E0-PSG.edf", 4)  # without a hypnogram
    write_psg(folder / "SC4012E0-PSG.edf", 4)
    write_hypnogram(folder / "SC4012EC-Hypnogram.edf", (("W", 2), ("?", 2)))
    (folder / "SC4021E0-PSG.edf").write_bytes(b"<html>404</html>")
    write_hypnogram(folder / "SC4021EH-Hypnogram.edf")
    return lay_out("layout_sleep_edf.py", folder, folder / "bids")


def test_nights_that_cannot_be_used_are_named_and_the_others_are_written(sleep):
    assert sleep.status == 3
    names = [line.split(" is left out: ")[0] for line in sleep.errors]
    assert names == ["SC4011E0-PSG.edf", "SC4012E0-PSG.edf", "SC4021E0-PSG.edf"]
    assert sleep.errors[0].endswith("no SC4011E?-Hypnogram.edf")
    assert sleep.errors[1].endswith("SC4012EC-Hypnogram.edf has no sleep")
    assert "2 nights of 2 persons, 3 left out" in sleep.printed


def test_age_and_sex_of_sleepers_are_those_of_the_headers(sleep):
    people = pd.read_csv(sleep.bids / "participants.tsv", sep="\t", index_col="participant_id")
    assert people["age"].to_dict() == {"sub-00": 33, "sub-82": 60}
    assert people["sex"].to_dict() == {"sub-00": "F", "sub-82": "M"}


def test_a_night_becomes_windows_of_its_stages_without_the_wake_of_the_day(sleep, tmp_path):
    store = convert(sleep, tmp_path, recipe="chambon2018", window=30)
    table = store.table
    first = (table["subject"] == "00").to_numpy()
    scores = [score for score, n_epochs in SCORED for _ in range(n_epochs)]
    wanted = [
        (30.0 * i, STAGES[scores[i]])
        for i in range(6, 140)  # 60 epochs of wake before and after the sleep from 66 to 80
        if scores[i] in STAGES
    ]
    windows = table[first].sort_values("onset")
    assert list(zip(windows["onset"], windows["label"], strict=True)) == wanted
    assert set(windows["session"]) == {"1"}
    signals = store.read("signals")[first]
    amplitudes = np.sqrt(2) * signals[..., 200:-200].std(axis=-1)
    expected = 20 + table.loc[first, "onset"].to_numpy() / 30
    assert store.channels == ("Fpz-Cz", "Pz-Oz")
    np.testing.assert_allclose(amplitudes, np.stack([expected] * 2, axis=1), rtol=0.01)


# ---------------------------------------------------------------- HMS

ELECTRODES = (
    *("Fp1", "F3", "C3", "P3", "F7", "T3", "T5", "O1", "Fz", "Cz", "Pz"),
    *("Fp2", "F4", "C4", "P4", "F8", "T4", "T6", "O2", "EKG"),
)
VOTES = [f"{name}_vote" for name in ("seizure", "lpd", "gpd", "lrda", "grda", "other")]
LABELS = pd.DataFrame(
    [
        (1628180742, 0, 0.0, 7, 0, 0.0, 11, 42516, "Seizure", 3, 0, 0, 0, 0, 0),
        (1628180742, 1, 6.0, 7, 1, 6.0, 12, 42516, "Seizure", 2, 1, 0, 0, 0, 0),
        (1628180742, 2, 20.0, 7, 2, 20.0, 13, 42516, "LPD", 1, 5, 0, 0, 0, 4),
        (2277392603, 0, 0.0, 8, 0, 0.0, 14, 30539, "GPD", 0, 0, 9, 0, 1, 0),
        (722738444, 0, 0.0, 9, 0, 0.0, 15, 30539, "Other", 0, 0, 0, 0, 0, 1),
        (387987538, 0, 0.0, 9, 0, 0.0, 16, 30539, "Other", 0, 0, 0, 0, 0, 1),
    ],
    columns=[
        *("eeg_id", "eeg_sub_id", "eeg_label_offset_seconds", "spectrogram_id"),
        *("spectrogram_sub_id", "spectrogram_label_offset_seconds", "label_id", "patient_id"),
        *("expert_consensus", *VOTES),
    ],
)
SECONDS = {1628180742: 70, 2277392603: 50, 722738444: 50}  # 387987538 has no file


@pytest.fixture(scope="module")
def hms(tmp_path_factory) -> LaidOut:
    pytest.importorskip("pyarrow", reason="needs bids_dl[parquet]")
    pytest.importorskip("pybv")
    folder = tmp_path_factory.mktemp("hms")
    (folder / "train_eegs").mkdir()
    LABELS.to_csv(folder / "train.csv", index=False)
    random = np.random.default_rng(0)
    for eeg, seconds in SECONDS.items():
        signals = random.normal(0, 30, (200 * seconds, 20)).astype(np.float32)
        if eeg == 1628180742:
            signals[1000:1100] = np.nan
        if eeg == 2277392603:
            signals[:, ELECTRODES.index("F7")] = np.nan
        if eeg == 722738444:
            signals[:] = np.nan
        table = pd.DataFrame(signals, columns=ELECTRODES)
        table.to_parquet(folder / "train_eegs" / f"{eeg}.parquet")
    return lay_out("layout_hms.py", folder, folder / "bids")


def test_recordings_of_votes_that_cannot_be_used_are_named_and_the_others_are_written(hms):
    assert hms.status == 3
    missing, silent = sorted(hms.errors)
    assert missing.startswith("387987538.parquet is left out: no such file in ")
    assert silent == "722738444.parquet is left out: no channel has a sample"
    assert "2 recordings, 2 left out" in hms.printed


def test_each_rated_segment_is_a_window_with_its_votes_and_its_samples(hms, tmp_path):
    store = convert(hms, tmp_path, recipe="hms2024", window=50, overlap="each")
    windows = store.table
    signals = store.read("signals")
    assert sorted(store.channels) == sorted(ELECTRODES)
    order = [store.channels.index(name) for name in ELECTRODES]
    written = LABELS[LABELS["label_id"] <= 14]
    assert len(windows) == len(written)
    for _, row in written.iterrows():
        onset = row["eeg_label_offset_seconds"]
        is_row = (windows["run"] == str(row["eeg_id"])) & (windows["onset"] == onset)
        [position] = np.flatnonzero(is_row)
        window = windows.iloc[position]
        assert window["label"] == row["expert_consensus"]
        assert window["subject"] == str(row["patient_id"])
        assert window[VOTES].tolist() == row[VOTES].tolist()
        file = hms.download / "train_eegs" / f"{row['eeg_id']}.parquet"
        original = pd.read_parquet(file).fillna(0).to_numpy().T
        start = round(200 * onset)
        np.testing.assert_allclose(
            signals[position][order], original[:, start : start + 10_000], atol=RESOLUTION
        )


def test_a_channel_without_samples_is_bad(hms):
    [file] = hms.bids.rglob("*run-2277392603_channels.tsv")
    channels = pd.read_csv(file, sep="\t", index_col="name")
    assert list(channels.index[channels["status"] == "bad"]) == ["F7"]
    assert channels.loc["EKG", "type"] == "ECG"


def test_segments_of_several_labels_that_overlap_need_an_option(hms, tmp_path):
    with pytest.raises(EventError, match=r"(?s)Seizure .* LPD .* overlap each"):
        convert(hms, tmp_path, recipe="hms2024", window=50)


# ---------------------------------------------------------------- Melbourne

N_TIMES = 2_000  # 5 s; a published segment has 240,000
SEQUENCES = {0: (1, 2, 3, 4, 5, 6, 1, 2, 4, 5, 6), 1: (1, 2, 3, 4, 5, 6)}
"""Sequence of each segment of a class: the second interictal hour has lost its third."""
SILENT = {(2, 0): 1.0, (3, 0): 0.7, (4, 0): 0.1}
"""Share of dropouts of a segment, by number and class."""


def write_segment(folder: Path, number: int, kind: int) -> None:
    random = np.random.default_rng((number, kind))
    data = random.normal(0, 40, (N_TIMES, 16)).round().astype(np.float32)
    data[: round(N_TIMES * SILENT.get((number, kind), 0))] = 0
    segment = {
        "data": data,
        "iEEGsamplingRate": 400.0,
        "nSamplesSegment": float(N_TIMES),
        "channelIndices": np.arange(1.0, 17.0),
        "sequence": float(SEQUENCES[kind][number - 1]),
    }
    savemat(folder / f"1_{number}_{kind}.mat", {"dataStruct": segment}, do_compression=True)


@pytest.fixture(scope="module")
def melbourne(tmp_path_factory) -> LaidOut:
    pytest.importorskip("pybv")
    folder = tmp_path_factory.mktemp("melbourne")
    segments = folder / "train_1"
    segments.mkdir()
    for kind, sequences in SEQUENCES.items():
        for number in range(1, len(sequences) + 1):
            write_segment(segments, number, kind)
    (segments / "1_12_0.mat").write_bytes((segments / "1_1_0.mat").read_bytes()[:3000])
    (segments / "1_45.mat").write_bytes(b"")  # of the test data
    return lay_out("layout_melbourne.py", folder, folder / "bids")


def test_segments_that_cannot_be_used_are_named_and_the_others_are_written(melbourne):
    assert melbourne.status == 3
    silent, broken = melbourne.errors
    assert silent == "1_2_0.mat is left out: all samples are dropouts"
    assert broken.startswith("1_12_0.mat is left out: ")
    assert "16 segments, 2 left out" in melbourne.printed


def test_each_segment_is_a_window_with_its_class_and_its_samples(melbourne, tmp_path):
    store = convert(melbourne, tmp_path, recipe="deepsync", window=5)
    windows = store.table
    assert windows["label"].value_counts().to_dict() == {"interictal": 9, "preictal": 6}
    assert "3" not in set(windows.loc[windows["label"] == "interictal", "run"]), "70 % dropouts"
    signals = store.read("signals")
    for position, (label, run) in enumerate(zip(windows["label"], windows["run"], strict=True)):
        kind = ("interictal", "preictal").index(label)
        random = np.random.default_rng((int(run), kind))
        original = random.normal(0, 40, (N_TIMES, 16)).round().T
        start = round(N_TIMES * SILENT.get((int(run), kind), 0))
        np.testing.assert_allclose(
            signals[position][:, start:], original[:, start:], atol=RESOLUTION
        )


def test_no_hour_is_in_two_sessions_even_if_a_segment_is_missing(melbourne):
    sessions = {}
    for file in melbourne.bids.rglob("*_task-interictal_*_ieeg.vhdr"):
        number = int(file.name.split("_run-")[1].split("_")[0])
        sessions[number] = file.name.split("_ses-")[1][0]
    by_number = [sessions[number] for number in sorted(sessions)]
    changes = [first != second for first, second in pairwise(by_number)]
    assert sorted(sessions) == [1, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert changes == [number == 6 for number in sorted(sessions)[:-1]]


# ---------------------------------------------------------------- wrong folders


@pytest.mark.parametrize(
    ("script", "needed"),
    [
        ("layout_sleep_edf.py", "no file SC4*-PSG.edf"),
        ("layout_hms.py", "train.csv"),
        ("layout_melbourne.py", "no file I_J_K.mat"),
    ],
)
def test_a_wrong_folder_is_refused_in_one_line(script, needed, tmp_path):
    result = lay_out(script, tmp_path / "empty", tmp_path / "bids")
    assert result.status == 2
    [line] = result.errors
    assert line.startswith("error: ")
    assert needed in line
    assert not (tmp_path / "bids").exists()
