"""Recipes from YAML written by a test, and small recordings to run them on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mne
import numpy as np

from bids_dl.config.stages import PreprocessConfig
from bids_dl.preprocess import Recipe, load_recipe


def write_recipe(path: Path, text: str) -> Path:
    """Write a recipe file, with its folder."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def load_file(path: Path | str, **changes: Any) -> Recipe:
    """Load a recipe by name or file, with changes by ``step.parameter``."""
    return load_recipe(PreprocessConfig(str(path), changes))


def load_steps(folder: Path, steps: str, **changes: Any) -> Recipe:
    """Load a recipe with these steps, written as a YAML list."""
    path = write_recipe(folder / "own.yaml", f"name: own\nsteps:\n{steps}")
    return load_file(path, **changes)


def make_recording(
    ch_names: tuple[str, ...] = ("Fp1", "Cz", "O1", "EOG1"),
    ch_types: tuple[str, ...] = ("eeg", "eeg", "eeg", "eog"),
    sfreq: float = 160.0,
    n_times: int = 1600,
) -> mne.io.RawArray:
    """Return a recording of white noise of 10 µV."""
    signals = np.random.default_rng(0).standard_normal((len(ch_names), n_times)) * 1e-5
    info = mne.create_info(list(ch_names), sfreq, list(ch_types), verbose="error")
    return mne.io.RawArray(signals, info, verbose="error")
