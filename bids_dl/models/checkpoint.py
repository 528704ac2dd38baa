"""A trained model as one safetensors file with the description that rebuilds the model."""

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

METADATA_KEY = "bids_dl"  # of the card in the header of the file


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Description of a model, its input and its output, stored as JSON in the checkpoint.

    Parameters
    ----------
    model
        Name in the registry.
    channels, n_times, sfreq
        Channel names in order, samples and sampling rate (Hz) of the windows.
    target, classes
        Column that the model predicts, and the class name of each logit.
    normalize
        Normalization of the windows, as in `StreamingDataset`.
    options
        Options of the model.
    mean, std
        Statistics of each channel over the training persons, in µV, with
        ``normalize="training"``. Empty otherwise.
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
    def stream_normalize(
        self,
    ) -> str | tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
        """Value of `StreamingDataset`'s ``normalize`` that gives the model its usual input."""
        if self.normalize == "training":
            return np.array(self.mean), np.array(self.std)
        return self.normalize

    def build(self) -> nn.Module:
        """Build the model with initial weights."""
        return build(
            self.model,
            n_chans=len(self.channels),
            n_times=self.n_times,
            n_outputs=len(self.classes),
            sfreq=self.sfreq,
            **self.options,
        )


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
        The file is missing, damaged or not written by `save_checkpoint`.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = (file.metadata() or {}).get(METADATA_KEY, "")
            names = list(file.keys())
            tensors = {name: file.get_tensor(name) for name in names}
        values = json.loads(metadata)
        for name, value in values.items():
            if isinstance(value, list):
                values[name] = tuple(value)
        card = ModelCard(**values)
        model = card.build()
        model.load_state_dict(tensors)
    except (OSError, SafetensorError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"{path.name}: not a checkpoint of a bids-dl run ({reason})") from error
    return model.eval(), card
