"""truong2021, from source to store, against the paper's steps written out in MNE and eegprep."""

from __future__ import annotations

import json
from pathlib import Path

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.signal import lfilter

import bids_dl
from bids_dl.store.reader import open_store
from bids_dl.testing import make_dataset

pytest.importorskip("eegprep", reason="needs bids_dl[clean]")
pytestmark = pytest.mark.slow

NET = "GSN-HydroCel-129"
SFREQ = 500
# fmt: off
PAPER = {
    "Fp1": 22, "Fp2": 9, "F7": 33, "F3": 24, "Fz": 11, "F4": 124, "F8": 122, "FC3": 29, "FCz": 6, "FC4": 111, "T3": 45, "C3": 36, "C4": 104,
    "T4": 108, "CP3": 42, "CPz": 55, "CP4": 93, "T5": 58, "P3": 52, "Pz": 62, "P4": 92, "T6": 96, "O1": 70, "Cz": "Cz",
}
# fmt: on
PLACES = [name if name == "Cz" else f"E{name}" for name in PAPER.values()]


def fields(n_times, silent, noisy):
    """Signals (129, n_times) in V against Cz: smooth fields of 40 sources, offsets of an amplifier coupled directly.

    E30 and E92 hold noise of their own, E62 does not change; E40 is noisy where ``noisy`` says, E41 is silent where ``silent`` does.
    """
    rng = np.random.default_rng(0)
    montage = mne.channels.make_standard_montage(NET)
    places = np.array(list(montage.get_positions()["ch_pos"].values()))
    places = (places - places.mean(0)) / np.linalg.norm(
        places - places.mean(0), axis=1, keepdims=True
    )
    sources = rng.standard_normal((40, 3))
    sources *= 0.6 / np.linalg.norm(sources, axis=1, keepdims=True)
    signals = (1 / np.linalg.norm(places[:, None] - sources[None], axis=2) ** 2) @ lfilter(
        [1], [1, -0.95], rng.standard_normal((40, n_times))
    )
    signals *= 2e-5 / signals.std()
    signals += rng.standard_normal(signals.shape) * 2e-7
    rows = {name: i for i, name in enumerate(montage.ch_names)}
    signals -= signals[rows["Cz"]]
    for name in ("E30", "E92"):
        signals[rows[name]] = 3e-5 * lfilter([1], [1, -0.7], rng.standard_normal(n_times))
    signals[rows["E62"]] = 0
    signals[rows["E40"], noisy] += 2e-4 * rng.standard_normal(n_times)[noisy]
    signals[rows["E41"], silent] = 0
    offsets = rng.uniform(-0.02, 0.02, (129, 1))
    offsets[rows["Cz"]] = 0
    return signals + offsets


@pytest.fixture(scope="module", params=["129 channels", "128 channels"])
def dataset(request, tmp_path_factory):
    """Two closed blocks of 20 s, from 20 s and 60 s on; E40 is noisy and E41 silent while eyes are open only."""
    root = tmp_path_factory.mktemp("net")
    names = () if request.param == "129 channels" else tuple(f"E{i}" for i in range(1, 129))
    made = make_dataset(
        root,
        n_subjects=1,
        sfreq=SFREQ,
        template=NET,
        ch_names=names,
        block_duration=20,
        format="brainvision",
    )
    n_times = 80 * SFREQ
    times = np.arange(n_times) / SFREQ
    signals = fields(n_times, silent=times < 18, noisy=times % 40 < 18)[
        : len(made.recordings[0].ch_names)
    ]
    info = mne.create_info(list(made.recordings[0].ch_names), SFREQ, "eeg", verbose="error")
    path = root / f"{made.recordings[0].path}_eeg.vhdr"
    mne.export.export_raw(
        path, mne.io.RawArray(signals, info, verbose="error"), overwrite=True, verbose="error"
    )
    return made


def read(dataset):
    """The file as MNE reads it, with Cz where the file has it."""
    path = Path(dataset.root) / f"{dataset.recordings[0].path}_eeg.vhdr"
    return mne.io.read_raw_brainvision(path, preload=True, verbose="error")


def cleaned(raw):
    """The paper's steps 1 to 6."""
    from eegprep.plugins.firfilt.pop_eegfiltnew import pop_eegfiltnew

    raw._data -= raw._data.mean(1, keepdims=True)
    given = {
        "data": raw._data * 1e6,
        "srate": SFREQ,
        "nbchan": len(raw.ch_names),
        "pnts": raw.n_times,
        "trials": 1,
        "event": [],
        "chanlocs": [],
    }
    raw._data[:] = pop_eegfiltnew(given, locutoff=0.25, hicutoff=25.0, gui=False)["data"] * 1e-6
    raw.resample(128, method="polyphase", verbose="error")
    if "Cz" not in raw.ch_names:
        mne.add_reference_channels(raw, "Cz", copy=False)
    raw.set_montage(NET, verbose="error")
    raw.set_eeg_reference("average", verbose="error").set_eeg_reference(
        ["E57", "E100"], verbose="error"
    )
    parts = [raw.copy().crop(start, start + 14, include_tmax=False) for start in (23, 63)]
    return mne.concatenate_raws(parts, verbose="error")


def found_bad(raw, centre):
    """Step 7's first half, by eegprep's functions."""
    from eegprep.plugins.clean_rawdata.clean_channels import clean_channels
    from eegprep.plugins.clean_rawdata.clean_flatlines import clean_flatlines

    places = np.array([channel["loc"][:3] for channel in raw.info["chs"]]) - centre
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    locations = [
        {"labels": name, "X": y, "Y": -x, "Z": z}
        for name, (x, y, z) in zip(raw.ch_names, places, strict=True)
    ]
    given = {
        "data": raw.get_data() * 1e6,
        "srate": 128.0,
        "nbchan": 129,
        "pnts": raw.n_times,
        "trials": 1,
        "event": [],
        "etc": {},
    }
    made = clean_flatlines(given | {"chanlocs": np.array(locations)}, 5.0)
    made = clean_channels(made, 0.7, 4.0)
    return [
        name
        for name, kept in zip(raw.ch_names, made["etc"]["clean_channel_mask"], strict=True)
        if not kept
    ]


def centre_of(raw):
    """Of the sphere closest to the electrodes."""
    places = np.array([channel["loc"][:3] for channel in raw.info["chs"]])
    solved = np.linalg.lstsq(
        np.column_stack([2 * places, np.ones(len(places))]), (places**2).sum(1), rcond=None
    )[0]
    return solved[:3]


def by_hand(dataset):
    """Windows (14, 24, 256) in µV, and the bad channels."""
    raw = cleaned(read(dataset))
    centre = centre_of(raw)
    raw.info["bads"] = found_bad(raw, centre)
    bads = list(raw.info["bads"])
    raw.interpolate_bads(origin=tuple(centre), method={"eeg": "spline"}, verbose="error")
    signals = raw.get_data(PLACES) * 1e6
    return np.stack([signals[:, i * 256 : (i + 1) * 256] for i in range(14)]), bads


@pytest.fixture(scope="module")
def store(dataset, tmp_path_factory):
    """The store of the recipe, the events' blocks without their first and last 3 s."""
    path = tmp_path_factory.mktemp("stores") / "truong.zarr"
    closed = {"closed": "Eyes-closed"}
    outcome = bids_dl.convert(
        str(dataset.root),
        str(path),
        hed=closed,
        recipe="truong2021",
        trim="3,3",
        window=2,
        stride=2,
        jobs=1,
    )
    assert not outcome.failures
    return open_store(str(path))


def test_windows_agree_with_the_papers_steps_to_a_thousandth_of_a_microvolt(dataset, store):
    wanted, _ = by_hand(dataset)
    signals = store.read("signals")
    assert (signals.shape, signals.dtype, store.sfreq, store.channels) == (
        (14, 24, 256),
        np.float32,
        128.0,
        tuple(PAPER),
    )
    assert store.table["onset"].tolist() == [23.0 + 2 * i for i in range(7)] + [
        63.0 + 2 * i for i in range(7)
    ]
    assert_allclose(signals, wanted, rtol=0, atol=1e-3)
    assert signals.std() > 5


def test_bad_channels_are_those_of_the_joined_stretches(dataset, store):
    """E40 and E41 are bad elsewhere; in what is selected they are as good as the others."""
    _, bads = by_hand(dataset)
    [recording] = json.loads(
        (Path(store.url) / "recordings.json").read_text(encoding="utf-8")
    ).values()
    said = {step["step"]: step for step in recording["steps"]}
    assert sorted(said["bad_channels"]["channels"]) == sorted(bads)
    assert {"E30", "E92"} <= set(bads)
    assert not {"E40", "E41"} & set(bads)
    assert said["keep_selected"]["notes"][0].startswith("kept 28.0 of 80.0 s")


def test_an_interpolated_channel_is_the_field_that_the_others_measure(store):
    """P4 stands where E92 held noise; its neighbours' signal is there now."""
    signals = np.concatenate(list(store.read("signals")), axis=1)
    names = list(PAPER)
    alike = [
        np.corrcoef(signals[names.index("P4")], signals[names.index(name)])[0, 1]
        for name in ("CP4", "T6")
    ]
    assert max(alike) > 0.7


def test_a_dead_channel_is_not_found_in_the_papers_order(dataset, store):
    """E62 does not change as recorded; after the references it is their signal, turned over, as the guide to recipes warns."""
    assert "E62" not in by_hand(dataset)[1]
    [recording] = json.loads(
        (Path(store.url) / "recordings.json").read_text(encoding="utf-8")
    ).values()
    assert all(
        "E62" not in step["channels"]
        for step in recording["steps"]
        if step["step"] == "bad_channels"
    )
