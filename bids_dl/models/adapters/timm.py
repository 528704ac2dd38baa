"""Image networks of timm on spectrograms, as ``timm/<name>``."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bids_dl.errors import ConfigError, ModelError
from bids_dl.models.adapters.packages import import_optional, installed_version
from bids_dl.models.spec import ModelSpec
from bids_dl.transforms import ImageSettings, PowerImage, SpectrogramImage
from bids_dl.transforms.power_image import PowerSettings
from bids_dl.transforms.spectrogram import SpectrogramSettings
from bids_dl.wording import closest

PREFIX = "timm/"
IMAGES = ("spectrogram", "power")
COLORS = 3  # channels of a photograph


def find_timm(name: str) -> ModelSpec:
    """Return the description of an image network of timm, which is imported.

    Parameters
    ----------
    name
        Name with the prefix, such as ``"timm/resnetv2_50"``.

    Raises
    ------
    ConfigError
        timm has no network of this name.
    ModelError
        timm is not installed.
    """
    timm = import_optional("timm", "timm")
    architecture = name.removeprefix(PREFIX)
    if not timm.is_model(architecture):
        match = closest(architecture, timm.list_models())
        hint = f", did you mean {PREFIX}{match}?" if match else ""
        raise ConfigError(f"unknown model {name!r}{hint}; timm.list_models() lists the names")
    config = timm.get_pretrained_cfg(architecture)
    return ModelSpec(
        name=name,
        summary="image network on spectrograms of the channels; with image=power on colored "
        "spectrograms of each channel",
        source=f"{installed_version('timm')}; its documentation names the publication",
        shape=None,
        make=partial(_make, architecture),
        normalize="none",
        licence="Apache-2.0",
        transforms=("spectrogram-image", "power-image"),
        package=installed_version("timm"),
        hub="" if config is None or config.hf_hub_id is None else config.hf_hub_id,
    )


class TimmModel(nn.Module):
    """An image network of timm behind a transform to images.

    Parameters
    ----------
    architecture
        Name in timm, without the prefix.
    image
        Transform from signals to images, with the attribute ``output_shape``.
    n_outputs
        Number of outputs.
    has_colors
        The images are colored from 0 to 1, and scaled as the network's photographs are.
    drop_rate
        Fraction of the features dropped before the last layer.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        architecture: str,
        image: nn.Module,
        n_outputs: int,
        *,
        has_colors: bool,
        drop_rate: float,
    ) -> None:
        super().__init__()
        timm = import_optional("timm", "timm")
        self.architecture = architecture
        self.input = image
        n_channels, *size = _output_shape(image)
        self.arguments: dict[str, Any] = {
            "in_chans": n_channels,
            "num_classes": n_outputs,
            "drop_rate": drop_rate,
        }
        if _has_fixed_size(timm, architecture):
            self.arguments["img_size"] = tuple(size)
        self.network: nn.Module = timm.create_model(architecture, **self.arguments)
        config = self.network.pretrained_cfg
        mean = torch.tensor(config["mean"] if has_colors else [0.0] * COLORS)
        std = torch.tensor(config["std"] if has_colors else [1.0] * COLORS)
        repeats = -(-n_channels // COLORS)
        self.register_buffer("mean", mean.repeat(repeats)[:n_channels].view(-1, 1, 1))
        self.register_buffer("std", std.repeat(repeats)[:n_channels].view(-1, 1, 1))

    def forward(self, signals: Tensor) -> Tensor:
        """Compute logits (batch, n_outputs) of signals (batch, n_chans, n_times) in µV."""
        logits: Tensor = self.network((self.input(signals) - self.mean) / self.std)
        return logits

    def load_file(self, path: Path) -> None:
        """Load pretrained weights. The first layer is adapted to the images, the last one is new.

        Raises
        ------
        ModelError
            The weights are of another network.
        """
        timm = import_optional("timm", "timm")
        n_outputs = self.arguments["num_classes"]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                loaded = timm.create_model(
                    self.architecture,
                    pretrained=True,
                    pretrained_cfg_overlay={"file": str(path)},
                    **self.arguments,
                )
        except (RuntimeError, KeyError, ValueError, AttributeError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelError(
                f"--weights {path}: not weights of {PREFIX}{self.architecture} ({reason})"
            ) from error
        loaded.reset_classifier(n_outputs)
        self.network.load_state_dict(loaded.state_dict())


def _make(
    architecture: str,
    n_chans: int,
    n_times: int,
    n_outputs: int,
    sfreq: float,
    *,
    image: str = "spectrogram",
    seconds: float = 1.0,
    step: float = 0.1,
    low: float = 0.5,
    high: float = 20.0,
    height: int = 0,
    width: int = 0,
    copies: int = 3,
    drop_rate: float = 0.0,
) -> nn.Module:
    """Build an image network. Without height and width, images have the size of its photographs."""
    if image not in IMAGES:
        raise ValueError(f"image must be one of {', '.join(IMAGES)}")
    timm = import_optional("timm", "timm")
    photograph = timm.get_pretrained_cfg(architecture).input_size[1:]
    size = (height or photograph[0], width or photograph[1])
    spectrogram = SpectrogramSettings(seconds=seconds, step=step, band=(low, high))
    has_colors = image == "power"
    transform: nn.Module
    if has_colors:
        settings = PowerSettings(spectrogram=spectrogram, size=size)
        transform = PowerImage(n_chans, n_times, sfreq, settings=settings)
    else:
        image_settings = ImageSettings(spectrogram=spectrogram, size=size, n_copies=copies)
        transform = SpectrogramImage(n_chans, n_times, sfreq, image_settings)
    try:
        return TimmModel(
            architecture, transform, n_outputs, has_colors=has_colors, drop_rate=drop_rate
        )
    except AssertionError as error:
        raise ValueError(str(error)) from error


def _output_shape(image: nn.Module) -> tuple[int, ...]:
    shape: Any = image.output_shape
    return tuple(shape)


def _has_fixed_size(timm: Any, architecture: str) -> bool:
    """Return True if a network is built for one size of images."""
    return bool(timm.get_pretrained_cfg(architecture).fixed_input_size)
