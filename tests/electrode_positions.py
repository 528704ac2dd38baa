"""Electrodes spread evenly over the upper half of a head."""

from __future__ import annotations

import numpy as np

HEAD_RADIUS = 0.095  # m


def spread_positions(n_chans: int) -> np.ndarray:
    """Return positions (n_chans, 3) in m, head coordinates: a spiral from the vertex down."""
    rank = (np.arange(n_chans) + 0.5) / n_chans
    up = 1 - rank
    across = np.sqrt(1 - up**2)
    angle = np.pi * (1 + np.sqrt(5)) * np.arange(n_chans)  # the golden angle
    unit = np.stack([across * np.cos(angle), across * np.sin(angle), up], axis=1)
    return HEAD_RADIUS * unit
