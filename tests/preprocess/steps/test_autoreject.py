"""Autoreject on real windows against the package itself."""

from __future__ import annotations

from dataclasses import replace

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose

from bids_dl.errors import RecordingError
from bids_dl.preprocess import positions
from bids_dl.preprocess.recipe import Recipe, spec_of
from bids_dl.preprocess.step import Windows
from bids_dl.preprocess.steps.autoreject import Autoreject

autoreject = pytest.importorskip("autoreject", reason="needs bids_dl[clean]")

CHOICES = {"n_interpolate": (1, 4), "consensus": (0.1, 0.3, 0.6, 1.0), "cv": 4}


@pytest.fixture(scope="module")
def windows(eegbci):
    """30 windows of 2 s of real EEG, 24 channels with positions, in µV; some channels are loud in some windows."""
    raw = mne.io.read_raw_edf(sorted(eegbci.rglob("*_eeg.edf"))[0], preload=True, verbose="error")
    raw.rename_channels(lambda name: name.strip(".")).set_montage(
        positions.montage("standard_1005"), match_case=False
    )
    raw.filter(1.0, 40.0, verbose="error")
    signals = raw.get_data()[:, :9600].reshape(24, 30, 320).swapaxes(0, 1) * 1e6
    rng = np.random.default_rng(0)
    for i in (2, 9, 15, 21):
        signals[i, rng.integers(24)] *= 12
    for i in (5, 25):
        signals[i] *= 8
    return Windows(signals, np.arange(320) / 160, raw.info, np.zeros(signals.shape, dtype=bool))


def run(step, windows):
    sifted = Recipe("test", "", (), (step,)).run_windows(windows)
    return sifted, sifted.reports[0]


def epochs(windows):
    return mne.EpochsArray(windows.signals * 1e-6, windows.info, verbose="error")


@pytest.mark.slow
def test_local_repairs_and_drops_what_autoreject_does(windows):
    sifted, report = run(Autoreject(**CHOICES), windows)
    choices = {
        "n_interpolate": np.array([1, 4]),
        "consensus": np.array(CHOICES["consensus"]),
        "cv": 4,
    }
    package = autoreject.AutoReject(**choices, random_state=0, verbose=False)
    wanted, log = package.fit_transform(epochs(windows), return_log=True)
    assert [i for i, _ in sifted.dropped] == np.flatnonzero(log.bad_epochs).tolist()
    assert {5, 25} <= {i for i, _ in sifted.dropped}
    assert_allclose(sifted.windows.signals, wanted.get_data() * 1e6, rtol=0, atol=1e-9)
    assert "24 of 24 channels bad" in sifted.dropped[0][1]
    repaired = (log.labels == 2) & ~log.bad_epochs[:, None]
    assert repaired.any()
    assert report.share == pytest.approx(log.bad_epochs.mean() + repaired.mean())
    assert set(report.channels) == {
        name for name, any_ in zip(windows.info["ch_names"], repaired.any(0), strict=True) if any_
    }
    untouched = ~repaired[list(sifted.kept)]
    np.testing.assert_array_equal(
        sifted.windows.signals[untouched], windows.signals[list(sifted.kept)][untouched]
    )


def test_global_drops_what_is_over_the_threshold_that_autoreject_learns(windows):
    sifted, report = run(Autoreject("global", cv=5), windows)
    limit = (
        autoreject.get_rejection_threshold(
            epochs(windows), ch_types="eeg", cv=5, random_state=0, verbose=False
        )["eeg"]
        * 1e6
    )
    spans = np.ptp(windows.signals, axis=2).max(1)
    assert [i for i, _ in sifted.dropped] == np.flatnonzero(spans > limit).tolist()
    assert sifted.dropped
    assert f"learnt: {limit:.4g} µV peak to peak" in report.notes[0]
    np.testing.assert_array_equal(sifted.windows.signals, windows.signals[list(sifted.kept)])


def test_the_same_seed_gives_the_same_windows(windows):
    one, other = (run(Autoreject("global", cv=5, seed=3), windows)[0] for _ in range(2))
    assert one.dropped == other.dropped


def test_bad_and_other_channels_are_left_alone(windows):
    info = windows.info.copy()
    info["bads"] = info["ch_names"][:2]
    few = replace(windows, info=info)
    sifted, report = run(Autoreject(n_interpolate=(1,), consensus=(1.0,), cv=3), few)
    kept = list(sifted.kept)
    np.testing.assert_array_equal(sifted.windows.signals[:, :2], windows.signals[kept, :2])
    assert not set(info["bads"]) & set(report.channels)


def test_what_cannot_be_judged_is_refused_in_one_line(windows):
    few = replace(windows, signals=windows.signals[:9], silent=windows.silent[:9])
    with pytest.raises(
        RecordingError,
        match="autoreject: needs 10 windows or more for its cross-validation, got 9; lower cv",
    ):
        run(Autoreject(), few)
    nowhere = replace(windows, info=mne.create_info(windows.info["ch_names"], 160.0, "eeg"))
    with pytest.raises(
        RecordingError, match=r"autoreject: no position for .*; put a step montage before"
    ):
        run(Autoreject(), nowhere)
    info = windows.info.copy()
    info["bads"] = info["ch_names"][3:]
    with pytest.raises(RecordingError, match="fewer than 4 EEG channels are not marked bad"):
        run(Autoreject(), replace(windows, info=info))
    with pytest.raises(
        RecordingError, match="every n_interpolate is as many as the 24 good channels, or more"
    ):
        run(Autoreject(n_interpolate=(32,)), windows)
    raw = mne.io.RawArray(np.zeros((1, 10)), mne.create_info(["Cz"], 100.0, "eeg"), verbose="error")
    with pytest.raises(RecordingError, match="needs 4 EEG channels or more; the recording has Cz"):
        Autoreject().output_spec(spec_of(raw))


def test_no_window_at_all_is_no_failure(windows):
    none = replace(windows, signals=windows.signals[:0], silent=windows.silent[:0])
    assert run(Autoreject(), none)[0].kept == ()


@pytest.mark.parametrize(
    "wrong",
    [{"method": "both"}, {"cv": 1}, {"n_interpolate": ()}, {"consensus": (1.5,)}, {"seed": -1}],
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Autoreject(**wrong)
