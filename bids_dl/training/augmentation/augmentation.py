"""Augmentation: random changes of the batches of a training, from one generator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bids_dl.errors import ConfigError
from bids_dl.models.target import TargetSpec
from bids_dl.stream.batches import Batch
from bids_dl.training.augmentation.mixup import Mixup
from bids_dl.training.augmentation.operation import WindowOperation, draw_uniform
from bids_dl.training.augmentation.registry import MIXUP, OPERATIONS
from bids_dl.wording import suggest


class Augmentation:
    """Random changes of training windows, each of which has its probability for each window.

    It is never applied in validation, test and prediction.

    Parameters
    ----------
    operations
        Operations and their probabilities, in order.
    mixup
        Mixup and its probability. It is applied last. None for no mixup.
    spec
        Target of the model.
    seed
        Seed of all random numbers.

    Examples
    --------
    >>> spec = TargetSpec("label", "classes", ("label",), ("rest", "move"))
    >>> augmentation = Augmentation([], (Mixup(), 1.0), spec, seed=0)
    >>> batch = Batch(torch.randn(4, 2, 100), torch.tensor([0, 1, 0, 1]), torch.arange(4))
    >>> signals, target = augmentation(batch)
    >>> target.shape, target.sum(dim=1).tolist()
    (torch.Size([4, 2]), [1.0, 1.0, 1.0, 1.0])
    """

    def __init__(
        self,
        operations: Sequence[tuple[WindowOperation, float]],
        mixup: tuple[Mixup, float] | None,
        spec: TargetSpec,
        *,
        seed: int,
    ) -> None:
        self.operations = tuple(operations)
        self.mixup = mixup
        self.spec = spec
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return changed signals and target of a batch, which is left as it is.

        Parameters
        ----------
        batch
            Batch on any device. May be empty.

        Returns
        -------
        signals
            (batch, n_chans, n_times).
        target
            The target as the stream delivers it. With mixup, classes become shares: float32
            (batch, n_outputs), also in a batch without a mixed window.
        """
        signals = batch.signals
        if len(signals):
            for operation, probability in self.operations:
                signals = self._apply(operation, probability, signals)
        if self.mixup is None:
            return signals, batch.target
        target = self._soften(batch.target)
        if not len(signals):
            return signals, target
        mixup, probability = self.mixup
        return mixup(signals, target, self._select(len(signals), probability), self.generator)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the generator, with which the next batch is changed alike."""
        return {"generator": self.generator.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a state of `state_dict`."""
        self.generator.set_state(state["generator"].cpu())

    def _apply(self, operation: WindowOperation, probability: float, signals: Tensor) -> Tensor:
        rows = self._select(len(signals), probability).nonzero().squeeze(1)
        if not len(rows):
            return signals
        rows = rows.to(signals.device)
        return signals.index_copy(0, rows, operation(signals[rows], self.generator))

    def _select(self, n_windows: int, probability: float) -> Tensor:
        """Draw the windows (n_windows,) that are changed."""
        return draw_uniform((n_windows,), self.generator) < probability

    def _soften(self, target: Tensor) -> Tensor:
        """Return classes as shares, and another target as it is."""
        if self.spec.kind != "classes":
            return target
        return F.one_hot(target, self.spec.n_outputs).float()


def check_augmentation(probabilities: Mapping[str, float]) -> None:
    """Refuse an unknown operation, and a probability that is not from 0 to 1.

    Raises
    ------
    ConfigError
        The message names the option ``--augment``.

    Examples
    --------
    >>> check_augmentation({"time_msk": 0.1})
    Traceback (most recent call last):
    ...
    bids_dl.errors.ConfigError: --augment time_msk: unknown operation; did you mean 'time_mask'?
    """
    names = [*OPERATIONS, MIXUP]
    for name, probability in probabilities.items():
        if name not in names:
            raise ConfigError(f"--augment {name}: unknown operation; {suggest(name, names)}")
        if not 0 <= probability <= 1:
            raise ConfigError(f"--augment {name}={probability:g}: expected a number from 0 to 1")


def make_augmentation(
    probabilities: Mapping[str, float], spec: TargetSpec, *, seed: int
) -> Augmentation | None:
    """Return the augmentation of a training. None if no operation has a probability above 0.

    Parameters
    ----------
    probabilities
        Probability of each operation for each window, by name.
    spec
        Target of the model.
    seed
        Seed of all random numbers.

    Raises
    ------
    ConfigError
        An operation is unknown, or a probability is not from 0 to 1.

    Examples
    --------
    >>> age = TargetSpec("age", "number", ("age",), ("age",))
    >>> augmentation = make_augmentation({"mixup": 0.5, "time_mask": 0.1}, age, seed=0)
    >>> augmentation.operations, augmentation.mixup
    (((TimeMask(shares=(0.06, 0.1)), 0.1),), (Mixup(alpha=2.0), 0.5))
    """
    check_augmentation(probabilities)
    operations = []
    for name, operation in OPERATIONS.items():
        if probability := probabilities.get(name):
            operations.append((operation, probability))
    mixup_probability = probabilities.get(MIXUP)
    mixup = (Mixup(), mixup_probability) if mixup_probability else None
    if not operations and mixup is None:
        return None
    return Augmentation(operations, mixup, spec, seed=seed)
