"""Signals as eegprep's functions take them: EEGLAB's structure as a dict, in µV."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import listed
from bids_dl.preprocess.step import Array

if TYPE_CHECKING:
    import mne

MICROVOLT = 1e-6  # V


def good_eeg(raw: mne.io.BaseRaw, spec: SignalSpec) -> list[str]:
    """EEG channels that are not marked bad."""
    bads = set(raw.info["bads"])
    return [
        name
        for name, kind in zip(spec.ch_names, spec.ch_types, strict=True)
        if kind == "eeg" and name not in bads
    ]


def microvolts(raw: mne.io.BaseRaw, names: Sequence[str], step: str) -> Array:
    """A copy of these channels, (n_chans, n_times) in µV.

    Raises
    ------
    RecordingError
        There is none, or a sample is not a number, with which no statistic of the channel is one.
    """
    if not names:
        raise RecordingError(step, "no EEG channel that is not marked bad")
    signals = np.asarray(raw.get_data(picks=list(names)), dtype=np.float64) / MICROVOLT
    if lost := [
        name for name, signal in zip(names, signals, strict=True) if not np.isfinite(signal).all()
    ]:
        raise RecordingError(
            step,
            f"samples of {listed(lost)} are not finite numbers; drop the channel or mark it bad",
        )
    return signals


def structure(signals: Array, sfreq: float, directions: Array | None = None) -> dict[str, Any]:
    """A structure of these signals in µV; ``directions`` (n_chans, 3) are unit vectors in head coordinates."""
    n_chans, n_times = signals.shape
    made = {
        "data": signals,
        "srate": sfreq,
        "nbchan": n_chans,
        "pnts": n_times,
        "trials": 1,
        "event": [],
        "etc": {},
    }
    if directions is not None:
        made["chanlocs"] = [
            {"labels": str(i), "X": y, "Y": -x, "Z": z} for i, (x, y, z) in enumerate(directions)
        ]
    return made


@contextmanager
def quiet() -> Iterator[None]:
    """Keep eegprep's log off the terminal; what matters of it is in the step's report."""
    log = logging.getLogger("eegprep")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)
