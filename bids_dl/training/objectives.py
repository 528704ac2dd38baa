"""Losses and the training metric of each kind of target."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from bids_dl.config.training_options import Loss
from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import ConfigError, ModelError, TargetError
from bids_dl.models.target import TargetSpec


class Objective(Protocol):
    """Loss of a batch as numerator and denominator, and a metric for the history.

    The loss of several batches is the sum of their numerators divided by the sum of their
    denominators, exactly as if they were one batch. A batch may be empty.
    """

    @property
    def headline(self) -> str:
        """Name of the metric."""

    def to_target(self, batch_target: Tensor) -> Tensor:
        """Return what the loss compares with outputs, from the target of a batch of a stream."""

    def loss_sums(self, outputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return numerator and denominator of the loss.

        Parameters
        ----------
        outputs
            float32 (batch, n_outputs): outputs of the model.
        target
            Result of `to_target`.

        Raises
        ------
        ModelError
            The shapes do not fit each other. They are never broadcast.
        """

    def headline_sums(self, outputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sum of the metric over the windows of a batch, and their number."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassObjective:
    """Cross-entropy of classes, with weights of the classes and label smoothing as in torch."""

    n_outputs: int
    weights: Tensor | None  # (n_outputs,)
    label_smoothing: float
    headline: str = "accuracy"

    def to_target(self, batch_target: Tensor) -> Tensor:
        """Return the class indices (batch,), or the shares (batch, n_outputs) after mixup."""
        return batch_target

    def loss_sums(self, outputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the weighted sum of cross-entropies, and the sum of the weights.

        The weight of a window with shares of classes is the mean of their weights by its shares.
        """
        shape = (len(outputs), self.n_outputs)
        is_soft = target.is_floating_point()
        _check_shapes(outputs, target, shape, shape if is_soft else shape[:1])
        numerator = F.cross_entropy(
            outputs,
            target,
            weight=self.weights,
            reduction="sum",
            label_smoothing=self.label_smoothing,
        )
        if self.weights is None:
            return numerator, _count(target)
        weights = target @ self.weights if is_soft else self.weights[target]
        return numerator, weights.sum()

    def headline_sums(self, outputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the number of windows whose largest output is their class, and of all windows.

        The class of a window with shares is that of the largest share.
        """
        if target.is_floating_point():
            target = target.argmax(dim=1)
        return (outputs.argmax(dim=1) == target).sum(), _count(target)


@dataclass(frozen=True, slots=True, eq=False)
class NumberObjective:
    """Loss of a number minus its mean, divided by its standard deviation."""

    mean: float
    std: float
    loss: Loss
    headline: str = "mae"

    def to_target(self, batch_target: Tensor) -> Tensor:
        """Return the numbers (batch,), in their own unit, as z-scores (batch, 1)."""
        return ((batch_target - self.mean) / self.std).unsqueeze(1)

    def loss_sums(self, outputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sum of the losses, and the number of windows."""
        _check_shapes(outputs, target, (len(outputs), 1), (len(outputs), 1))
        function = F.huber_loss if self.loss == "huber" else F.mse_loss
        return function(outputs, target, reduction="sum"), _count(target)

    def headline_sums(self, outputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sum of absolute errors in the unit of the number, and their number."""
        return (outputs - target).abs().sum() * self.std, _count(target)


@dataclass(frozen=True, slots=True, eq=False)
class SharesObjective:
    """Cross-entropy with shares as target, whose gradient is that of the KL divergence."""

    n_outputs: int
    label_smoothing: float
    headline: str = "kl"

    def to_target(self, batch_target: Tensor) -> Tensor:
        """Return the shares (batch, n_outputs)."""
        return batch_target

    def loss_sums(self, outputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sum of cross-entropies, and the number of windows."""
        shape = (len(outputs), self.n_outputs)
        _check_shapes(outputs, target, shape, shape)
        numerator = F.cross_entropy(
            outputs, target, reduction="sum", label_smoothing=self.label_smoothing
        )
        return numerator, _count(target)

    def headline_sums(self, outputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sum of KL divergences of the predicted from the true shares, in nats."""
        log_shares = outputs.log_softmax(dim=1)
        return F.kl_div(log_shares, target, reduction="sum"), _count(target)


@dataclass(frozen=True, slots=True, eq=False)
class LabelsObjective:
    """Binary cross-entropy of each label. Missing labels do not count."""

    n_outputs: int
    positive_weights: Tensor | None  # (n_outputs,)
    headline: str = "accuracy"

    def to_target(self, batch_target: Tensor) -> Tensor:
        """Return the labels (batch, n_outputs): 0, 1, or NaN if missing."""
        return batch_target

    def loss_sums(self, outputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sum of the losses of known labels, and their number."""
        shape = (len(outputs), self.n_outputs)
        _check_shapes(outputs, target, shape, shape)
        is_known = ~target.isnan()
        numerator = F.binary_cross_entropy_with_logits(
            outputs,
            target.nan_to_num(),
            weight=is_known.to(outputs.dtype),
            pos_weight=self.positive_weights,
            reduction="sum",
        )
        return numerator, is_known.sum()

    def headline_sums(self, outputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the number of known labels that are predicted, and of all known labels."""
        is_known = ~target.isnan()
        is_correct = (outputs > 0) == (target > 0.5)
        return (is_correct & is_known).sum(), is_known.sum()


def make_objective(
    spec: TargetSpec, config: TrainConfig, train_values: npt.NDArray[Any], device: torch.device
) -> Objective:
    """Return the objective of a target.

    Parameters
    ----------
    spec
        Target, with mean and standard deviation of a number by `fit_target`.
    config
        Loss, class weights and label smoothing.
    train_values
        Targets of the training windows, as in `TargetValues`.
    device
        Device of the loss.

    Raises
    ------
    ConfigError
        Class weights or label smoothing do not apply to this kind of target.

    Examples
    --------
    >>> spec = TargetSpec("label", "classes", ("label",), ("rest", "move"))
    >>> config = TrainConfig(class_weights="inverse")
    >>> objective = make_objective(spec, config, np.array([0, 0, 0, 1]), torch.device("cpu"))
    >>> numerator, denominator = objective.loss_sums(torch.zeros(2, 2), torch.tensor([0, 1]))
    >>> round(float(denominator), 4), round(float(numerator / denominator), 4)
    (2.6667, 0.6931)
    """
    check_objective(spec, config)
    is_weighted = config.class_weights is not None
    if spec.kind == "number":
        return NumberObjective(spec.mean, spec.std, config.loss)
    if spec.kind == "shares":
        return SharesObjective(spec.n_outputs, config.label_smoothing)
    if spec.kind == "labels":
        weights = _weigh_positives(train_values) if is_weighted else None
        return LabelsObjective(spec.n_outputs, _as_tensor(weights, device))
    weights = weigh_classes(train_values, spec.n_outputs) if is_weighted else None
    return ClassObjective(spec.n_outputs, _as_tensor(weights, device), config.label_smoothing)


def check_objective(spec: TargetSpec, config: TrainConfig) -> None:
    """Check that class weights and label smoothing apply to the kind of the target.

    Raises
    ------
    ConfigError
        An option does not apply.
    """
    if config.class_weights is not None and spec.kind not in ("classes", "labels"):
        raise ConfigError(
            f"class weights need a target of classes or labels, but {spec.name!r} is of kind "
            f"{spec.kind}; leave out --class-weights"
        )
    if config.label_smoothing and spec.kind not in ("classes", "shares"):
        raise ConfigError(
            f"label smoothing needs a target of classes or shares, but {spec.name!r} is of kind "
            f"{spec.kind}; leave out --label-smoothing"
        )


def fit_target(spec: TargetSpec, train_values: npt.NDArray[Any]) -> TargetSpec:
    """Return a target with mean and standard deviation of its training windows.

    Parameters
    ----------
    spec
        Target. If it is no number, it is returned unchanged.
    train_values
        Targets of the training windows, as in `TargetValues`.

    Raises
    ------
    TargetError
        All training windows have the same number, or none has one.

    Examples
    --------
    >>> age = TargetSpec("age", "number", ("age",), ("age",))
    >>> fitted = fit_target(age, np.array([20, 40, np.nan], np.float32))
    >>> fitted.mean, fitted.std
    (30.0, 10.0)
    """
    if spec.kind != "number":
        return spec
    numbers = np.asarray(train_values, np.float64)
    numbers = numbers[~np.isnan(numbers)]
    if not len(numbers):
        raise TargetError(f"no training window has a {spec.name!r}; choose another split")
    std = float(numbers.std())
    if not std > 0 or (numbers == numbers[0]).all():
        raise TargetError(
            f"{spec.name!r} is {numbers[0]:g} in all training windows, so there is nothing to "
            "learn; choose another split"
        )
    return replace(spec, mean=float(numbers.mean()), std=std)


def weigh_classes(class_indices: npt.NDArray[np.int64], n_classes: int) -> npt.NDArray[np.float64]:
    """Return weights (n_classes,) inversely proportional to the frequency of the classes.

    The weight is n_windows / (n_present_classes * windows of the class), which is 1 for balanced
    classes. Classes without a window have weight 0 and do not count.

    Examples
    --------
    >>> weigh_classes(np.array([0, 0, 0, 2]), 3).round(3).tolist()
    [0.667, 0.0, 2.0]
    """
    counts = np.bincount(class_indices[class_indices >= 0], minlength=n_classes)
    weights = np.zeros(n_classes)
    present = counts > 0
    weights[present] = counts.sum() / (present.sum() * counts[present])
    return weights


def _weigh_positives(labels: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return negatives / positives of each label, 0 for a label without positives."""
    positives = (labels == 1).sum(axis=0)
    negatives = (labels == 0).sum(axis=0)
    weights = np.zeros(labels.shape[1])
    np.divide(negatives, positives, out=weights, where=positives > 0)
    return weights


def _as_tensor(values: npt.NDArray[np.float64] | None, device: torch.device) -> Tensor | None:
    if values is None:
        return None
    return torch.from_numpy(values).to(device, torch.float32)


def _count(target: Tensor) -> Tensor:
    """Return the number of windows of a batch, on its device, without waiting for the device."""
    return torch.full((), len(target), device=target.device, dtype=torch.int64)


def _check_shapes(
    outputs: Tensor, target: Tensor, output_shape: tuple[int, ...], target_shape: tuple[int, ...]
) -> None:
    """Raise `ModelError` if a shape is another, because torch would broadcast it."""
    if outputs.shape != output_shape or target.shape != target_shape:
        raise ModelError(
            f"the model returned outputs of shape {tuple(outputs.shape)} for a target of shape "
            f"{tuple(target.shape)}; expected {output_shape} and {target_shape}"
        )
