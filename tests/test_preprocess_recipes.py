"""Shipped recipes on real EEG, and against the same steps by MNE and eegprep."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.signal import lfilter, resample_poly

from bids_dl.config import PreprocessConfig
from bids_dl.preprocess import load_recipe, positions

NET = "GSN-HydroCel-129"
NAMES = ("Fp1 Fp2 F7 F3 Fz F4 F8 FC3 FCz FC4 T3 C3", "C4 T4 CP3 CPz CP4 T5 P3 Pz P4 T6 O1 Cz")
PLACES = ("E22 E9 E33 E24 E11 E124 E122 E29 E6 E111 E45 E36", "E104 E108 E42 E55 E93 E58 E52 E62 E92 E96 E70 Cz")
PAPER = dict(zip(" ".join(NAMES).split(), " ".join(PLACES).split(), strict=True))
"""Truong et al. 2021: 10-20 names and the electrodes they stand for."""


@pytest.fixture(scope="module")
def hydrocel():
    """30 s of 129 channels at 500 Hz: smooth fields against Cz, offsets as a direct-coupled amplifier has them; E30 and E92 hold noise."""
    rng = np.random.default_rng(0)
    montage = positions.montage(NET)
    places = np.array([positions.template_directions(NET)[name.casefold()] for name in montage.ch_names])
    sources = rng.standard_normal((40, 3))
    sources *= 0.6 / np.linalg.norm(sources, axis=1, keepdims=True)
    field = 1 / np.linalg.norm(places[:, None] - sources[None], axis=2) ** 2
    signals = field @ lfilter([1], [1, -0.95], rng.standard_normal((40, 15000)), axis=1)
    signals *= 2e-5 / signals.std()
    signals += rng.standard_normal(signals.shape) * 2e-7
    for name in ("E30", "E92"):
        signals[montage.ch_names.index(name)] = 3e-5 * lfilter([1], [1, -0.7], rng.standard_normal(15000))
    signals += rng.uniform(-0.02, 0.02, (129, 1))
    signals -= signals[montage.ch_names.index("Cz")]
    names = [name if name == "Cz" else f"EEG {int(name[1:]):03d}" for name in montage.ch_names]
    return mne.io.RawArray(signals, mne.create_info(names, 500.0, "eeg"), verbose="error")


def by_hand(hydrocel):
    """The paper's steps, by MNE, SciPy and the list of bad channels that is known."""
    raw = hydrocel.copy().rename_channels(lambda name: name if name == "Cz" else f"E{int(name.split()[1])}")
    raw.set_montage(NET)
    signals = raw.get_data()
    signals -= signals.mean(1, keepdims=True)
    signals = mne.filter.filter_data(signals, 500.0, 0.25, 25.0, verbose="error")
    signals = resample_poly(signals, 32, 125, axis=1, padtype="reflect")
    mastoids = [raw.ch_names.index(name) for name in ("E57", "E100")]
    info = mne.create_info(raw.ch_names, 128.0, "eeg")
    made = mne.io.RawArray(signals - signals[mastoids].mean(0), info, verbose="error").set_montage(NET)
    made.info["bads"] = ["E30", "E92"]
    centre = positions.sphere(np.array([channel["loc"][:3] for channel in made.info["chs"]]))[0]
    made.interpolate_bads(origin=tuple(centre), method={"eeg": "spline"}, verbose="error")
    return made.get_data(list(PAPER.values()))


def test_truong2021_gives_24_channels_that_agree_with_mne(hydrocel):
    pytest.importorskip("eegprep", reason="needs bids_dl[clean]")
    made, reports = load_recipe(PreprocessConfig("truong2021")).run(hydrocel.copy())
    found = next(report.channels for report in reports if report.step == "bad_channels")
    assert sorted(found) == ["E30", "E92"]
    assert made.ch_names == list(PAPER)
    assert made.info["sfreq"] == 128
    assert_allclose(made.get_data() * 1e6, by_hand(hydrocel) * 1e6, rtol=0, atol=1e-3)


def test_the_offset_of_an_amplifier_is_gone_after_truong2021(hydrocel):
    pytest.importorskip("eegprep", reason="needs bids_dl[clean]")
    made, _ = load_recipe(PreprocessConfig("truong2021")).run(hydrocel.copy())
    assert np.abs(hydrocel.get_data().mean(1)).max() > 1e-2
    assert np.abs(made.get_data().mean(1)).max() < 1e-6


@pytest.mark.slow
def test_the_eeglab_recipe_cleans_eeglabs_sample(shared):
    for package in ("eegprep", "mne_icalabel", "onnxruntime", "picard"):
        pytest.importorskip(package, reason="needs bids_dl[clean]")
    raw = mne.io.read_raw_eeglab(shared / "eeglab/eeglab_data.set", preload=True, verbose="error")
    made, reports = load_recipe(PreprocessConfig("eeglab")).run(raw.copy())
    assert made.ch_names == raw.ch_names
    assert made.info["bads"] == []
    assert_allclose(made.get_data().mean(0), 0, atol=1e-15)
    said = {report.step: report for report in reports}
    assert "eye 0.9" in said["ica"].notes[0]
    assert said["interpolate"].channels == ("EOG1", "T8")
    blinks = [np.ptp(one.copy().filter(1, 10, verbose="error").get_data("FPz")) for one in (raw, made)]
    assert blinks[1] < 0.6 * blinks[0]
