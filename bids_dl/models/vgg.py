"""VGG-16 cut after its third pooling, on raw signals or topographies."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from bids_dl.models.spec import ModelSpec
from bids_dl.transforms import BandTopography

SOURCE = "Truong, Milham, Makeig & Delorme 2021, arXiv:2105.04762"
SHAPE = (24, 256)  # n_chans, n_times of raw signals
STAGES = ((16, 16), (32, 32), (64, 64, 64))  # filters; a quarter of those of VGG-16
RAW_FEATURES = 64 * 3 * 32
IMAGE_FEATURES = 64 * 3 * 3


class RVGG(nn.Module):
    """Seven 3 x 3 convolutions in three stages, each pooled by 2, then three dense layers.

    The network on raw signals of Truong, Milham, Makeig and Delorme 2021 (arXiv:2105.04762): VGG-16
    of Simonyan and Zisserman 2014 (arXiv:1409.1556) up to its third pooling, with a quarter of the
    filters. Each convolution and hidden dense layer is followed by a ReLU. There is no batch norm.

    Weights are drawn as by He et al. 2015 (arXiv:1502.01852). With those of torch's default, the
    signal vanishes from layer to layer, and small studies end before the network begins to learn.

    Parameters
    ----------
    n_chans, n_times
        24 channels and 256 samples. No other shape is accepted.
    n_outputs
        Number of outputs.
    sfreq
        Ignored, because all models have the same first parameters. The paper uses 128 Hz.
    dropout
        Fraction of the features dropped after each of the two hidden dense layers.
    """

    def __init__(
        self, n_chans: int, n_times: int, n_outputs: int, sfreq: float, *, dropout: float = 0.5
    ) -> None:
        super().__init__()
        del n_chans, n_times, sfreq
        self.features = _convolve(1)
        self.classifier = _classify(RAW_FEATURES, n_outputs, dropout)
        _initialize(self)

    def forward(self, signals: Tensor) -> Tensor:
        """Compute logits (batch, n_outputs) of signals (batch, 24, 256)."""
        logits: Tensor = self.classifier(self.features(signals.unsqueeze(1)))
        return logits


class SVGG(nn.Module):
    """The layers of `RVGG` on the topographies of theta, alpha and beta power as three channels.

    The network on spectral images of Truong, Milham, Makeig and Delorme 2021 (arXiv:2105.04762).

    The network differs from the publication in one way. Pixels from 0 to 255 are divided by 255,
    because the initial weights are made for inputs of about 1.

    Parameters
    ----------
    n_chans, n_times
        Channels and samples of a window.
    n_outputs
        Number of outputs.
    sfreq
        Sampling rate in Hz. The paper uses 128 Hz.
    positions
        (n_chans, 3): positions of the channels in m, head coordinates.
    dropout
        Fraction of the features dropped after each of the two hidden dense layers.
    """

    def __init__(
        self,
        n_chans: int,
        n_times: int,
        n_outputs: int,
        sfreq: float,
        *,
        positions: npt.NDArray[np.float64],
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.input = BandTopography(n_chans, n_times, sfreq, positions=positions)
        self.features = _convolve(3)
        self.classifier = _classify(IMAGE_FEATURES, n_outputs, dropout)
        _initialize(self)

    def forward(self, signals: Tensor) -> Tensor:
        """Compute logits (batch, n_outputs) of signals (batch, n_chans, n_times) in µV."""
        logits: Tensor = self.classifier(self.features(self.input(signals) / 255))
        return logits


def _convolve(n_channels: int) -> nn.Sequential:
    """Return the three stages of convolutions for images of a number of channels."""
    layers: list[nn.Module] = []
    width = n_channels
    for stage in STAGES:
        for filters in stage:
            layers += [nn.Conv2d(width, filters, 3, padding=1), nn.ReLU()]
            width = filters
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten())


def _classify(n_features: int, n_outputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        *(nn.Linear(n_features, 1024), nn.ReLU(), nn.Dropout(dropout)),
        *(nn.Linear(1024, 1024), nn.ReLU(), nn.Dropout(dropout)),
        nn.Linear(1024, n_outputs),
    )


def _initialize(model: nn.Module) -> None:
    """Draw weights that keep the variance through ReLUs."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


R_VGG = ModelSpec(
    name="r-vgg",
    summary="VGG with seven convolutions over raw signals of 24 channels and 256 samples",
    source=SOURCE,
    shape=SHAPE,
    make=RVGG,
    normalize="none",
    rate=128.0,
    min_seconds=2.0,
)
S_VGG = ModelSpec(
    name="s-vgg",
    summary="the layers of r-vgg on topographies of theta, alpha and beta power",
    source=SOURCE,
    shape=None,
    make=SVGG,
    normalize="none",
    rate=128.0,
    min_seconds=1.0,
    transforms=("band-topography",),
    needs_positions=True,
)
