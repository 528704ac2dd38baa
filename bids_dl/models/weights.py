"""Pretrained weights from a file, or from the Hugging Face hub if that is asked for."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from bids_dl.errors import ConfigError, MissingPackageError, ModelError
from bids_dl.input import open_regular
from bids_dl.models.adapters.braindecode import BraindecodeModel
from bids_dl.models.adapters.timm import TimmModel
from bids_dl.models.freezing import find_head
from bids_dl.models.spec import ModelSpec
from bids_dl.requirements import describe_missing
from bids_dl.wording import join_names

FROM_HUB = "pretrained"  # value of --weights that allows the network
HUB_FILE = "model.safetensors"
CONTAINERS = ("state_dict", "model", "model_state_dict")  # keys around the tensors of a file
PREFIXES = ("module.", "_orig_mod.")  # that DistributedDataParallel and compile add to names
SHOWN = 3  # names of tensors in a message


@dataclass(frozen=True, slots=True)
class PretrainedFile:
    """A file of weights that a training begins with.

    Parameters
    ----------
    name
        Name of the file, or of the repository on the hub.
    path
        The file.
    sha256
        SHA-256 of the file.
    """

    name: str
    path: Path
    sha256: str


def find_weights(source: str, spec: ModelSpec) -> PretrainedFile:
    """Return the file of the weights of ``--weights``.

    Parameters
    ----------
    source
        Path of a file, or ``"pretrained"`` for the weights of the model on the hub. Only the
        latter uses the network.
    spec
        Model that is trained.

    Raises
    ------
    ConfigError
        There is no file, or no pretrained weights of this model are known.
    ModelError
        The hub cannot be reached.
    """
    name = source
    path = Path(source)
    if source == FROM_HUB:
        name = spec.hub
        path = _fetch_from_hub(spec)
    elif not path.is_file():
        raise ConfigError(
            f"--weights {source}: no such file; give a .safetensors or .pth file, or "
            f"{FROM_HUB!r} for weights of the Hugging Face hub"
        )
    else:
        name = path.name
    with open_regular(path) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return PretrainedFile(name, path, digest)


def load_weights(model: nn.Module, file: PretrainedFile) -> list[str]:
    """Load pretrained weights into a model in place. Its last layer stays new.

    Parameters
    ----------
    model
        Model with initial weights.
    file
        File of `find_weights`.

    Returns
    -------
    list of str
        One line on the tensors that were loaded, are new, or were left out.

    Raises
    ------
    ModelError
        The file holds no weights, runs code, or no tensor of it fits the model.
    """
    state = read_state(file.path)
    network = model.network if isinstance(model, BraindecodeModel | TimmModel) else model
    head = find_head(network)
    expected = network.state_dict()
    if isinstance(model, TimmModel):
        model.load_file(file.path)
    fitting: dict[str, Tensor] = {}
    mismatched: list[str] = []
    for name, tensor in state.items():
        if name not in expected or _belongs_to(name, head):
            continue
        if tensor.shape == expected[name].shape:
            fitting[name] = tensor
        elif isinstance(model, TimmModel):  # which has adapted it
            fitting[name] = expected[name]
        else:
            shapes = f"{tuple(tensor.shape)} for {tuple(expected[name].shape)}"
            mismatched.append(f"{name} {shapes}")
    if not fitting:
        raise ModelError(
            f"--weights {file.name}: none of its {len(state)} tensors fits the model; it has "
            f"{join_names(state, limit=SHOWN)}, the model has {join_names(expected, limit=SHOWN)}"
        )
    if not isinstance(model, TimmModel):
        network.load_state_dict(fitting, strict=False)
    new = [name for name in expected if name not in fitting]
    unused = [name for name in state if name not in expected]
    return [_describe(file.name, len(fitting), new, unused, mismatched)]


def read_state(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a file by name, without running any code of it.

    Raises
    ------
    ModelError
        The file is damaged, holds no tensors, or is a pickle that runs code.
    """
    try:
        if path.suffix == ".safetensors":
            open_regular(path).close()
            content: Any = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"--weights {path.name}: a pickle of more than tensors, which may run code, is "
            "refused; save the state_dict, or use safetensors"
        ) from error
    except (OSError, RuntimeError, ValueError, EOFError, SafetensorError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"--weights {path.name}: cannot be read as weights ({reason})") from error
    for key in CONTAINERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    state: dict[str, Tensor] = {}
    if isinstance(content, Mapping):
        for name, value in content.items():
            if isinstance(value, Tensor):
                state[_without_prefix(str(name))] = value
    if not state:
        raise ModelError(f"--weights {path.name}: it holds no tensors by name")
    return state


def _fetch_from_hub(spec: ModelSpec) -> Path:
    """Download the pretrained weights of a model, or find them in the cache of the hub."""
    if not spec.hub:
        raise ConfigError(
            f"--weights {FROM_HUB}: no pretrained weights of model {spec.name} are known; "
            "give a file"
        )
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as error:
        raise MissingPackageError(
            f"--weights {FROM_HUB}: {describe_missing('huggingface_hub')}"
        ) from error
    try:
        return Path(hf_hub_download(spec.hub, HUB_FILE))
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"--weights {FROM_HUB}: {spec.hub} of model {spec.name} cannot be fetched "
            f"({type(error).__name__}: {reason}); download {HUB_FILE} elsewhere and name the file"
        ) from error


def _without_prefix(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _belongs_to(name: str, head: str) -> bool:
    return name == head or name.startswith(f"{head}.")


def _describe(
    name: str, n_loaded: int, new: list[str], unused: list[str], mismatched: list[str]
) -> str:
    parts = [f"--weights {name}: {n_loaded} tensors loaded"]
    if new:
        parts.append(f"{len(new)} new ({join_names(new, limit=SHOWN)})")
    if unused:
        parts.append(f"{len(unused)} of the file unused ({join_names(unused, limit=SHOWN)})")
    if mismatched:
        shown = join_names(mismatched, limit=SHOWN)
        parts.append(f"{len(mismatched)} of another shape ({shown})")
    return ", ".join(parts)
