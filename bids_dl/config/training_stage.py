"""Settings of a training, as one frozen dataclass."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.config.training_options import ClassWeighting, Normalization, Optimizer, Precision


@dataclass(frozen=True, config=STRICT)
class TrainConfig:
    """Training of a network.

    Parameters
    ----------
    model, model_options
        Name of the architecture, and its options.
    target
        Column of the store to predict.
    folds
        ``"loso"`` (leave one person out), a number of folds, or None for the splits of the store.
    stratify
        Column of the store whose values are balanced over the folds.
    epochs
        Maximum number of epochs.
    patience
        Epochs without a lower validation loss before training stops and the best weights are
        restored; None trains all ``epochs``.
    batch_size
        Windows per batch.
    optimizer, lr, weight_decay
        Optimizer of PyTorch, its learning rate and its weight decay.
    normalize, drop_missing
        As in `StreamingDataset`.
    class_weights
        ``"inverse"`` weights the loss by the inverse frequency of each class among the training
        windows.
    seed
        Random seed of weights, order and folds.
    device, precision
        Device and precision of the computation; ``"auto"`` selects the best that is available.
    """

    model: str = "shallow-fbcsp"
    target: str = "label"
    folds: str | int | None = None
    stratify: str | None = None
    epochs: int = Field(default=30, ge=1)
    patience: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=64, ge=1)
    optimizer: Optimizer = "adamw"
    lr: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    normalize: Normalization | None = "window"
    drop_missing: bool = False
    class_weights: ClassWeighting | None = None
    seed: int = Field(default=0, ge=0)
    device: str = "auto"
    precision: Precision = "auto"
    model_options: dict[str, Any] = Field(default_factory=dict)
