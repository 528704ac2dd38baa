"""Step autoreject on real windows against the package autoreject."""

from __future__ import annotations

from dataclasses import replace

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose
from step_runs import dropped_reasons, make_raw, run_window_step

from bids_dl.errors import RecordingError
from bids_dl.preprocess import positions
from bids_dl.preprocess.recipe import spec_of
from bids_dl.preprocess.step import Windows
from bids_dl.preprocess.steps.autoreject import Autoreject

autoreject = pytest.importorskip("autoreject", reason="needs bids_dl[clean]")

CANDIDATES = {"n_interpolate": (1, 4), "consensus": (0.1, 0.3, 0.6, 1.0), "cv": 4}


@pytest.fixture(scope="module")
def windows(eegbci):
    """30 windows of 2 s of real EEG in µV, 24 channels with positions.

    One channel is loud in four windows, and all channels are in two.
    """
    raw = mne.io.read_raw_edf(sorted(eegbci.rglob("*_eeg.edf"))[0], preload=True, verbose="error")
    raw.rename_channels(lambda name: name.strip(".")).set_montage(
        positions.load_montage("standard_1005"), match_case=False
    )
    raw.filter(1.0, 40.0, verbose="error")
    signals = raw.get_data()[:, :9600].reshape(24, 30, 320).swapaxes(0, 1) * 1e6
    rng = np.random.default_rng(0)
    for i in (2, 9, 15, 21):
        signals[i, rng.integers(24)] *= 12
    for i in (5, 25):
        signals[i] *= 8
    return Windows(signals, np.arange(320) / 160, raw.info, np.zeros(signals.shape, dtype=bool))


def to_epochs(windows):
    return mne.EpochsArray(windows.signals * 1e-6, windows.info, verbose="error")


@pytest.mark.slow
def test_local_repairs_and_drops_the_same_windows_as_autoreject(windows):
    results, report = run_window_step(windows, Autoreject(**CANDIDATES))
    reasons = dropped_reasons(results)
    candidates = {
        "n_interpolate": np.array([1, 4]),
        "consensus": np.array(CANDIDATES["consensus"]),
        "cv": 4,
    }
    model = autoreject.AutoReject(**candidates, random_state=0, verbose=False)
    expected, log = model.fit_transform(to_epochs(windows), return_log=True)
    assert list(reasons) == np.flatnonzero(log.bad_epochs).tolist()
    assert {5, 25} <= set(reasons)
    assert_allclose(results.windows.signals, expected.get_data() * 1e6, rtol=0, atol=1e-9)
    assert "24 of 24 channels bad" in reasons[5]
    repaired = (log.labels == 2) & ~log.bad_epochs[:, None]
    assert repaired.any()
    assert report.share == pytest.approx(log.bad_epochs.mean() + repaired.mean())
    names = np.array(windows.info["ch_names"])
    assert set(report.channels) == set(names[repaired.any(0)])
    kept = list(results.kept)
    unchanged = ~repaired[kept]
    np.testing.assert_array_equal(
        results.windows.signals[unchanged], windows.signals[kept][unchanged]
    )


def test_global_drops_windows_above_the_threshold_that_autoreject_learns(windows):
    results, report = run_window_step(windows, Autoreject("global", cv=5))
    thresholds = autoreject.get_rejection_threshold(
        to_epochs(windows), ch_types="eeg", cv=5, random_state=0, verbose=False
    )
    limit = thresholds["eeg"] * 1e6
    amplitudes = np.ptp(windows.signals, axis=2).max(1)
    assert list(dropped_reasons(results)) == np.flatnonzero(amplitudes > limit).tolist()
    assert results.dropped
    assert f"learned: {limit:.4g} µV peak to peak" in report.notes[0]
    np.testing.assert_array_equal(results.windows.signals, windows.signals[list(results.kept)])


def test_the_same_seed_gives_the_same_windows(windows):
    step = Autoreject("global", cv=5, seed=3)
    first, _ = run_window_step(windows, step)
    second, _ = run_window_step(windows, step)
    assert first.dropped == second.dropped


def test_channels_marked_bad_do_not_change(windows):
    info = windows.info.copy()
    info["bads"] = info["ch_names"][:2]
    step = Autoreject(n_interpolate=(1,), consensus=(1.0,), cv=3)
    results, report = run_window_step(replace(windows, info=info), step)
    kept = list(results.kept)
    np.testing.assert_array_equal(results.windows.signals[:, :2], windows.signals[kept, :2])
    assert not set(info["bads"]) & set(report.channels)


def _first_windows(windows, count):
    return replace(
        windows,
        signals=windows.signals[:count],
        dropout_mask=windows.dropout_mask[:count],
    )


def _with_bad_channels(windows, names):
    info = windows.info.copy()
    info["bads"] = names
    return replace(windows, info=info)


def _without_positions(windows):
    return replace(windows, info=mne.create_info(windows.info["ch_names"], 160.0, "eeg"))


@pytest.mark.parametrize(
    ("change", "step", "message"),
    [
        (
            lambda windows: _first_windows(windows, 9),
            Autoreject(),
            "autoreject: needs 10 windows or more for its cross-validation, got 9; lower cv",
        ),
        (
            _without_positions,
            Autoreject(),
            r"autoreject: no position for .*; add the step montage before",
        ),
        (
            lambda windows: _with_bad_channels(windows, windows.info["ch_names"][3:]),
            Autoreject(),
            "fewer than 4 EEG channels are not marked bad",
        ),
        (
            lambda windows: windows,
            Autoreject(n_interpolate=(24, 32)),
            "n_interpolate must be below the number of good channels, 24; got 24, 32",
        ),
    ],
)
def test_windows_that_cannot_be_processed_are_refused(windows, change, step, message):
    with pytest.raises(RecordingError, match=message):
        run_window_step(change(windows), step)


def test_too_few_channels_are_refused_by_the_plan():
    with pytest.raises(RecordingError, match="needs 4 EEG channels or more; the recording has E1"):
        Autoreject().output_spec(spec_of(make_raw(np.zeros((1, 10)), 100.0)))


def test_no_windows_give_no_windows(windows):
    assert run_window_step(_first_windows(windows, 0), Autoreject())[0].kept == ()


@pytest.mark.parametrize(
    "parameters",
    [{"method": "both"}, {"cv": 1}, {"n_interpolate": ()}, {"consensus": (1.5,)}, {"seed": -1}],
)
def test_invalid_parameters_are_refused(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        Autoreject(**parameters)
