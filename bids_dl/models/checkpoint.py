"""A trained model as one safetensors file that says how to rebuild it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize
from torch import nn

from bids_dl.errors import ModelError
from bids_dl.models.registry import build

Statistics = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a model was built and trained for.

    Parameters
    ----------
    channels, n_times, sfreq
        Names in order, samples and rate (Hz) of the windows.
    target, classes
        Column it predicts and the meaning of each logit.
    normalize
        As in `StreamingDataset`.
    mean, std
        What ``normalize="training"`` found in the people trained on, in µV per channel; else empty.
    """

    model: str
    channels: tuple[str, ...]
    n_times: int
    sfreq: float
    target: str
    classes: tuple[str, ...]
    normalize: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    @property
    def scaling(self) -> str | Statistics | None:
        """What to give `StreamingDataset` as ``normalize``."""
        return (
            (np.array(self.mean), np.array(self.std))
            if self.normalize == "training"
            else self.normalize
        )

    def build(self) -> nn.Module:
        """Make the model with fresh weights."""
        shape = {
            "n_chans": len(self.channels),
            "n_times": self.n_times,
            "n_outputs": len(self.classes),
        }
        return build(self.model, **shape, sfreq=self.sfreq, **self.options)


def save(model: nn.Module, card: ModelCard, path: Path) -> None:
    """Write weights and card; the same weights and card give the same bytes."""
    tensors = {
        name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()
    }
    content = serialize(tensors, metadata={"bids_dl": json.dumps(asdict(card))})
    path.write_bytes(
        content
    )  # the library's own save_file makes a file that only its owner can read


def load(path: Path) -> tuple[nn.Module, ModelCard]:
    """Return the model, on the CPU and in evaluation mode, and its card.

    Raises
    ------
    ModelError
        Where the file is missing, damaged or not written by `save`.
    """
    try:
        with safe_open(path, framework="pt") as file:
            said = (file.metadata() or {}).get("bids_dl", "")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        values = json.loads(said)
        card = ModelCard(**{name: _tuple(value) for name, value in values.items()})
        model = card.build()
        model.load_state_dict(tensors)
    except (OSError, SafetensorError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise ModelError(
            f"{path.name}: not the weights of a bids-dl run ({str(error).splitlines()[0]})"
        ) from error
    return model.eval(), card


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
