"""Settings of a training, as one frozen dataclass."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.config.training_options import (
    ChannelRule,
    ClassWeighting,
    Frozen,
    Logger,
    Loss,
    Normalization,
    Precision,
    Schedule,
    TargetKind,
    VoteUnit,
)

Share = Annotated[float, Field(gt=0, le=1)]
"""Share of the training persons."""


@dataclass(frozen=True, config=STRICT)
class TrainConfig:
    """Training of a network.

    Parameters
    ----------
    model, model_options
        Name of the architecture, and its options.
    target
        Columns of the store to predict: names, or patterns with ``*``.
    target_kind
        Kind of the target; None derives it from the values of the columns.
    vote_by
        Unit whose windows vote together. None is ``"subject"`` if each person has one value of the
        target, and ``"block"`` otherwise.
    drop_missing
        Leave out windows without a target.
    folds
        ``"loso"`` (leave one person out), a number of folds over persons, ``"session"``,
        ``"run"``, ``"recording"`` or ``"time"`` within each person, or None for the splits of the
        store.
    gap
        Seconds of signal left out between training and test windows, with ``folds="time"``.
    stratify
        Column of the store whose values are balanced over the folds.
    where
        Conditions on columns of the store, as in `bids_dl.config.selecting.conditions`.
    epochs
        Maximum number of epochs.
    patience
        Epochs without a better validation before training stops and the best weights are
        restored; None trains all ``epochs``.
    monitor
        ``"loss"`` or a metric of the validation windows, watched by ``patience``.
    batch_size
        Windows per batch, of all processes together.
    optimizer, optimizer_options
        Name of a class in ``torch.optim``, in any case, and its options.
    lr, weight_decay
        Learning rate and weight decay.
    warmup
        Epochs of linear increase of the learning rate.
    schedule, min_lr
        Learning rate after the warm-up: ``"constant"``, or ``"cosine"``, which ends at ``min_lr``.
    clip
        Maximum norm of the gradient. None does not clip.
    ema
        Decay of an exponential moving average of the weights, which is evaluated and kept. None
        keeps the weights themselves.
    loss
        Loss of a target of numbers.
    class_weights
        ``"inverse"`` weights the loss by the inverse frequency of each class or label among the
        training windows.
    label_smoothing
        Share of a target of classes or shares that is spread evenly over all classes.
    augment
        Probability for each training window of each operation in `bids_dl.training.augmentation`.
    normalize
        As in `StreamingDataset`, with ``"none"`` for µV. ``"auto"`` takes that of the model's
        publication, else ``"recording"`` if a recording has several classes, else ``"training"``.
    seed, seeds
        First random seed of weights, order and folds, and the number of seeds to train with.
    device, precision
        Device and precision of the computation; ``"auto"`` selects the best that is available.
    compile
        Compile the model with ``torch.compile``.
    threads
        Threads of the computation on a CPU. None leaves the choice to torch.
    workers
        Processes that read windows. With 0, threads of this process read.
    checkpoint_minutes
        Minutes between checkpoints within an epoch.
    log
        Logger that is given the numbers of each epoch.
    weights
        File of the weights to begin with, ``"pretrained"`` for those of the Hugging Face hub, or
        None for random weights.
    init_from
        Run folder, or checkpoint of a run, whose weights the training begins with.
    channels
        Channels of ``init_from`` that the store lacks: ``"match"`` refuses the store,
        ``"interpolate"`` computes them by spherical splines.
    train_fraction
        Share of the training persons that are used. Several shares are for
        `bids_dl.training.variants.train_variants`.
    freeze
        Layers that are not trained: ``"trunk"``, all but the last, ``"middle"``, all but the first
        and the last, or None.
    """

    model: str = "shallow-fbcsp"
    target: tuple[str, ...] = ("label",)
    target_kind: TargetKind | None = None
    vote_by: VoteUnit | None = None
    drop_missing: bool = False
    folds: str | int | None = None
    gap: float = Field(default=10.0, ge=0)
    stratify: str | None = None
    where: tuple[str, ...] = ()
    epochs: int = Field(default=30, ge=1)
    patience: int | None = Field(default=None, ge=1)
    monitor: str = "loss"
    batch_size: int = Field(default=64, ge=1)
    optimizer: str = "adamw"
    optimizer_options: dict[str, Any] = Field(default_factory=dict)
    lr: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    warmup: float = Field(default=0.0, ge=0)
    schedule: Schedule = "constant"
    min_lr: float = Field(default=0.0, ge=0)
    clip: float | None = Field(default=None, gt=0)
    ema: float | None = Field(default=None, gt=0, lt=1)
    loss: Loss = "huber"
    class_weights: ClassWeighting | None = None
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    augment: dict[str, float] = Field(default_factory=dict)
    normalize: Normalization = "auto"
    seed: int = Field(default=0, ge=0)
    seeds: int = Field(default=1, ge=1)
    device: str = "auto"
    precision: Precision = "auto"
    compile: bool = False
    threads: int | None = Field(default=None, ge=1)
    workers: int = Field(default=0, ge=0)
    checkpoint_minutes: float = Field(default=5.0, gt=0)
    log: Logger | None = None
    weights: str | None = None
    init_from: str | None = None
    channels: ChannelRule = "match"
    train_fraction: Share | tuple[Share, ...] = 1.0
    freeze: Frozen | None = None
    model_options: dict[str, Any] = Field(default_factory=dict)
