"""Runs of preprocessing steps on recordings and windows in tests."""

from __future__ import annotations

import mne
import numpy as np

from bids_dl.datamodel import StepReport
from bids_dl.preprocess.recipe import Recipe, WindowResults
from bids_dl.preprocess.step import SignalStep, Windows, WindowStep


def run_steps(raw: mne.io.BaseRaw, *steps: SignalStep) -> tuple[mne.io.BaseRaw, list[StepReport]]:
    """Run steps over a copy of a recording, and return it with the report of each step."""
    return Recipe("test", "", steps).run(raw.copy())


def run_step(raw: mne.io.BaseRaw, step: SignalStep) -> tuple[mne.io.BaseRaw, StepReport]:
    """Run one step over a copy of a recording, and return it with the report."""
    processed, [report] = run_steps(raw, step)
    return processed, report


def run_window_step(windows: Windows, step: WindowStep) -> tuple[WindowResults, StepReport]:
    """Run one step over windows, and return the results with the report."""
    results = Recipe("test", "", (), (step,)).run_windows(windows)
    return results, results.reports[0]


def dropped_reasons(results: WindowResults) -> dict[int, str]:
    """Return the reasons of the dropped windows by their indices."""
    return {index: reason for index, _, reason in results.dropped}


def make_raw(signals: np.ndarray, sfreq: float, ch_types: str | list[str] = "eeg"):
    """Make a recording of signals (n_chans, n_times) in V, with channels E1, E2, ..."""
    names = [f"E{i + 1}" for i in range(len(signals))]
    info = mne.create_info(names, sfreq, ch_types, verbose="error")
    return mne.io.RawArray(signals, info, verbose="error")


def make_noise(sfreq: float = 160.0, n_chans: int = 4, n_times: int = 3200):
    """Make a recording of white noise of 10 µV."""
    return make_raw(np.random.default_rng(1).standard_normal((n_chans, n_times)) * 1e-5, sfreq)


def assert_signals_close(raw: mne.io.BaseRaw, expected: mne.io.BaseRaw) -> None:
    """Check that two recordings have the same samples within 1e-9 µV."""
    np.testing.assert_allclose(raw.get_data() * 1e6, expected.get_data() * 1e6, rtol=0, atol=1e-9)
