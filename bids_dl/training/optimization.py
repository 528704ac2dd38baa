"""Optimizer, learning rate and moving average of the weights."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import ConfigError
from bids_dl.wording import closest, join_names

REFUSED_OPTIMIZERS = {
    "LBFGS": "it evaluates the loss several times per step",
    "SparseAdam": "it is for sparse gradients",
    "Muon": "it is for matrices only, and a network has biases too",
}
REFUSALS = (TypeError, ValueError, RuntimeError, LookupError, AttributeError, AssertionError)
"""Errors of optimizers of torch about their options."""
OWN_OPTIONS = {"lr": "--lr", "weight_decay": "--weight-decay"}


def find_optimizer(name: str) -> type[torch.optim.Optimizer]:
    """Return the class of ``torch.optim`` with a name, in any case.

    Raises
    ------
    ConfigError
        There is no such class, or the loop cannot use it.

    Examples
    --------
    >>> find_optimizer("adamw").__name__
    'AdamW'
    """
    available = _list_optimizers()
    refused = {refused_name.lower(): refused_name for refused_name in REFUSED_OPTIMIZERS}
    if name.lower() in refused:
        reason = REFUSED_OPTIMIZERS[refused[name.lower()]]
        raise ConfigError(f"--optimizer {name}: not available, because {reason}")
    if name.lower() not in available:
        match = closest(name.lower(), available)
        hint = f", did you mean {match!r}?" if match else ""
        raise ConfigError(
            f"--optimizer {name}: torch.optim has no such optimizer{hint}; "
            f"available: {', '.join(available)}"
        )
    return available[name.lower()]


def make_optimizer(
    parameters: Iterable[nn.Parameter], config: TrainConfig
) -> torch.optim.Optimizer:
    """Build the optimizer of a training.

    Parameters
    ----------
    parameters
        Parameters to optimize.
    config
        Name of the optimizer, learning rate, weight decay and further options.

    Raises
    ------
    ConfigError
        The optimizer does not exist, or refuses an option.

    Examples
    --------
    >>> config = TrainConfig(optimizer="sgd", optimizer_options={"momentum": 0.9})
    >>> make_optimizer([nn.Parameter(torch.zeros(2))], config).defaults["momentum"]
    0.9
    """
    make = find_optimizer(config.optimizer)
    accepted = list(inspect.signature(make).parameters)[1:]
    for name in config.optimizer_options:
        if name in OWN_OPTIONS:
            raise ConfigError(
                f"--optimizer-option {name}: {name} has an option of its own, {OWN_OPTIONS[name]}"
            )
        if name not in accepted:
            match = closest(name, accepted)
            hint = f", did you mean {match!r}?" if match else ""
            others = [option for option in accepted if option not in OWN_OPTIONS]
            raise ConfigError(
                f"--optimizer-option {name}: {make.__name__} has no such option{hint}; "
                f"available: {', '.join(others)}"
            )
    options: dict[str, Any] = {"lr": config.lr, **config.optimizer_options}
    if "weight_decay" in accepted:
        options["weight_decay"] = config.weight_decay
    elif config.weight_decay:
        raise ConfigError(
            f"--weight-decay {config.weight_decay:g}: {make.__name__} has no weight decay; "
            "add --weight-decay 0"
        )
    try:
        return make(parameters, **options)
    except REFUSALS as error:
        raise _describe_refusal(config, error) from error


def check_optimizer(config: TrainConfig, device: torch.device) -> None:
    """Make a step of the optimizer on two weights, because it checks some options only then.

    Raises
    ------
    ConfigError
        The optimizer does not exist, or refuses an option or the device.

    Examples
    --------
    >>> check_optimizer(TrainConfig(optimizer="sgd"), torch.device("cpu"))
    """
    weights = nn.Parameter(torch.zeros(1, 2, device=device))
    weights.grad = torch.ones_like(weights)
    optimizer = make_optimizer([weights], config)
    try:
        optimizer.step()
    except REFUSALS as error:
        raise _describe_refusal(config, error) from error


def learning_rate(step: int, steps_per_epoch: int, config: TrainConfig) -> float:
    """Return the learning rate of a step.

    It rises linearly from ``lr`` / (number of warm-up steps) to ``lr``, and is constant from then
    on, or falls to ``min_lr`` at the last step along half a cosine (Loshchilov and Hutter 2017,
    arXiv:1608.03983).

    Parameters
    ----------
    step
        Number of the step, from 0, counted over all epochs.
    steps_per_epoch
        Steps of one epoch.
    config
        Learning rate, warm-up, schedule and number of epochs.

    Examples
    --------
    >>> config = TrainConfig(lr=1.0, warmup=1, schedule="cosine", epochs=3)
    >>> [round(learning_rate(step, 2, config), 3) for step in range(6)]
    [0.5, 1.0, 1.0, 0.75, 0.25, 0.0]
    """
    n_warmup = round(config.warmup * steps_per_epoch)
    if step < n_warmup:
        return config.lr * ((step + 1) / n_warmup)
    if config.schedule == "constant":
        return config.lr
    n_left = config.epochs * steps_per_epoch - n_warmup
    progress = (step - n_warmup) / max(1, n_left - 1)
    share = (1 + math.cos(math.pi * min(1.0, progress))) / 2
    return config.min_lr + (config.lr - config.min_lr) * share


def set_learning_rate(optimizer: torch.optim.Optimizer, value: float) -> None:
    """Set the learning rate of all parameters."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(value)
        else:
            group["lr"] = value


def make_average(model: nn.Module, decay: float | None) -> AveragedModel | None:
    """Build the exponential moving average of the weights of a model, None without a decay.

    Buffers, such as those of batch norm, are copied from the model.
    """
    if decay is None:
        return None
    averaging = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return AveragedModel(model, multi_avg_fn=averaging)


def _describe_refusal(config: TrainConfig, error: Exception) -> ConfigError:
    given = join_names(f"{key}={value}" for key, value in config.optimizer_options.items())
    with_options = f" with {given}" if given else ""
    name = find_optimizer(config.optimizer).__name__
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return ConfigError(
        f"--optimizer {config.optimizer}{with_options}: {name} refuses it ({reason})"
    )


def _list_optimizers() -> dict[str, type[torch.optim.Optimizer]]:
    """Return the optimizers of torch.optim that the loop can use, by lower-case name."""
    found: dict[str, type[torch.optim.Optimizer]] = {}
    for name, member in vars(torch.optim).items():
        is_optimizer = isinstance(member, type) and issubclass(member, torch.optim.Optimizer)
        if is_optimizer and member is not torch.optim.Optimizer and name not in REFUSED_OPTIMIZERS:
            found[name.lower()] = member
    return dict(sorted(found.items()))
