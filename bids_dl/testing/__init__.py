"""Synthetic BIDS datasets of known content, for tests, documentation, examples and benchmarks.

Each recording alternates blocks with eyes open and eyes closed. Each channel is the sum of pink
noise, a tone with an amplitude of its own, alpha in the eyes-closed blocks (more of it at the back
of the head), and, on the first channel, impulses of one sample at the onsets of impulse events.
"""

from __future__ import annotations

from bids_dl.testing.dataset import make_dataset
from bids_dl.testing.design import Design
from bids_dl.testing.events import EYES_HED, SyntheticEvent
from bids_dl.testing.recording import (
    ALPHA_AMPLITUDE_UV,
    ALPHA_HZ,
    IMPULSE_AREA_UV_S,
    NOISE_UV,
    TONE_HZ,
    SyntheticDataset,
    SyntheticRecording,
)

__all__ = [
    "ALPHA_AMPLITUDE_UV",
    "ALPHA_HZ",
    "EYES_HED",
    "IMPULSE_AREA_UV_S",
    "NOISE_UV",
    "TONE_HZ",
    "Design",
    "SyntheticDataset",
    "SyntheticEvent",
    "SyntheticRecording",
    "make_dataset",
]
