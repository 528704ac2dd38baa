"""Train a model on a store, test it on held-out persons and write a run folder."""

from __future__ import annotations

from bids_dl.training.events import TrainingEvent
from bids_dl.training.run import TrainingResult, train

__all__ = ["TrainingEvent", "TrainingResult", "train"]
