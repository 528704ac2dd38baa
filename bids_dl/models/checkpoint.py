"""A trained model as one safetensors file with the description that rebuilds the model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize
from torch import nn

from bids_dl.config.json_schema import Schema, find_violation
from bids_dl.errors import ModelError, RequestError
from bids_dl.input import open_regular, parse_json
from bids_dl.models.channel_map import prepend_map
from bids_dl.models.registry import build, find_spec
from bids_dl.models.target import TargetSpec

METADATA_KEY = "bids_dl"  # of the card in the header of the file
FAILURES = (
    *(OSError, SafetensorError, ValueError, TypeError, AttributeError, RuntimeError),
    *(MemoryError, OverflowError),
)
"""Errors of reading a file that is not a checkpoint."""
NAMES: Schema = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 100_000}
NUMBERS: Schema = {
    "type": "array",
    "items": {"type": "number", "minimum": -1e300, "maximum": 1e300},
}
POSITION: Schema = {**NUMBERS, "minItems": 3, "maxItems": 3}
TARGET: Schema = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "kind": {"type": "string", "enum": ["classes", "number", "shares", "labels"]},
        "columns": NAMES,
        "outputs": NAMES,
        "mean": {"type": "number", "minimum": -1e300, "maximum": 1e300},
        "std": {"type": "number", "exclusiveMinimum": 0, "maximum": 1e300},
    },
    "required": ["name", "kind", "columns", "outputs"],
}
CARD_SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "model": {"type": "string"},
        "channels": NAMES,
        "n_times": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
        "sfreq": {"type": "number", "exclusiveMinimum": 0, "maximum": 1e6},
        "target": TARGET,
        "normalize": {"type": "string", "enum": ["window", "recording", "training", "none"]},
        "options": {"type": "object"},
        "mean": NUMBERS,
        "std": NUMBERS,
        "positions": {"type": "array", "items": POSITION, "maxItems": 100_000},
        "package": {"type": "string"},
        "weights_sha256": {"type": "string"},
        "network_channels": {**NAMES, "minItems": 0},
        "channel_map": {"type": "array", "items": NUMBERS, "maxItems": 100_000},
    },
    "required": ["model", "channels", "n_times", "sfreq", "target"],
}
"""Schema of a card as JSON."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Description of a model, its input and its output, stored as JSON in the checkpoint.

    Parameters
    ----------
    model
        Name in the registry.
    channels, n_times, sfreq
        Channel names in order, samples and sampling rate (Hz) of the windows.
    target
        Target of the model, and the meaning of its outputs.
    normalize
        Normalization of the windows, as in `StreamingDataset`, or ``"none"`` for µV.
    options
        Options of the model.
    mean, std
        Statistics of each channel over the training windows, in µV, with
        ``normalize="training"``. Empty otherwise.
    positions
        Positions of the channels of the network in m, in head coordinates, for models that need
        them.
    package
        Distribution and version of a model of another package. Empty for models of bids-dl.
    weights_sha256
        SHA-256 of the weights that the training began with. Empty for initial weights.
    network_channels, channel_map
        Names of the channels of the network, and the matrix (n_network_channels, n_chans) that
        computes them, if the network has other channels than the windows. Empty otherwise.
    """

    model: str
    channels: tuple[str, ...]
    n_times: int
    sfreq: float
    target: TargetSpec
    normalize: str = "none"
    options: dict[str, Any] = field(default_factory=dict)
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    positions: tuple[tuple[float, float, float], ...] = ()
    package: str = ""
    weights_sha256: str = ""
    network_channels: tuple[str, ...] = ()
    channel_map: tuple[tuple[float, ...], ...] = ()

    @property
    def input_channels(self) -> tuple[str, ...]:
        """Names of the channels that the network itself has, in order."""
        return self.network_channels or self.channels

    @property
    def stream_normalize(
        self,
    ) -> str | tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
        """Value of `StreamingDataset`'s ``normalize`` that gives the model its usual input."""
        if self.normalize == "training":
            return np.array(self.mean), np.array(self.std)
        return None if self.normalize == "none" else self.normalize

    def build(self) -> nn.Module:
        """Build the model with initial weights."""
        network = build(
            self.model,
            n_chans=len(self.input_channels),
            n_times=self.n_times,
            n_outputs=self.target.n_outputs,
            sfreq=self.sfreq,
            ch_names=self.input_channels,
            positions=self.positions or None,
            **self.options,
        )
        return prepend_map(self.channel_map, network) if self.network_channels else network


def save_checkpoint(model: nn.Module, card: ModelCard, path: Path) -> None:
    """Write the weights and the card. The same weights and card give the same bytes."""
    tensors = {
        name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()
    }
    content = serialize(tensors, metadata={METADATA_KEY: json.dumps(asdict(card))})
    path.write_bytes(content)  # not save_file, whose files only the owner can read


def load_checkpoint(path: Path) -> tuple[nn.Module, ModelCard]:
    """Return the model of a checkpoint, on the CPU and in evaluation mode, and its card.

    Raises
    ------
    ModelError
        The file is missing, damaged or not written by `save_checkpoint`, or the package of the
        model is not installed.
    """
    try:
        open_regular(path).close()  # because safetensors would wait for the writer of a pipe
        with safe_open(path, framework="pt") as file:
            card = _parse_card((file.metadata() or {}).get(METADATA_KEY, ""))
            _check_package(path.name, card)
            _check_shapes(card, file)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        model = card.build()
        model.load_state_dict(tensors)
    except FAILURES as error:
        reason = (getattr(error, "strerror", None) or str(error) or "too large").splitlines()[0]
        raise ModelError(f"{path.name}: not a checkpoint of a bids-dl run ({reason})") from error
    return model.eval(), card


def _parse_card(text: str) -> ModelCard:
    """Return the card in the header of a checkpoint.

    Raises
    ------
    ValueError
        The text is not JSON, or has values of wrong types.
    """
    values = _upgrade_card(parse_json(text))
    problem = find_violation(values, CARD_SCHEMA, "card")
    if problem:
        raise ValueError(problem)
    target = TargetSpec(**_with_tuples(values["target"]))
    problem = _find_wrong_target(target)
    if problem:
        raise ValueError(problem)
    rows = {name: tuple(map(tuple, values.get(name, ()))) for name in ("positions", "channel_map")}
    card = ModelCard(**_with_tuples(values | {"target": target} | rows))
    if card.normalize == "training" and not len(card.mean) == len(card.std) == len(card.channels):
        raise ValueError(f"{len(card.mean)} means for {len(card.channels)} channels")
    widths = [len(row) for row in card.channel_map]
    if widths != [len(card.channels)] * len(card.network_channels):
        raise ValueError(
            f"a channel map of {len(widths)} rows for {len(card.network_channels)} channels of "
            f"the network and {len(card.channels)} of the windows"
        )
    return card


def _upgrade_card(values: Any) -> Any:
    """Return a card of an earlier version, which names a column and its classes, as a new one."""
    if not isinstance(values, dict) or "classes" not in values:
        return values
    column = values.get("target")
    target = {"name": column, "kind": "classes", "columns": [column], "outputs": values["classes"]}
    upgraded = values | {"target": target, "normalize": values.get("normalize") or "none"}
    del upgraded["classes"]
    return upgraded


def _with_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }


def _find_wrong_target(target: TargetSpec) -> str | None:
    """Describe columns or outputs that do not fit the kind of a target, or return None."""
    columns = ", ".join(target.columns)
    if target.kind in ("classes", "number") and len(target.columns) != 1:
        return f"card.target of kind {target.kind} has the columns {columns}, expected one"
    if target.kind != "classes" and target.outputs != target.columns:
        return f"card.target has outputs {', '.join(target.outputs)} for the columns {columns}"
    return None


def _check_package(name: str, card: ModelCard) -> None:
    """Raise `ModelError` with the package of a model that cannot be found."""
    try:
        find_spec(card.model)
    except RequestError as error:
        if not card.package:
            raise
        raise ModelError(
            f"{name}: its model {card.model} is from {card.package}, which must be installed here "
            f"({error})"
        ) from error


def _check_shapes(card: ModelCard, file: Any) -> None:
    """Compare the shapes in a file with those of the model, before memory is allocated for it.

    Raises
    ------
    ValueError
        A shape differs, so the card describes another model.
    """
    found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    if find_spec(card.model).needs_memory:
        return  # load_state_dict compares
    with torch.device("meta"):  # tensors without memory
        state = card.build().state_dict()
    expected = {name: tuple(tensor.shape) for name, tensor in state.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise ValueError(
                f"weights {name} have the shape {found.get(name)}, the model of the card has "
                f"{expected.get(name)}"
            )
