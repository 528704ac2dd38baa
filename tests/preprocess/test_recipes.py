"""Shipped recipes on real recordings, and the page docs/recipes.md."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
import shutil
from pathlib import Path

import mne
import numpy as np
import pytest
from conversions import EYES_QUERIES
from numpy.testing import assert_allclose, assert_array_equal
from recipe_yaml import load_file, write_recipe

import bids_dl
from bids_dl.preprocess import list_recipes
from bids_dl.preprocess.steps.registry import STEPS
from bids_dl.store.reader import open_store

PAGE = Path(__file__).parents[2] / "docs/recipes.md"
# fmt: off
OLD_1020 = [
    "Fp1", "F3", "C3", "P3", "F7", "T3", "T5", "O1", "Fz", "Cz",
    "Pz", "Fp2", "F4", "C4", "P4", "F8", "T4", "T6", "O2",
]
# fmt: on
TESTED = (
    "as-is",
    "chambon2018",
    "common",
    "deepsync",
    "default",
    "eeglab",
    "hms2024",
    "to-10-20",
    "truong2021",  # in tests/end_to_end/test_truong2021.py
)
CLEAN_PACKAGES = ("eegprep", "mne_icalabel", "onnxruntime", "picard")


@pytest.fixture(scope="module")
def page():
    return PAGE.read_text(encoding="utf-8")


def convert(source, dest, recipe, hed, **options):
    """Convert with a recipe, and return the store and its recordings.json."""
    outcome = bids_dl.convert(
        str(source), str(dest), hed=hed, recipe=recipe, scheduler="synchronous", **options
    )
    assert not outcome.failures
    return open_store(str(dest)), json.loads((dest / "recordings.json").read_text("utf-8"))


def write_events(folder, rows, hed):
    """Replace the events of every recording of a dataset by rows of onset, duration and name.

    Parameters
    ----------
    hed
        HED annotation by name.
    """
    description = folder / "dataset_description.json"
    content = json.loads(description.read_text(encoding="utf-8-sig"))
    description.write_text(json.dumps(content | {"HEDVersion": "8.3.0"}))
    for path in folder.rglob("*_events.*"):
        path.unlink()
    lines = ["\t".join(map(str, row)) for row in [("onset", "duration", "trial_type"), *rows]]
    for path in [*folder.rglob("sub-*_eeg.json"), *folder.rglob("sub-*_ieeg.json")]:
        stem = str(path).rpartition("_")[0]
        Path(f"{stem}_events.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        Path(f"{stem}_events.json").write_text(
            json.dumps({"trial_type": {"HED": hed}}), encoding="utf-8"
        )


def read_first_run(folder):
    """Read the first run of the first subject of the EEGBCI dataset."""
    path = sorted(folder.glob("sub-001/**/*_run-1_eeg.edf"))[0]
    raw = mne.io.read_raw_edf(path, preload=True, verbose="error")
    return raw.rename_channels(lambda name: name.strip("."))


def skip_without_clean_packages():
    for package in CLEAN_PACKAGES:
        pytest.importorskip(package, reason="needs bids_dl[clean]")


def test_every_shipped_recipe_is_tested():
    assert sorted(name for name, _ in list_recipes()) == sorted(TESTED)


@pytest.mark.parametrize(
    ("recipe", "n_chans", "sfreq"),
    [("default", 24, 128), ("common", 24, 128), ("to-10-20", 19, 128), ("as-is", 24, 160)],
)
def test_recipes_for_any_eeg_convert_real_eeg(eegbci, tmp_path, recipe, n_chans, sfreq):
    store, recordings = convert(
        eegbci, tmp_path / "store", recipe, EYES_QUERIES, subject="001", window=2, stride=2
    )
    assert store.shape == (60, n_chans, 2 * sfreq)
    assert len(recordings) == 2
    names = [step.name for step in load_file(recipe).steps]
    for recording in recordings.values():
        assert [step["step"] for step in recording["steps"]] == names


def test_chambon2018_computes_the_derivations_of_sleep_edf(shared, tmp_path):
    folder = shared / "eegbci"
    store, _ = convert(
        folder, tmp_path / "store", "chambon2018", EYES_QUERIES, subject="001", window=30, stride=30
    )
    assert (store.channels, store.sfreq) == (("Fpz-Cz", "Pz-Oz"), 100.0)
    names = ["Fpz-Cz", "Pz-Oz"]
    derived = mne.set_bipolar_reference(
        read_first_run(folder), ["Fpz", "Pz"], ["Cz", "Oz"], names, verbose="error"
    ).pick(names)
    derived.filter(None, 30.0, verbose="error").resample(100, method="polyphase", verbose="error")
    is_first = store.table["recording"].str.contains("run-1") & (store.table["onset"] < 1)
    [index] = np.flatnonzero(is_first)
    expected = derived.get_data()[:, :3000] * 1e6
    assert_allclose(store.read("signals")[index], expected, rtol=0, atol=1e-3)


def test_hms2024_gives_the_19_electrodes_by_their_old_names(shared, tmp_path):
    folder = shared / "eegbci"
    store, _ = convert(
        folder, tmp_path / "store", "hms2024", EYES_QUERIES, subject="001", window=50, stride=50
    )
    assert (store.channels, store.shape) == (tuple(OLD_1020), (2, 19, 10_000))
    raw = read_first_run(folder).pick(["T7"])
    raw.resample(200, method="polyphase", verbose="error")
    expected = raw.get_data()[0, :10_000] * 1e6
    t3 = store.read("signals")[:, OLD_1020.index("T3")]
    assert np.abs(t3 - expected).max(1).min() < 1e-3


def test_hms2024_keeps_an_ecg_as_the_last_channel():
    names = ["ECG", *OLD_1020, "A1"]
    raw = mne.io.RawArray(
        np.zeros((21, 400)), mne.create_info(names, 100.0, ["ecg"] + ["eeg"] * 20), verbose="error"
    )
    cleaned, _ = load_file("hms2024").run(raw)
    assert cleaned.ch_names == [*OLD_1020, "EKG"]


def test_deepsync_imputes_short_dropouts_and_drops_windows_half_in_dropouts(shared, tmp_path):
    """Use 5 s of intracranial EEG with zeros for 0.4 s in the first second, 0.6 s in the third."""
    folder = Path(shutil.copytree(shared / "ieeg_mnehfo", tmp_path / "ieeg"))
    write_events(folder, [(0, 4.9, "rest")], {"rest": "Rest"})
    [signal] = folder.rglob("*_ieeg.eeg")
    raw = mne.io.read_raw_brainvision(signal.with_suffix(".vhdr"), verbose="error")
    shape = (raw.n_times, len(raw.ch_names))
    dtype = "<i2" if signal.stat().st_size == 2 * shape[0] * shape[1] else "<f4"
    samples = np.fromfile(signal, dtype).reshape(shape)
    samples[1000:1800] = 0
    samples[4400:5600] = 0
    signal.write_bytes(samples.tobytes())
    store, recordings = convert(
        folder, tmp_path / "store", "deepsync", {"rest": "Rest"}, window=1, stride=1
    )
    assert (store.shape[1:], store.sfreq) == ((50, 400), 400.0)
    [recording] = recordings.values()
    [dropped] = recording["dropped"]
    assert dropped["onset"] == 2.0
    assert "60.0% in dropouts" in dropped["reason"]
    assert "50.0%" in dropped["reason"]
    mask = store.read("dropout")
    assert mask.shape == store.shape
    assert_array_equal(np.flatnonzero(mask[0, 0]), np.arange(200, 360))
    assert not mask[1:].any()


@pytest.mark.slow
def test_the_eeglab_recipe_converts_the_bids_sample_of_eeglab(shared, tmp_path):
    skip_without_clean_packages()
    folder = Path(shutil.copytree(shared / "eeglab/BIDS_test", tmp_path / "sample"))
    write_events(folder, [(0, 59, "rest")], {"rest": "Rest"})
    # The channels.tsv of the sample belongs to another recording.
    names = mne.io.read_raw_edf(next(folder.rglob("*_eeg.edf")), verbose="error").ch_names
    rows = [f"{name.removeprefix('EEG ')}\tEEG\tuV" for name in names]
    table = "\n".join(["name\ttype\tunits", *rows]) + "\n"
    next(folder.rglob("*_channels.tsv")).write_text(table, encoding="utf-8")
    store, recordings = convert(
        folder, tmp_path / "store", "eeglab", {"rest": "Rest"}, window=2, stride=2
    )
    assert store.shape == (29, 16, 512)
    assert_allclose(store.read("signals").mean(1), 0, atol=1e-3)
    [recording] = recordings.values()
    notes = {step["step"]: step["notes"] for step in recording["steps"]}
    assert notes["asr"][0].startswith("calibrated on ")
    assert "components, most probably" in notes["ica"][0]


@pytest.mark.slow
def test_the_eeglab_recipe_cleans_the_sample_of_eeglab(shared):
    skip_without_clean_packages()
    raw = mne.io.read_raw_eeglab(shared / "eeglab/eeglab_data.set", preload=True, verbose="error")
    cleaned, reports = load_file("eeglab").run(raw.copy())
    assert cleaned.ch_names == raw.ch_names
    assert cleaned.info["bads"] == []
    assert_allclose(cleaned.get_data().mean(0), 0, atol=1e-15)
    by_step = {report.step: report for report in reports}
    assert "eye 0.9" in by_step["ica"].notes[0]
    assert by_step["interpolate"].channels == ("EOG1", "T8")
    blink, remaining = (
        np.ptp(each.copy().filter(1, 10, verbose="error").get_data("FPz"))
        for each in (raw, cleaned)
    )
    assert remaining < 0.6 * blink


def test_the_page_documents_every_registered_step_with_its_parameters_and_no_other(page):
    section = re.search(r"^## Steps\n.*?(?=^## )", page, re.DOTALL | re.MULTILINE).group()
    documented = {}
    for row in re.findall(r"^\| `.*$", section, re.MULTILINE):
        _, name, parameters, *_ = row.split("|")
        documented[name.strip(" `*")] = re.findall(r"`(\w+)`", parameters)
    registered = {}
    for name, step in STEPS.items():
        registered[name] = [field.name for field in dataclasses.fields(step)]
    assert documented == registered


def test_the_page_documents_every_shipped_recipe_and_no_other(page):
    section = re.search(r"^## Shipped recipes\n.*?(?=^## )", page, re.DOTALL | re.MULTILINE).group()
    assert re.findall(r"^\| `([\w-]+)` ", section, re.MULTILINE)
    assert set(re.findall(r"^\| `([\w-]+)` ", section, re.MULTILINE)) == set(dict(list_recipes()))


def test_the_recipes_on_the_page_load(tmp_path, page):
    names = []
    for i, text in enumerate(re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)):
        names.append(load_file(write_recipe(tmp_path / f"{i}.yaml", text)).name)
    assert names == ["alpha", "slow-waves"]


@pytest.mark.slow
def test_the_commands_on_the_page_run(command, eegbci, page):
    Path("bids_dl/sample").mkdir(parents=True)
    Path("bids_dl/sample/ds004362").symlink_to(eegbci)
    alpha = re.search(r"```yaml\n(.*?)```", page, re.DOTALL).group(1)
    Path("alpha.yaml").write_text(alpha, encoding="utf-8")
    lines = re.findall(r"^bids-dl (.*)$", page, re.MULTILINE)
    results = [command(*shlex.split(line)) for line in lines]
    assert [result.status for result in results] == [0, 0, 0, 0], results
    assert open_store("alpha.zarr").shape[1:] == (24, 200)
    assert open_store("wide.zarr").shape == (30, 24, 256)
    assert all(name in results[2].words for name in TESTED)
    assert "eeglab" in results[3].words
