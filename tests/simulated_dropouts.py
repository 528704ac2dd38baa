"""Dropouts simulated in recordings."""

from __future__ import annotations

import numpy as np

RAIL = 3.2767e-3  # V, the largest value of a 16-bit amplifier
KINDS = {
    "zeros": lambda signals, start, stop: np.zeros((len(signals), stop - start)),
    "no numbers": lambda signals, start, stop: np.full((len(signals), stop - start), np.nan),
    "a rail": lambda signals, start, stop: np.full((len(signals), stop - start), RAIL),
    "the last value": lambda signals, start, stop: np.repeat(
        signals[:, [start - 1]], stop - start, axis=1
    ),
}
"""Samples in a dropout, by kind: a function of the signals, its start and its stop."""


def add_dropouts(raw, spans, kind, channels=None):
    """Return a copy with dropouts and their mask (n_chans, n_times).

    Parameters
    ----------
    spans
        First sample, and the sample after the last, of each dropout.
    kind
        A key of `KINDS`.
    channels
        Indices of the channels; all by default.
    """
    raw = raw.copy()
    mask = np.zeros((len(raw.ch_names), raw.n_times), dtype=bool)
    rows = np.arange(len(raw.ch_names)) if channels is None else np.asarray(channels)
    signals = raw.get_data()
    for start, stop in spans:
        signals[rows, start:stop] = KINDS[kind](signals[rows], start, stop)
        mask[rows, start:stop] = True
    raw[:] = signals
    return raw, mask
