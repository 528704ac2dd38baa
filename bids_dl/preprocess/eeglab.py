"""Convert signals to the EEGLAB structures in µV that the functions of eegprep take."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess.step import Array
from bids_dl.wording import join_names

if TYPE_CHECKING:
    import mne

MICROVOLT = 1e-6  # V


def good_eeg_channels(raw: mne.io.BaseRaw, spec: SignalSpec) -> list[str]:
    """Return the names of the EEG channels that are not marked bad, in order."""
    bads = set(raw.info["bads"])
    names = []
    for name, ch_type in zip(spec.ch_names, spec.ch_types, strict=True):
        if ch_type == "eeg" and name not in bads:
            names.append(name)
    return names


def read_microvolts(raw: mne.io.BaseRaw, names: Sequence[str], step: str) -> Array:
    """Copy the samples of some channels.

    Parameters
    ----------
    step
        Name of the step, which is the stage of an error.

    Returns
    -------
    Array
        (n_chans, n_times) in µV.

    Raises
    ------
    RecordingError
        ``names`` is empty, or a sample is not a finite number, so that no statistic of its
        channel is finite.
    """
    if not names:
        raise RecordingError(step, "no EEG channel that is not marked bad")
    signals = np.asarray(raw.get_data(picks=list(names)), dtype=np.float64) / MICROVOLT
    invalid = []
    for name, signal in zip(names, signals, strict=True):
        if not np.isfinite(signal).all():
            invalid.append(name)
    if invalid:
        raise RecordingError(
            step,
            f"samples of {join_names(invalid)} are not finite numbers; "
            "drop the channel or mark it bad",
        )
    return signals


def to_eeglab(signals: Array, sfreq: float, directions: Array | None = None) -> dict[str, Any]:
    """Return signals as an EEGLAB structure.

    Parameters
    ----------
    signals
        (n_chans, n_times) in µV.
    sfreq
        Sampling rate in Hz.
    directions
        Unit vectors (n_chans, 3) to the electrodes, in head coordinates. EEGLAB's x axis points
        to the nose, and its y axis to the left ear.
    """
    n_chans, n_times = signals.shape
    structure = {
        "data": signals,
        "srate": sfreq,
        "nbchan": n_chans,
        "pnts": n_times,
        "trials": 1,
        "event": [],
        "etc": {},
    }
    if directions is not None:
        channels = []
        for i, (x, y, z) in enumerate(directions):
            channels.append({"labels": str(i), "X": y, "Y": -x, "Z": z})
        structure["chanlocs"] = channels
    return structure


@contextmanager
def quiet_eegprep() -> Iterator[None]:
    """Keep eegprep's log off the terminal, because the report of the step has what matters."""
    log = logging.getLogger("eegprep")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)
