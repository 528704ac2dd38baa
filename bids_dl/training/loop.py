"""Training of one model: epochs over a stream, early stopping, and the weights to keep."""

from __future__ import annotations

import contextlib
import copy
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from bids_dl.errors import BidsDlError
from bids_dl.models.compute import autocast
from bids_dl.models.freezing import set_training_mode
from bids_dl.models.target_decoding import decode
from bids_dl.prediction import Outputs, apply
from bids_dl.stream.batches import Batch
from bids_dl.stream.prefetch import to_device
from bids_dl.training.checkpoints import Checkpoints
from bids_dl.training.fitting import (
    BestEpoch,
    Clock,
    Compute,
    EpochRow,
    Fitting,
    StreamRows,
)
from bids_dl.training.folds.fold import Rows
from bids_dl.training.interrupts import deferred_interrupts
from bids_dl.training.optimization import learning_rate, set_learning_rate


@contextlib.contextmanager
def reproducible(seed: int, device: torch.device) -> Iterator[None]:
    """Fix the seed and the algorithms of torch inside the context, and restore both after it."""
    was_deterministic = torch.are_deterministic_algorithms_enabled()
    was_warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    used_tf32 = torch.backends.cudnn.allow_tf32
    is_cuda = device.type == "cuda"
    if is_cuda:
        # cuBLAS reads this once. Without it, sums differ from run to run.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    with torch.random.fork_rng(devices=[device] if is_cuda else []):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.backends.cudnn.allow_tf32 = False  # float32 is float32
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(was_deterministic, warn_only=was_warn_only)
            torch.backends.cudnn.allow_tf32 = used_tf32


def fit(
    fitting: Fitting,
    *,
    checkpoints: Checkpoints | None = None,
    on_step: Callable[[Fitting], None] = lambda _: None,
    on_epoch: Callable[[EpochRow], None] = lambda _: None,
) -> None:
    """Train a model in place until it is finished.

    With ``patience``, training stops after that many epochs without a better validation, and
    the weights of the best epoch are kept. Without it, all epochs are done and the last weights
    are kept.

    Parameters
    ----------
    fitting
        The model, new or continued.
    checkpoints
        Saves the fitting at the end of each epoch, and within it when a checkpoint is due.
    on_step
        Called after each step.
    on_epoch
        Called with the numbers of each epoch.

    Raises
    ------
    BidsDlError
        The loss is infinite or NaN.
    """
    while not fitting.is_finished:
        _train_epoch(fitting, checkpoints, on_step)
        row = {"epoch": float(fitting.epoch + 1), "lr": fitting.optimizer.param_groups[0]["lr"]}
        row |= _training_numbers(fitting)
        row |= _validate(fitting)
        with deferred_interrupts():
            _end_epoch(fitting, row)
        if checkpoints is not None:
            checkpoints.save(fitting)
        on_epoch(row)
    if fitting.best.weights:
        fitting.evaluated.load_state_dict(fitting.best.weights)


def evaluate_windows(
    model: nn.Module, stream_rows: StreamRows, rows: Rows, compute: Compute
) -> Outputs:
    """Apply a model to rows of a store, which the processes share.

    Parameters
    ----------
    model
        Model on the device of ``compute``.
    stream_rows
        Makes the stream of some of the rows.
    rows
        (n_windows,): rows of the store, at least one.
    compute
        Device and processes.

    Returns
    -------
    Outputs
        Outputs of all rows, sorted by row, in all processes.
    """
    ranks = compute.ranks
    if ranks.world_size > 1:
        ranks.copy_first(model.buffers())  # because each process has statistics of its windows
    own_rows = np.array_split(rows, ranks.world_size)[ranks.rank]
    own = apply(model, stream_rows(own_rows), compute.device) if len(own_rows) else None
    parts = [part for part in ranks.gather(own) if part is not None]
    index = torch.cat([part.index for part in parts])
    order = torch.argsort(index)
    target = torch.cat([part.target for part in parts])
    values = torch.cat([part.outputs for part in parts])
    return Outputs(index[order], target[order], values[order])


def _train_epoch(
    fitting: Fitting, checkpoints: Checkpoints | None, on_step: Callable[[Fitting], None]
) -> None:
    """Do the steps that the epoch in progress has left."""
    stream = fitting.data.training
    steps_per_epoch = len(stream)
    if fitting.step == 0:
        stream.set_epoch(fitting.epoch)
        fitting.sums.zero_()
    if fitting.step >= steps_per_epoch:  # it was saved after its last step
        return
    set_training_mode(fitting.model, fitting.config.freeze)
    batches = iter(_read_batches(fitting))
    start = time.perf_counter()
    while (batch := next(batches, None)) is not None:
        received = time.perf_counter()
        step = fitting.epoch * steps_per_epoch + fitting.step
        set_learning_rate(fitting.optimizer, learning_rate(step, steps_per_epoch, fitting.config))
        with deferred_interrupts():
            _train_step(fitting, batch)
            fitting.step += 1
            fitting.steps_received += 1
            end = time.perf_counter()
            fitting.clock.add(Clock(end - start, received - start, len(batch.index)))
        if checkpoints is not None and checkpoints.are_due(fitting):
            checkpoints.save(fitting)
        on_step(fitting)
        start = time.perf_counter()


def _read_batches(fitting: Fitting) -> Iterator[Batch]:
    """Yield this process's share of each batch, on its device."""
    batches: Iterable[Batch] = fitting.batches
    ranks = fitting.compute.ranks
    if ranks.world_size > 1:
        batches = (Batch(*map(ranks.share, batch)) for batch in batches)
    return to_device(batches, fitting.compute.device)


def _train_step(fitting: Fitting, batch: Batch) -> None:
    """Update the weights by one batch, of which this process may have no window."""
    compute = fitting.compute
    objective = fitting.data.objective
    fitting.optimizer.zero_grad(set_to_none=True)
    sums = torch.zeros_like(fitting.sums)
    numerator = denominator = torch.zeros((), device=compute.device)
    if len(batch.target):
        signals, batch_target = batch.signals, batch.target
        if fitting.augmentation is not None:
            signals, batch_target = fitting.augmentation(batch)
        target = objective.to_target(batch_target)
        with autocast(compute.device, compute.dtype):
            outputs = fitting.forward(signals)
        outputs = outputs.float()
        numerator, denominator = objective.loss_sums(outputs, target)
        headline = objective.headline_sums(outputs.detach(), target)
        parts = (numerator.detach(), denominator.detach(), *headline)
        sums += torch.stack([part.to(sums) for part in parts])
    # float32 in all processes, because a number of windows is an integer, and no windows are 0.0
    total = compute.ranks.add_up(denominator.detach().to(torch.float32, copy=True))
    if len(batch.target):
        loss: Tensor = fitting.scaler.scale(numerator / total)
        loss.backward()  # type: ignore[no-untyped-call]
    compute.ranks.add_up_gradients(fitting.model)
    if fitting.config.clip is not None:
        fitting.scaler.unscale_(fitting.optimizer)
        nn.utils.clip_grad_norm_(fitting.model.parameters(), fitting.config.clip)
    fitting.scaler.step(fitting.optimizer)
    fitting.scaler.update()
    if fitting.average is not None:
        fitting.average.update_parameters(fitting.model)
    fitting.sums += sums


def _training_numbers(fitting: Fitting) -> EpochRow:
    """Return loss and headline metric of the training windows of the epoch."""
    sums = fitting.compute.ranks.add_up(fitting.sums.clone()).tolist()
    loss_sum, loss_weight, headline_sum, n_counted = sums
    if not math.isfinite(loss_sum):
        raise BidsDlError(
            f"the loss is {loss_sum}, which is not finite: "
            "look for damaged signals, or train with a smaller --lr or with --clip 1"
        )
    return {
        "train_loss": loss_sum / loss_weight if loss_weight else float("nan"),
        f"train_{fitting.data.objective.headline}": headline_sum / max(1.0, n_counted),
    }


def _validate(fitting: Fitting) -> EpochRow:
    """Return loss, headline metric and monitored metric of the validation windows."""
    data = fitting.data
    names = ["loss", data.objective.headline]
    if data.monitor.name not in names:
        names.append(data.monitor.name)
    if data.validation is None:
        return {f"validation_{name}": float("nan") for name in names}
    compute = fitting.compute
    outputs = evaluate_windows(fitting.evaluated, data.stream_rows, data.validation, compute)
    values = outputs.outputs.to(compute.device)
    target = data.objective.to_target(outputs.target.to(compute.device))
    loss_sum, loss_weight = data.objective.loss_sums(values, target)
    headline_sum, n_counted = data.objective.headline_sums(values, target)
    numbers = [float(loss_sum / loss_weight), float(headline_sum / n_counted)]
    if data.monitor.name not in names[:2]:
        decoded = decode(data.spec, outputs.outputs.numpy())
        numbers.append(data.monitor.score(decoded, outputs.target.numpy()))
    return {f"validation_{name}": number for name, number in zip(names, numbers, strict=True)}


def _end_epoch(fitting: Fitting, row: EpochRow) -> None:
    """Count the epoch, and keep its weights if its validation is the best so far."""
    fitting.history.append(row)
    fitting.epoch += 1
    fitting.step = 0
    fitting.steps_received = 0
    if fitting.config.patience is None:
        return
    monitor = fitting.data.monitor
    value = row[f"validation_{monitor.name}"]
    if not math.isfinite(value):
        raise BidsDlError(
            f"the validation {monitor.name} is {value} after epoch {fitting.epoch}, so --patience "
            "cannot compare it; monitor another metric, such as loss"
        )
    best = fitting.best.value
    if best is None or (value > best if monitor.higher_is_better else value < best):
        weights = copy.deepcopy(fitting.evaluated.state_dict())
        fitting.best = BestEpoch(fitting.epoch, value, weights)
