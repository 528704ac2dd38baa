"""Datasets that Octave wrote as BIDS, beside their samples, and the stores made of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import bids_dl
from bids_dl.store.reader import Store

Samples = npt.NDArray[np.float32]


def read_samples(file: Path, n_chans: int, n_times: int) -> Samples:
    """Samples that keep_truth.m wrote.

    Returns
    -------
    (n_epochs, n_chans, n_times), in the unit of EEG.data.
    """
    values = np.fromfile(file, dtype="<f4")
    return values.reshape(-1, n_times, n_chans).transpose(0, 2, 1)


def convert_as_is(source: Path, dest: Path, **options: Any) -> Store:
    """Convert a BIDS folder without any preprocessing, in this process.

    Returns
    -------
    The store. Its recordings have not failed.
    """
    outcome = bids_dl.convert(
        source, dest, recipe="as-is", split=1, scheduler="synchronous", **options
    )
    assert outcome.failures == ()
    return bids_dl.open_store(dest)


def expected_events(case: Mapping[str, Any], before: int, after: int, n_times: int) -> list[int]:
    """Number the events whose window neither leaves the recording nor crosses a cut.

    Parameters
    ----------
    case
        Types and latencies of the events.
    before, after
        Samples of a window before the event and from the event on.
    n_times
        Samples of the recording.
    """
    cuts = []
    for name, latency in zip(case["types"], case["latencies"], strict=True):
        if name == "boundary":
            cuts.append(int(np.ceil(latency - 1)))
    kept = []
    for number, (name, latency) in enumerate(zip(case["types"], case["latencies"], strict=True)):
        start = int(np.floor(latency - 1 + 0.5)) - before
        stop = start + before + after
        is_inside = start >= 0 and stop <= n_times
        if name != "boundary" and is_inside and not any(start < cut < stop for cut in cuts):
            kept.append(number)
    return kept
