"""Weights of a trained model of ours, as those that another training begins with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from bids_dl.errors import ModelError
from bids_dl.models.channel_map import NETWORK_PREFIX
from bids_dl.models.checkpoint import ModelCard, load_checkpoint
from bids_dl.models.freezing import find_head
from bids_dl.models.registry import find_spec
from bids_dl.models.target import TargetSpec
from bids_dl.wording import count, join_names

SHOWN = 3  # names of tensors in a message

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class SourceModel:
    """A trained model that a training begins with.

    Parameters
    ----------
    name
        Name for messages.
    card
        Its description.
    sha256
        SHA-256 of its checkpoint.
    tensors
        Weights and buffers of its network by name, without those of a channel map.
    """

    name: str
    card: ModelCard
    sha256: str
    tensors: Mapping[str, Tensor]


def read_source(path: Path, name: str) -> SourceModel:
    """Read a trained model from its checkpoint, without drawing random numbers.

    Raises
    ------
    ModelError
        The file is missing or no checkpoint of a run.
    """
    with torch.random.fork_rng(devices=[]):
        model, card = load_checkpoint(path)
    tensors = model.state_dict()
    if card.network_channels:
        network = {key for key in tensors if key.startswith(NETWORK_PREFIX)}
        tensors = {key.removeprefix(NETWORK_PREFIX): tensors[key] for key in network}
    return SourceModel(name, card, hashlib.sha256(path.read_bytes()).hexdigest(), tensors)


def load_source(model: nn.Module, card: ModelCard, source: SourceModel) -> str:
    """Load the tensors of a trained model into a new one in place.

    The last layer is loaded too if both have the same target, of the same kind, columns and
    outputs, in the same order. Otherwise it keeps its initial weights.

    Parameters
    ----------
    model
        Model with initial weights, of the same architecture and options.
    card
        Its description.
    source
        The trained model.

    Returns
    -------
    str
        One line on the tensors that were loaded and are new.

    Raises
    ------
    ModelError
        No tensor fits, or those of windows of another length do not.
    """
    prefix = NETWORK_PREFIX if card.network_channels else ""
    expected: dict[str, Tensor] = {}
    for key, tensor in model.state_dict().items():
        if key.startswith(prefix):
            expected[key.removeprefix(prefix)] = tensor
    head = find_head(model).removeprefix(prefix)
    is_head = {key: _belongs_to(key, head) for key in expected}
    unfit = find_misfits(_shapes_of(source.tensors), _shapes_of(expected))
    _check_trunk([key for key in unfit if not is_head[key]], card, source)
    has_new_head = not _is_same_target(card.target, source.card.target) or any(
        is_head[key] for key in unfit
    )
    new = [key for key in expected if key in unfit or (has_new_head and is_head[key])]
    fitting = {f"{prefix}{key}": source.tensors[key] for key in expected if key not in new}
    if not fitting:
        raise ModelError(
            f"--init-from {source.name}: none of its {count(len(source.tensors), 'tensor')} is "
            f"loaded, because model {card.model} has no other layer than the last one, {head}; "
            "train without it"
        )
    model.load_state_dict(fitting, strict=False)
    return _describe(source, card, len(fitting), new, head)


def find_misfits(given: Shapes, expected: Shapes) -> list[str]:
    """Return the names of expected tensors that are missing, or have another shape.

    Examples
    --------
    >>> find_misfits({"a": (2,), "b": (3,)}, {"a": (2,), "b": (4,), "c": (1,)})
    ['b', 'c']
    """
    return [key for key, shape in expected.items() if given.get(key) != shape]


def is_for_any_channels(card: ModelCard) -> bool:
    """Return whether a network takes windows of any channels.

    So it is if no weight or buffer depends on the number of channels, and the network is given
    their positions or names, or ignores their order.
    """
    spec = find_spec(card.model)
    channels = card.input_channels
    tells_apart = spec.needs_positions or spec.needs_names
    if not (tells_apart or spec.any_channels) or len(channels) < 2:
        return False
    bare = replace(card, channels=channels, network_channels=(), channel_map=())
    fewer = replace(bare, channels=channels[:-1], positions=card.positions[:-1])
    device = "cpu" if spec.needs_memory else "meta"
    try:
        with torch.random.fork_rng(devices=[]), torch.device(device):
            shapes = [_trunk_shapes(each.build()) for each in (bare, fewer)]
    except ModelError:  # it requires these channels
        return False
    return shapes[0] == shapes[1]


def _trunk_shapes(model: nn.Module) -> Shapes:
    """Return the shapes of the tensors of all layers but the last."""
    head = find_head(model)
    state = _shapes_of(model.state_dict())
    return {key: shape for key, shape in state.items() if not _belongs_to(key, head)}


def _belongs_to(key: str, layer: str) -> bool:
    return key == layer or key.startswith(f"{layer}.")


def _shapes_of(tensors: Mapping[str, Tensor]) -> Shapes:
    return {key: tuple(tensor.shape) for key, tensor in tensors.items()}


def _is_same_target(target: TargetSpec, other: TargetSpec) -> bool:
    return (target.kind, target.columns, target.outputs) == (
        other.kind,
        other.columns,
        other.outputs,
    )


def _check_trunk(unfit: list[str], card: ModelCard, source: SourceModel) -> None:
    """Refuse weights that are missing or of another shape in other layers than the last.

    Architecture, options, rate and channels are the same, so only the length can be another.
    """
    if not unfit:
        return
    raise ModelError(
        f"--init-from {source.name}: {join_names(unfit, limit=SHOWN)} of model {card.model} have "
        f"another shape; it was trained on windows of {source.card.n_times} samples, the store has "
        f"{card.n_times}; convert the store with windows of {source.card.n_times} samples"
    )


def _describe(
    source: SourceModel, card: ModelCard, n_loaded: int, new: list[str], head: str
) -> str:
    """Describe what was loaded, left and is new in one line."""
    unused = len(source.tensors) - n_loaded
    text = f"--init-from {source.name}: {count(n_loaded, 'tensor')} loaded"
    if not new:
        return f"{text}, with the last layer {head}, because the target is the same"
    reason = f"the run predicts {_name_target(source.card.target)}"
    if _is_same_target(card.target, source.card.target):
        reason = "its shape is another"
    return (
        f"{text}, {unused} left, {len(new)} new ({join_names(new, limit=SHOWN)}): the last layer "
        f"{head} is new, because {reason}"
    )


def _name_target(target: TargetSpec) -> str:
    names = join_names(target.outputs, limit=SHOWN) if target.kind == "classes" else ""
    return f"{target.name} ({names})" if names else target.name
