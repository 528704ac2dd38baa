"""One training: a fresh model, epochs over the stream, the weights to keep."""

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

from bids_dl.config.stages import TrainConfig
from bids_dl.errors import BidsDlError
from bids_dl.models.compute import autocast
from bids_dl.prediction import apply
from bids_dl.stream import StreamingDataset

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adamw": torch.optim.AdamW,
    "adamax": torch.optim.Adamax,
    "adam": torch.optim.Adam,
}

Row = dict[str, float]
"""One epoch: epoch (from 1), train_loss, train_accuracy, validation_loss, validation_accuracy (NaN without validation)."""


@dataclass(frozen=True, slots=True)
class Compute:
    """Where and how the arithmetic is done."""

    device: torch.device
    dtype: torch.dtype  # of the matrix products in training; evaluation is float32
    class_weights: tuple[float, ...] | None = None


@dataclass(slots=True)
class Best:
    """The weights with the lowest validation loss so far."""

    epoch: int = 0
    loss: float = float("inf")
    state: dict[str, Any] = field(default_factory=dict)


@contextlib.contextmanager
def reproducible(seed: int, device: torch.device) -> Iterator[None]:
    """Fix torch's random numbers and algorithms inside, and leave both outside as they were."""
    were = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    on_cuda = device.type == "cuda"
    if on_cuda:
        os.environ.setdefault(
            "CUBLAS_WORKSPACE_CONFIG", ":4096:8"
        )  # read by cuBLAS once; without it sums differ from run to run
    with torch.random.fork_rng(devices=[device] if on_cuda else []):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(were[0], warn_only=were[1])


def fit(
    model: nn.Module,
    training: StreamingDataset,
    validation: StreamingDataset | None,
    config: TrainConfig,
    bench: Compute,
    on_epoch: Callable[[Row], None],
) -> list[Row]:
    """Train a model in place and return what each epoch brought.

    With ``patience``, training stops after so many epochs without a lower validation loss, and the weights of the best epoch
    are restored; without, all ``epochs`` are done and the last weights stay.

    Raises
    ------
    BidsDlError
        Where the loss is no longer a number.
    """
    optimizer = OPTIMIZERS[config.optimizer](
        model.parameters(), lr=config.lr, weight_decay=config.weight_decay
    )  # type: ignore[call-arg]
    scaler = torch.amp.GradScaler(bench.device.type, enabled=bench.dtype is torch.float16)
    weights = (
        None
        if bench.class_weights is None
        else torch.tensor(bench.class_weights, device=bench.device)
    )
    loss_of = nn.CrossEntropyLoss(weight=weights)
    history: list[Row] = []
    best = Best()
    for epoch in range(1, config.epochs + 1):
        training.set_epoch(epoch - 1)
        row = {"epoch": float(epoch)} | _train(model, training, loss_of, optimizer, scaler, bench)
        row |= _validate(model, validation, loss_of, bench)
        history.append(row)
        on_epoch(row)
        if config.patience is not None and row["validation_loss"] < best.loss:
            best = Best(epoch, row["validation_loss"], copy.deepcopy(model.state_dict()))
        elif config.patience is not None and epoch - best.epoch >= config.patience:
            break
    if best.state:
        model.load_state_dict(best.state)
    return history


def _train(
    model: nn.Module,
    stream: StreamingDataset,
    loss_of: nn.CrossEntropyLoss,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    bench: Compute,
) -> Row:
    model.train()
    total = torch.zeros(
        2, device=bench.device
    )  # loss and right ones, fetched once an epoch, so that the device never waits
    n = 0
    for signals, codes, _ in stream:
        target = codes.to(bench.device)
        with autocast(bench.device, bench.dtype):
            logits = model(signals.to(bench.device))
        loss = loss_of(logits.float(), target)
        optimizer.zero_grad(set_to_none=True)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        total += torch.stack([loss.detach() * len(target), (logits.argmax(1) == target).sum()])
        n += len(target)
    loss_sum, right = total.tolist()
    if not math.isfinite(loss_sum):
        raise BidsDlError(
            f"the loss is {loss_sum}, no longer a number: look for damaged signals, or train with a smaller --lr"
        )
    return {"train_loss": loss_sum / n, "train_accuracy": right / n}


def _validate(
    model: nn.Module, stream: StreamingDataset | None, loss_of: nn.CrossEntropyLoss, bench: Compute
) -> Row:
    if stream is None:
        return {"validation_loss": float("nan"), "validation_accuracy": float("nan")}
    outputs = apply(model, stream, bench.device)
    logits, target = outputs.logits.to(bench.device), outputs.target.to(bench.device)
    right: Tensor = (logits.argmax(1) == target).float().mean()
    return {"validation_loss": float(loss_of(logits, target)), "validation_accuracy": float(right)}
