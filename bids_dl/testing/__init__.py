"""Synthetic BIDS datasets and stores of known content, for tests, documentation and benchmarks.

Each recording alternates blocks with eyes open and eyes closed. Each channel is the sum of pink
noise, a tone with an amplitude of its own, alpha in the eyes-closed blocks (more of it at the back
of the head), and, on the first channel, impulses of one sample at the onsets of impulse events.

With a `PlantedEffect`, the power of a band depends on a target instead, by an effect of known size.
`make_dataset` writes it as a BIDS dataset, `plant_store` as a finished store.

`plant_spikes` copies a store with rare spikes at known times.

With the events ``"sleep"``, blocks are sleep stages, each with a rhythm of its own. With
``"night"``, stages follow one another as in sleep, and some epochs are unclear.
"""

from __future__ import annotations

from bids_dl.testing.dataset import make_dataset
from bids_dl.testing.design import Design
from bids_dl.testing.effects import PLANTED_UV, PlantedEffect
from bids_dl.testing.events import EYES_HED, SyntheticEvent
from bids_dl.testing.noise import NOISE_UV
from bids_dl.testing.planted_store import PlantedPopulation, PlantedStore, plant_store
from bids_dl.testing.recording import (
    ALPHA_AMPLITUDE_UV,
    ALPHA_HZ,
    IMPULSE_AREA_UV_S,
    TONE_HZ,
    SyntheticDataset,
    SyntheticRecording,
)
from bids_dl.testing.spikes import SpikeStore, plant_spikes

__all__ = [
    "ALPHA_AMPLITUDE_UV",
    "ALPHA_HZ",
    "EYES_HED",
    "IMPULSE_AREA_UV_S",
    "NOISE_UV",
    "PLANTED_UV",
    "TONE_HZ",
    "Design",
    "PlantedEffect",
    "PlantedPopulation",
    "PlantedStore",
    "SpikeStore",
    "SyntheticDataset",
    "SyntheticEvent",
    "SyntheticRecording",
    "make_dataset",
    "plant_spikes",
    "plant_store",
]
