"""truong2021, from source to store, against the paper's steps written in MNE and eegprep."""

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
SFREQ = 500  # Hz
# fmt: off
PAPER_CHANNELS = {
    "Fp1": 22, "Fp2": 9, "F7": 33, "F3": 24, "Fz": 11, "F4": 124, "F8": 122, "FC3": 29,
    "FCz": 6, "FC4": 111, "T3": 45, "C3": 36, "C4": 104, "T4": 108, "CP3": 42, "CPz": 55,
    "CP4": 93, "T5": 58, "P3": 52, "Pz": 62, "P4": 92, "T6": 96, "O1": 70, "Cz": "Cz",
}
# fmt: on
NET_CHANNELS = [name if name == "Cz" else f"E{name}" for name in PAPER_CHANNELS.values()]


def make_signals(n_times, is_silent, is_noisy):
    """Return signals (129, n_times) in V against Cz: smooth fields of 40 sources.

    E30 and E92 hold noise of their own, and E62 is constant. E40 is noisy where ``is_noisy``,
    E41 silent where ``is_silent``. All channels have offsets of a direct-coupled amplifier.
    """
    rng = np.random.default_rng(0)
    montage = mne.channels.make_standard_montage(NET)
    electrodes = np.array(list(montage.get_positions()["ch_pos"].values()))
    electrodes -= electrodes.mean(0)
    electrodes /= np.linalg.norm(electrodes, axis=1, keepdims=True)
    sources = rng.standard_normal((40, 3))
    sources *= 0.6 / np.linalg.norm(sources, axis=1, keepdims=True)
    distances = np.linalg.norm(electrodes[:, None] - sources[None], axis=2)
    activity = lfilter([1], [1, -0.95], rng.standard_normal((40, n_times)))
    signals = (1 / distances**2) @ activity
    signals *= 2e-5 / signals.std()
    signals += rng.standard_normal(signals.shape) * 2e-7
    rows = {name: i for i, name in enumerate(montage.ch_names)}
    signals -= signals[rows["Cz"]]
    for name in ("E30", "E92"):
        signals[rows[name]] = 3e-5 * lfilter([1], [1, -0.7], rng.standard_normal(n_times))
    signals[rows["E62"]] = 0
    signals[rows["E40"], is_noisy] += 2e-4 * rng.standard_normal(n_times)[is_noisy]
    signals[rows["E41"], is_silent] = 0
    offsets = rng.uniform(-0.02, 0.02, (129, 1))
    offsets[rows["Cz"]] = 0
    return signals + offsets


@pytest.fixture(scope="module", params=["129 channels", "128 channels"])
def dataset(request, tmp_path_factory):
    """A dataset with blocks of closed eyes of 20 s, from 20 s and 60 s on.

    E40 is noisy and E41 silent only while eyes are open.
    """
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
    ch_names = list(made.recordings[0].ch_names)
    n_times = 80 * SFREQ
    times = np.arange(n_times) / SFREQ
    signals = make_signals(n_times, is_silent=times < 18, is_noisy=times % 40 < 18)
    info = mne.create_info(ch_names, SFREQ, "eeg", verbose="error")
    raw = mne.io.RawArray(signals[: len(ch_names)], info, verbose="error")
    path = root / f"{made.recordings[0].path}_eeg.vhdr"
    mne.export.export_raw(path, raw, overwrite=True, verbose="error")
    return made


def read_recording(dataset):
    """Read the file by MNE."""
    path = Path(dataset.root) / f"{dataset.recordings[0].path}_eeg.vhdr"
    return mne.io.read_raw_brainvision(path, preload=True, verbose="error")


def eeglab_structure(raw):
    return {
        "data": raw.get_data() * 1e6,
        "srate": raw.info["sfreq"],
        "nbchan": len(raw.ch_names),
        "pnts": raw.n_times,
        "trials": 1,
        "event": [],
        "etc": {},
        "chanlocs": [],
    }


def preprocess_by_hand(raw):
    """Apply the paper's steps 1 to 6: filter, rate, references, closed eyes."""
    from eegprep.plugins.firfilt.pop_eegfiltnew import pop_eegfiltnew

    raw._data -= raw._data.mean(1, keepdims=True)
    filtered = pop_eegfiltnew(eeglab_structure(raw), locutoff=0.25, hicutoff=25.0, gui=False)
    raw._data[:] = filtered["data"] * 1e-6
    raw.resample(128, method="polyphase", verbose="error")
    if "Cz" not in raw.ch_names:
        mne.add_reference_channels(raw, "Cz", copy=False)
    raw.set_montage(NET, verbose="error")
    raw.set_eeg_reference("average", verbose="error")
    raw.set_eeg_reference(["E57", "E100"], verbose="error")
    parts = [raw.copy().crop(start, start + 14, include_tmax=False) for start in (23, 63)]
    return mne.concatenate_raws(parts, verbose="error")


def electrode_positions(raw):
    return np.array([channel["loc"][:3] for channel in raw.info["chs"]])


def head_centre(raw):
    """Fit a sphere to the electrodes and return its centre."""
    points = electrode_positions(raw)
    equations = np.column_stack([2 * points, np.ones(len(points))])
    return np.linalg.lstsq(equations, (points**2).sum(1), rcond=None)[0][:3]


def find_bad_channels(raw, centre):
    """Apply the first half of the paper's step 7 by the functions of eegprep."""
    from eegprep.plugins.clean_rawdata.clean_channels import clean_channels
    from eegprep.plugins.clean_rawdata.clean_flatlines import clean_flatlines

    directions = electrode_positions(raw) - centre
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    locations = []
    for name, (x, y, z) in zip(raw.ch_names, directions, strict=True):
        locations.append({"labels": name, "X": y, "Y": -x, "Z": z})
    structure = eeglab_structure(raw) | {"chanlocs": np.array(locations)}
    cleaned = clean_channels(clean_flatlines(structure, 5.0), 0.7, 4.0)
    is_good = cleaned["etc"]["clean_channel_mask"]
    return [name for name, good in zip(raw.ch_names, is_good, strict=True) if not good]


@pytest.fixture(scope="module")
def expected(dataset):
    """Windows (14, 24, 256) in µV and bad channels, by the paper's steps."""
    raw = preprocess_by_hand(read_recording(dataset))
    centre = head_centre(raw)
    bads = find_bad_channels(raw, centre)
    raw.info["bads"] = list(bads)
    raw.interpolate_bads(origin=tuple(centre), method={"eeg": "spline"}, verbose="error")
    signals = raw.get_data(NET_CHANNELS) * 1e6
    return np.stack([signals[:, i * 256 : (i + 1) * 256] for i in range(14)]), bads


@pytest.fixture(scope="module")
def store(dataset, tmp_path_factory):
    """The store of the recipe: blocks of closed eyes without their first and last 3 s."""
    path = tmp_path_factory.mktemp("stores") / "truong.zarr"
    outcome = bids_dl.convert(
        str(dataset.root),
        str(path),
        hed={"closed": "Eyes-closed"},
        recipe="truong2021",
        trim="3,3",
        window=2,
        stride=2,
        scheduler="synchronous",
    )
    assert not outcome.failures
    return open_store(str(path))


def read_step_reports(store):
    """Read what recordings.json holds of the steps of the only recording."""
    text = (Path(store.url) / "recordings.json").read_text(encoding="utf-8")
    [recording] = json.loads(text).values()
    return {step["step"]: step for step in recording["steps"]}


def test_windows_agree_with_the_steps_of_the_paper_to_a_thousandth_of_a_microvolt(expected, store):
    signals = store.read("signals")
    assert (signals.shape, signals.dtype) == ((14, 24, 256), np.float32)
    assert (store.sfreq, store.channels) == (128.0, tuple(PAPER_CHANNELS))
    onsets = [start + 2 * i for start in (23.0, 63.0) for i in range(7)]
    assert store.table["onset"].tolist() == onsets
    assert_allclose(signals, expected[0], rtol=0, atol=1e-3)
    assert signals.std() > 5


def test_bad_channels_are_those_of_the_selected_blocks(expected, store):
    """E40 and E41 are bad elsewhere only; in the selected blocks they are good."""
    _, bads = expected
    reports = read_step_reports(store)
    assert sorted(reports["bad_channels"]["channels"]) == sorted(bads)
    assert {"E30", "E92"} <= set(bads)
    assert not {"E40", "E41"} & set(bads)
    assert reports["keep_selected"]["notes"][0].startswith("kept 28.0 of 80.0 s")


def test_an_interpolated_channel_correlates_with_its_neighbours(store):
    """P4 replaces E92, which held noise."""
    signals = np.concatenate(list(store.read("signals")), axis=1)
    rows = {name: signals[i] for i, name in enumerate(PAPER_CHANNELS)}
    correlations = [np.corrcoef(rows["P4"], rows[name])[0, 1] for name in ("CP4", "T6")]
    assert max(correlations) > 0.7


def test_a_constant_channel_is_not_found_in_the_order_of_the_paper(expected, store):
    """E62 is constant as recorded. After the references it holds the inverted reference.

    docs/recipes.md warns of it.
    """
    assert "E62" not in expected[1]
    assert "E62" not in read_step_reports(store)["bad_channels"]["channels"]
