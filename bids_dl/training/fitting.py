"""A model in training: its state between two steps, saved and restored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader

from bids_dl.config.training_stage import TrainConfig
from bids_dl.models.target import TargetSpec
from bids_dl.stream import StreamingDataset
from bids_dl.stream.batches import Batch
from bids_dl.training.augmentation import make_augmentation
from bids_dl.training.distributed import Ranks
from bids_dl.training.folds.fold import Rows
from bids_dl.training.metrics import Monitor
from bids_dl.training.objectives import Objective
from bids_dl.training.optimization import make_average, make_optimizer

StreamRows = Callable[[Rows], StreamingDataset]
EpochRow = dict[str, float]
"""Numbers of one epoch: ``epoch`` (from 1), ``lr`` of its last step, and loss and headline metric
of the training and validation windows, which are NaN without validation."""


@dataclass(frozen=True, slots=True)
class Compute:
    """Device, precision and processes of a training."""

    device: torch.device
    dtype: torch.dtype  # of matrix products in training; evaluation is float32
    ranks: Ranks = field(default_factory=Ranks)


@dataclass(frozen=True, slots=True)
class Data:
    """Windows and meaning of the target of one training.

    Parameters
    ----------
    training
        Shuffled stream of the training windows. Its batches are those of all processes together.
    stream_rows
        Makes the stream of some rows of the store, in their order.
    validation
        (n_windows,): rows of the store. None for no validation.
    spec
        Target of the model.
    objective
        Loss and headline metric.
    monitor
        Validation metric that early stopping watches.
    """

    training: StreamingDataset
    stream_rows: StreamRows
    validation: Rows | None
    spec: TargetSpec
    objective: Objective
    monitor: Monitor


@dataclass(slots=True)
class BestEpoch:
    """Epoch with the best validation so far, and its weights."""

    epoch: int = 0
    value: float | None = None
    weights: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Clock:
    """Time spent on training and on waiting for batches, in s, and windows trained on."""

    seconds: float = 0.0
    waiting_seconds: float = 0.0
    n_windows: int = 0

    @property
    def speeds(self) -> dict[str, float]:
        """Windows per second, and the share of the time spent waiting for batches."""
        seconds = max(self.seconds, 1e-9)
        return {
            "windows_per_second": self.n_windows / seconds,
            "waiting_share": self.waiting_seconds / seconds,
        }

    def add(self, other: Clock) -> None:
        """Add the time and windows of another clock."""
        self.seconds += other.seconds
        self.waiting_seconds += other.waiting_seconds
        self.n_windows += other.n_windows


class Fitting:
    """A model in training, which can be saved between any two steps and resumed.

    Parameters
    ----------
    model
        Model on the device of ``compute``.
    data
        Windows, target and loss.
    config
        Optimizer, schedule, epochs and patience.
    compute
        Device, precision and processes.

    Attributes
    ----------
    epoch
        Number of finished epochs.
    step
        Finished steps of the epoch in progress.
    history
        One row per finished epoch.
    clock
        Time of all finished steps.
    """

    def __init__(self, model: nn.Module, data: Data, config: TrainConfig, compute: Compute) -> None:
        self.model = model
        self.data = data
        self.config = config
        self.compute = compute
        self.optimizer = make_optimizer(model.parameters(), config)
        is_scaled = compute.dtype is torch.float16
        self.scaler = torch.amp.GradScaler(compute.device.type, enabled=is_scaled)
        self.average: AveragedModel | None = make_average(model, config.ema)
        self.forward: Callable[[Tensor], Tensor] = model
        if config.compile:
            self.forward = torch.compile(model, dynamic=True)
        # Each process changes its share of a batch by random numbers of its own.
        seed = torch.initial_seed() + compute.ranks.rank
        self.augmentation = make_augmentation(config.augment, data.spec, seed=seed)
        self.epoch = 0
        self.step = 0
        # Loss, its denominator, headline metric and its count stay on the device, so that it
        # never waits for the loop.
        self.sums = torch.zeros(4, dtype=torch.float64, device=_sum_device(compute.device))
        self.history: list[EpochRow] = []
        self.best = BestEpoch()
        self.clock = Clock()
        self.steps_received = 0  # of the epoch in progress, since it was begun or resumed
        self._resumed_stream: dict[str, Any] | None = None

    @cached_property
    def batches(self) -> Iterable[Batch]:
        """Batches of the training windows. Processes that read them stay for all epochs."""
        if not self.config.workers:
            return self.data.training
        return DataLoader(
            self.data.training,
            batch_size=None,
            num_workers=self.config.workers,
            persistent_workers=True,
            generator=torch.Generator(),  # else it draws from the generator of the dropout
        )

    @property
    def evaluated(self) -> nn.Module:
        """Model that is validated and kept: the moving average if there is one."""
        return self.model if self.average is None else self.average.module

    @property
    def is_finished(self) -> bool:
        """True after the last epoch, or once ``patience`` epochs were no better."""
        if self.epoch >= self.config.epochs:
            return True
        patience = self.config.patience
        return patience is not None and self.epoch - self.best.epoch >= patience

    def state_dict(self) -> dict[str, Any]:
        """Return everything that the next step depends on, as tensors and plain values."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "random": self.compute.ranks.gather(self._random_state()),
            "stream": self._stream_state(),
            "epoch": self.epoch,
            "step": self.step,
            "sums": self.sums,
            "history": self.history,
            "best": [self.best.epoch, self.best.value, self.best.weights],
            "clock": [self.clock.seconds, self.clock.waiting_seconds, self.clock.n_windows],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a state of `state_dict`, with the same model, data and settings."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.epoch = state["epoch"]
        self.step = state["step"]
        self.sums.copy_(state["sums"])
        self.history = [dict(row) for row in state["history"]]
        self.best = BestEpoch(*state["best"])
        self.clock = Clock(*state["clock"])
        self.steps_received = 0
        self._resumed_stream = state["stream"]
        self.data.training.set_epoch(self.epoch)
        if self._resumed_stream is not None:
            self.data.training.load_state_dict(self._resumed_stream)
        states = state["random"]
        self._restore_random_state(states[self.compute.ranks.rank % len(states)])

    def _stream_state(self) -> dict[str, Any] | None:
        """Return the state of the training stream. None at the beginning of an epoch."""
        if self.step == 0:
            return None
        if self.steps_received == 0:
            return self._resumed_stream
        return self.data.training.state_dict(self.steps_received)

    def _random_state(self) -> dict[str, Tensor]:
        """Return the states of the generators of random numbers."""
        states = {"cpu": torch.get_rng_state()}
        if self.compute.device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self.compute.device)
        if self.augmentation is not None:
            states |= self.augmentation.state_dict()
        return states

    def _restore_random_state(self, states: Mapping[str, Tensor]) -> None:
        """Set the generators to the states of `_random_state`."""
        torch.set_rng_state(states["cpu"].cpu())
        if "cuda" in states and self.compute.device.type == "cuda":
            torch.cuda.set_rng_state(states["cuda"].cpu(), self.compute.device)
        if self.augmentation is not None:
            self.augmentation.load_state_dict(states)


def _sum_device(device: torch.device) -> torch.device:
    """Return the device of sums in float64, which MPS does not have."""
    return torch.device("cpu") if device.type == "mps" else device
