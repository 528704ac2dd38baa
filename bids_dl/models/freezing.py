"""Layers that a training keeps as they are."""

from __future__ import annotations

from torch import nn

from bids_dl.config.training_options import Frozen
from bids_dl.errors import ConfigError

HEAD = "final_layer"  # last layers of models of braindecode


def find_head(model: nn.Module) -> str:
    """Return the name of the last layer, or of the last layers of a model of braindecode.

    Examples
    --------
    >>> find_head(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)))
    '2'
    """
    names = _layers(model)
    for name in names:
        path = name.split(".")
        if HEAD in path:
            return ".".join(path[: path.index(HEAD) + 1])
    return names[-1]


def freeze(model: nn.Module, frozen: Frozen) -> list[str]:
    """Exclude layers of a model from training in place, and return the names of the others.

    `set_training_mode` must be called before each epoch in place of ``model.train()``, because
    the running statistics of batch norm and the dropout of frozen layers must not act.

    Parameters
    ----------
    model
        The model.
    frozen
        ``"trunk"``: all layers but the last. ``"middle"``: all layers but the first and the last.

    Raises
    ------
    ConfigError
        No layer would be frozen.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    >>> freeze(model, "trunk")
    ['2']
    >>> [parameter.requires_grad for parameter in model.parameters()]
    [False, False, False, False, True, True]
    """
    trained = [find_head(model)]
    names = _layers(model)
    if frozen == "middle" and names[0] not in trained:
        trained.insert(0, names[0])
    if all(_is_within(name, trained) for name in names):
        raise ConfigError(f"--freeze {frozen}: the model has no other layers than {trained}")
    for name, parameter in model.named_parameters():
        if not _is_within(name.rpartition(".")[0], trained):
            parameter.requires_grad_(False)
    return trained


def set_training_mode(model: nn.Module, frozen: Frozen | None) -> None:
    """Put a model into training mode, except for its frozen layers.

    With frozen layers, only the modules whose own parameters are trained are in training mode.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    >>> trained = freeze(model, "trunk")
    >>> set_training_mode(model, "trunk")
    >>> [layer.training for layer in model]
    [False, False, True]
    """
    model.train(frozen is None)
    if frozen is None:
        return
    for module in model.modules():
        module.training = any(
            parameter.requires_grad for parameter in module.parameters(recurse=False)
        )


def _layers(model: nn.Module) -> list[str]:
    """Return the names of the modules that have parameters of their own, in order."""
    names: list[str] = []
    for name, module in model.named_modules():
        if name and next(module.parameters(recurse=False), None) is not None:
            names.append(name)
    return names or [""]


def _is_within(name: str, layers: list[str]) -> bool:
    return any(name == layer or name.startswith(f"{layer}.") for layer in layers)
