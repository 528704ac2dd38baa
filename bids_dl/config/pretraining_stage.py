"""Settings of pretraining without labels, as one frozen dataclass."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.config.training_options import Normalization, Precision


@dataclass(frozen=True, config=STRICT)
class PretrainConfig:
    """Pretraining by the relative position of windows.

    Parameters
    ----------
    model, model_options
        Name of the architecture, and its options.
    near
        Largest distance in s of the onsets of near windows. None is two windows.
    far
        Distance in s of the onsets that far windows exceed. None is thirty windows.
    normalize
        As in `StreamingDataset`, with ``"none"`` for µV. ``"auto"`` takes that of the model's
        publication, else ``"recording"``.
    epochs
        Number of epochs. All are done, and the last weights are kept.
    batch_size
        Pairs per batch.
    lr
        Learning rate of AdamW.
    seed
        Random seed of weights, pairs and order.
    device, precision
        Device and precision of the computation; ``"auto"`` selects the best that is available.
    checkpoint_minutes
        Minutes between checkpoints within an epoch.
    """

    model: str = "shallow-fbcsp"
    model_options: dict[str, Any] = Field(default_factory=dict)
    near: float | None = Field(default=None, gt=0)
    far: float | None = Field(default=None, gt=0)
    normalize: Normalization = "auto"
    epochs: int = Field(default=20, ge=1)
    batch_size: int = Field(default=64, ge=1)
    lr: float = Field(default=1e-3, gt=0)
    seed: int = Field(default=0, ge=0)
    device: str = "auto"
    precision: Precision = "auto"
    checkpoint_minutes: float = Field(default=5.0, gt=0)
