"""Shipped recipes, from source to store, on real recordings."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import bids_dl
from bids_dl.config.stages import PreprocessConfig
from bids_dl.preprocess import load_recipe, recipes
from bids_dl.store.reader import open_store

OLD = [
    "Fp1",
    "F3",
    "C3",
    "P3",
    "F7",
    "T3",
    "T5",
    "O1",
    "Fz",
    "Cz",
    "Pz",
    "Fp2",
    "F4",
    "C4",
    "P4",
    "F8",
    "T4",
    "T6",
    "O2",
]
QUERIES = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}
TRIED = (
    "chambon2018",
    "common",
    "deepsync",
    "default",
    "eeglab",
    "hms2024",
    "to-10-20",
    "truong2021",
)
CLEAN = ("eegprep", "mne_icalabel", "onnxruntime", "picard")


def converted(source, store, recipe, hed, **options):
    """The store and what its recordings.json says of each recording."""
    outcome = bids_dl.convert(str(source), str(store), hed=hed, recipe=recipe, jobs=1, **options)
    assert not outcome.failures
    return open_store(str(store)), json.loads(
        (store / "recordings.json").read_text(encoding="utf-8")
    )


def annotate(folder, rows, hed):
    """Make every recording of a dataset say these events (onset, duration, name), with HED, and no others."""
    description = json.loads((folder / "dataset_description.json").read_text(encoding="utf-8-sig"))
    (folder / "dataset_description.json").write_text(
        json.dumps(description | {"HEDVersion": "8.3.0"})
    )
    for path in folder.rglob("*_events.*"):
        path.unlink()
    for path in [*folder.rglob("sub-*_eeg.json"), *folder.rglob("sub-*_ieeg.json")]:
        stem = str(path).rpartition("_")[0]
        text = "".join(
            "\t".join(map(str, row)) + "\n" for row in [("onset", "duration", "trial_type"), *rows]
        )
        Path(f"{stem}_events.tsv").write_text(text, encoding="utf-8")
        Path(f"{stem}_events.json").write_text(
            json.dumps({"trial_type": {"HED": hed}}), encoding="utf-8"
        )


def test_every_shipped_recipe_is_tried_here():
    assert sorted(name for name, _ in recipes()) == sorted(TRIED)


@pytest.mark.parametrize(
    ("recipe", "n_chans", "sfreq"),
    [("default", 24, 128), ("common", 24, 128), ("to-10-20", 19, 128)],
)
def test_recipes_for_any_eeg_convert_real_eeg(eegbci, tmp_path, recipe, n_chans, sfreq):
    store, made = converted(
        eegbci, tmp_path / "store", recipe, QUERIES, subject="001", window=2, stride=2
    )
    assert store.shape == (60, n_chans, 2 * sfreq)
    assert len(made) == 2
    for recording in made.values():
        assert [step["step"] for step in recording["steps"]] == [
            step.name for step in load_recipe(PreprocessConfig(recipe)).steps
        ]


def test_chambon2018_makes_the_derivations_of_sleep_edf(shared, tmp_path):
    folder = shared / "eegbci"
    store, _ = converted(
        folder, tmp_path / "store", "chambon2018", QUERIES, subject="001", window=30, stride=30
    )
    assert (store.channels, store.sfreq) == (("Fpz-Cz", "Pz-Oz"), 100.0)
    edf = sorted(folder.glob("sub-001/**/*_run-1_eeg.edf"))[0]
    raw = mne.io.read_raw_edf(edf, preload=True, verbose="error").rename_channels(
        lambda name: name.strip(".")
    )
    wanted = mne.set_bipolar_reference(
        raw, ["Fpz", "Pz"], ["Cz", "Oz"], ["Fpz-Cz", "Pz-Oz"], verbose="error"
    ).pick(["Fpz-Cz", "Pz-Oz"])
    wanted.filter(None, 30.0, verbose="error").resample(100, method="polyphase", verbose="error")
    [run] = [
        i
        for i, key in enumerate(store.table["recording"])
        if "run-1" in key and store.table["onset"].iloc[i] < 1
    ]
    assert_allclose(
        store.read("signals")[run], wanted.get_data()[:, :3000] * 1e6, rtol=0, atol=1e-3
    )


def test_hms2024_gives_the_19_electrodes_by_their_old_names(shared, tmp_path):
    store, _ = converted(
        shared / "eegbci",
        tmp_path / "store",
        "hms2024",
        QUERIES,
        subject="001",
        window=50,
        stride=50,
    )
    assert (store.channels, store.shape) == (tuple(OLD), (2, 19, 10_000))
    edf = sorted(shared.glob("eegbci/sub-001/**/*_run-1_eeg.edf"))[0]
    raw = (
        mne.io.read_raw_edf(edf, preload=True, verbose="error")
        .pick(["T7.."])
        .resample(200, method="polyphase", verbose="error")
    )
    t3 = store.read("signals")[:, OLD.index("T3")]
    assert np.abs(t3 - raw.get_data()[0, :10_000] * 1e6).max(1).min() < 1e-3


def test_hms2024_keeps_the_ecg_last_where_there_is_one():
    names = ["ECG", *OLD, "A1"]
    raw = mne.io.RawArray(
        np.zeros((21, 400)), mne.create_info(names, 100.0, ["ecg"] + ["eeg"] * 20), verbose="error"
    )
    made, _ = load_recipe(PreprocessConfig("hms2024")).run(raw)
    assert made.ch_names == [*OLD, "EKG"]


def test_deepsync_imputes_short_dropouts_and_leaves_out_windows_half_silent(shared, tmp_path):
    """Five seconds of real intracranial EEG; 0.4 s of zeros in the first second, and 0.6 s in the third."""
    folder = Path(shutil.copytree(shared / "ieeg_mnehfo", tmp_path / "ieeg"))
    annotate(folder, [(0, 4.9, "rest")], {"rest": "Rest"})
    [signal] = folder.rglob("*_ieeg.eeg")
    raw = mne.io.read_raw_brainvision(signal.with_suffix(".vhdr"), verbose="error")
    samples = np.fromfile(
        signal, "<i2" if signal.stat().st_size == 2 * len(raw.ch_names) * raw.n_times else "<f4"
    )
    samples = samples.reshape(raw.n_times, len(raw.ch_names))
    samples[1000:1800] = samples[4400:5600] = 0
    signal.write_bytes(samples.tobytes())
    store, made = converted(
        folder, tmp_path / "store", "deepsync", {"rest": "Rest"}, window=1, stride=1
    )
    assert (store.shape[1:], store.sfreq) == ((50, 400), 400.0)
    [recording] = made.values()
    assert [dropped["onset"] for dropped in recording["dropped"]] == [2.0]
    assert recording["dropped"][0]["reason"] == "reject: 60.0% in dropouts, 50.0% allowed"
    mask = store.read("dropout")
    assert mask.shape == store.shape
    assert_array_equal(np.flatnonzero(mask[0, 0]), np.arange(200, 360))
    assert not mask[1:].any()


@pytest.mark.slow
def test_the_eeglab_recipe_converts_eeglabs_bids_sample(shared, tmp_path):
    for package in CLEAN:
        pytest.importorskip(package, reason="needs bids_dl[clean]")
    folder = Path(shutil.copytree(shared / "eeglab/BIDS_test", tmp_path / "sample"))
    annotate(folder, [(0, 59, "rest")], {"rest": "Rest"})
    names = mne.io.read_raw_edf(next(folder.rglob("*_eeg.edf")), verbose="error").ch_names
    rows = "".join(
        f"{name.removeprefix('EEG ')}\tEEG\tuV\n" for name in names
    )  # the sample's own list is of another recording
    next(folder.rglob("*_channels.tsv")).write_text(f"name\ttype\tunits\n{rows}", encoding="utf-8")
    store, made = converted(
        folder, tmp_path / "store", "eeglab", {"rest": "Rest"}, window=2, stride=2
    )
    assert store.shape == (29, 16, 512)
    assert_allclose(store.read("signals").mean(1), 0, atol=1e-3)
    said = {step["step"]: step["notes"] for step in next(iter(made.values()))["steps"]}
    assert said["asr"][0].startswith("calibrated on ")
    assert "components, most probably" in said["ica"][0]


@pytest.mark.slow
def test_the_eeglab_recipe_cleans_eeglabs_sample(shared):
    for package in CLEAN:
        pytest.importorskip(package, reason="needs bids_dl[clean]")
    raw = mne.io.read_raw_eeglab(shared / "eeglab/eeglab_data.set", preload=True, verbose="error")
    made, reports = load_recipe(PreprocessConfig("eeglab")).run(raw.copy())
    assert made.ch_names == raw.ch_names
    assert made.info["bads"] == []
    assert_allclose(made.get_data().mean(0), 0, atol=1e-15)
    said = {report.step: report for report in reports}
    assert "eye 0.9" in said["ica"].notes[0]
    assert said["interpolate"].channels == ("EOG1", "T8")
    blinks = [
        np.ptp(one.copy().filter(1, 10, verbose="error").get_data("FPz")) for one in (raw, made)
    ]
    assert blinks[1] < 0.6 * blinks[0]


def test_the_commands_of_the_guide_run(command, eegbci):
    guide = (Path(__file__).parents[2] / "docs/recipes.md").read_text(encoding="utf-8")
    Path("bids_dl/sample").mkdir(parents=True)
    Path("bids_dl/sample/ds004362").symlink_to(eegbci)
    Path("alpha.yaml").write_text(
        re.search(r"```yaml\n(.*?)```", guide, re.DOTALL).group(1), encoding="utf-8"
    )
    done = [
        command(*shlex.split(line)) for line in re.findall(r"^bids-dl (.*)$", guide, re.MULTILINE)
    ]
    assert [each.status for each in done] == [0, 0, 0, 0], done
    assert open_store("alpha.zarr").shape[1:] == (24, 200)
    assert open_store("wide.zarr").shape == (30, 24, 256)
    shipped = re.search(r"## Recipes that ship.*?\n## ", guide, re.DOTALL).group()
    assert set(re.findall(r"^\| `([\w-]+)` ", shipped, re.MULTILINE)) == set(TRIED)
    assert all(name in done[2].words for name in TRIED)
    assert "eeglab" in done[3].words
