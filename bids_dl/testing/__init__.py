"""A synthetic BIDS dataset of known content, for tests, docs, examples and benchmarks.

Each recording alternates eyes-open and eyes-closed blocks. Each channel is the sum of pink noise, a tone of its own amplitude, alpha in
the eyes-closed blocks (more of it over the back of the head), and, on the first channel, impulses of one sample each where the events say.
"""

from __future__ import annotations

from bids_dl.testing.dataset import make_dataset
from bids_dl.testing.design import Design
from bids_dl.testing.events import HED, SyntheticEvent
from bids_dl.testing.recording import (
    ALPHA,
    ALPHA_AMPLITUDE,
    IMPULSE_AREA,
    NOISE,
    TONE,
    SyntheticDataset,
    SyntheticRecording,
)

__all__ = [
    "ALPHA",
    "ALPHA_AMPLITUDE",
    "HED",
    "IMPULSE_AREA",
    "NOISE",
    "TONE",
    "Design",
    "SyntheticDataset",
    "SyntheticEvent",
    "SyntheticRecording",
    "make_dataset",
]
