"""Train one model: epochs over a stream, early stopping, and the weights to keep."""

from __future__ import annotations

import contextlib
import copy
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import BidsDlError
from bids_dl.models.compute import autocast
from bids_dl.prediction import apply
from bids_dl.stream import StreamingDataset

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adamw": torch.optim.AdamW,
    "adamax": torch.optim.Adamax,
    "adam": torch.optim.Adam,
}

EpochRow = dict[str, float]
"""Numbers of one epoch: epoch (from 1), train_loss, train_accuracy, validation_loss and
validation_accuracy, which are NaN without validation. Accuracies are from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Compute:
    """Device, precision and class weights of a training."""

    device: torch.device
    dtype: torch.dtype  # of matrix products in training; evaluation is float32
    class_weights: tuple[float, ...] | None = None


@dataclass(slots=True)
class BestEpoch:
    """Weights with the lowest validation loss so far."""

    epoch: int = 0
    loss: float = float("inf")
    weights: dict[str, Any] = field(default_factory=dict)


@contextlib.contextmanager
def reproducible(seed: int, device: torch.device) -> Iterator[None]:
    """Fix the seed and the algorithms of torch inside the context, and restore both after it."""
    was_deterministic = torch.are_deterministic_algorithms_enabled()
    was_warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    is_cuda = device.type == "cuda"
    if is_cuda:
        # cuBLAS reads this once. Without it, sums differ from run to run.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    with torch.random.fork_rng(devices=[device] if is_cuda else []):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(was_deterministic, warn_only=was_warn_only)


def fit(
    model: nn.Module,
    training: StreamingDataset,
    validation: StreamingDataset | None,
    config: TrainConfig,
    compute: Compute,
    on_epoch: Callable[[EpochRow], None],
) -> list[EpochRow]:
    """Train a model in place.

    With ``patience``, training stops after that many epochs without a lower validation loss, and
    the weights of the best epoch are restored. Without it, all ``epochs`` are done and the last
    weights are kept.

    Parameters
    ----------
    model
        Model on the device of ``compute``.
    training, validation
        Streams of windows with class indices as targets.
    config
        Optimizer, epochs and patience.
    compute
        Device, precision and class weights.
    on_epoch
        Called with the numbers of each epoch.

    Returns
    -------
    history
        One row per epoch.

    Raises
    ------
    BidsDlError
        The loss is infinite or NaN.
    """
    optimizer = OPTIMIZERS[config.optimizer](
        model.parameters(),
        lr=config.lr,  # type: ignore[call-arg]
        weight_decay=config.weight_decay,
    )
    scaler = torch.amp.GradScaler(compute.device.type, enabled=compute.dtype is torch.float16)
    class_weights = None
    if compute.class_weights is not None:
        class_weights = torch.tensor(compute.class_weights, device=compute.device)
    loss_function = nn.CrossEntropyLoss(weight=class_weights)
    history: list[EpochRow] = []
    best = BestEpoch()
    for epoch in range(1, config.epochs + 1):
        training.set_epoch(epoch - 1)
        row = {"epoch": float(epoch)}
        row |= _train_epoch(model, training, loss_function, optimizer, scaler, compute)
        row |= _validate(model, validation, loss_function, compute)
        history.append(row)
        on_epoch(row)
        if config.patience is None:
            continue
        if row["validation_loss"] < best.loss:
            best = BestEpoch(epoch, row["validation_loss"], copy.deepcopy(model.state_dict()))
        elif epoch - best.epoch >= config.patience:
            break
    if best.weights:
        model.load_state_dict(best.weights)
    return history


def _train_epoch(
    model: nn.Module,
    stream: StreamingDataset,
    loss_function: nn.CrossEntropyLoss,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    compute: Compute,
) -> EpochRow:
    model.train()
    # Sums of loss and correct windows stay on the device, so that it never waits for the loop.
    sums = torch.zeros(2, device=compute.device)
    n_windows = 0
    for signals, class_indices, _ in stream:
        target = class_indices.to(compute.device)
        with autocast(compute.device, compute.dtype):
            logits = model(signals.to(compute.device))
        loss = loss_function(logits.float(), target)
        optimizer.zero_grad(set_to_none=True)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        n_correct = (logits.argmax(1) == target).sum()
        sums += torch.stack([loss.detach() * len(target), n_correct])
        n_windows += len(target)
    loss_sum, correct_sum = sums.tolist()
    if not math.isfinite(loss_sum):
        raise BidsDlError(
            f"the loss is {loss_sum}, which is not finite: "
            "look for damaged signals, or train with a smaller --lr"
        )
    return {"train_loss": loss_sum / n_windows, "train_accuracy": correct_sum / n_windows}


def _validate(
    model: nn.Module,
    stream: StreamingDataset | None,
    loss_function: nn.CrossEntropyLoss,
    compute: Compute,
) -> EpochRow:
    if stream is None:
        return {"validation_loss": float("nan"), "validation_accuracy": float("nan")}
    outputs = apply(model, stream, compute.device)
    logits = outputs.logits.to(compute.device)
    target = outputs.target.to(compute.device)
    accuracy: Tensor = (logits.argmax(1) == target).float().mean()
    return {
        "validation_loss": float(loss_function(logits, target)),
        "validation_accuracy": float(accuracy),
    }
