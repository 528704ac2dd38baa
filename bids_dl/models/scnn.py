"""SCNN: convolutions over channels and time, as over an image, on raw signals or topographies."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from bids_dl.models.spec import ModelSpec
from bids_dl.transforms import BandTopography

SOURCE = "Truong, Milham, Makeig & Delorme 2021, arXiv:2105.04762"
SHAPE = (24, 256)  # n_chans, n_times of raw signals
RAW_FEATURES = 1900  # that the convolutions leave of raw signals
IMAGE_FEATURES = 1400  # and of an image of 24 x 72


class RSCNN(nn.Module):
    """Six convolutions over channels and time, as over an image, then two dense layers.

    The network on raw signals of Truong, Milham, Makeig and Delorme 2021 (arXiv:2105.04762), after
    van Putten et al. 2018. Each convolution and the hidden dense layer is followed by a ReLU.
    Convolutions have no padding and leave 1,900 features for the dense layer.

    Parameters
    ----------
    n_chans, n_times
        24 channels and 256 samples. No other shape is accepted.
    n_outputs
        Number of outputs.
    sfreq
        Ignored, because all models have the same first parameters. The paper uses 128 Hz.
    dropout
        Fraction of the features dropped after each of the four poolings.
    """

    def __init__(
        self, n_chans: int, n_times: int, n_outputs: int, sfreq: float, *, dropout: float = 0.25
    ) -> None:
        super().__init__()
        del n_chans, n_times, sfreq
        self.features = _convolve(dropout, padding=0)
        self.classifier = _classify(RAW_FEATURES, n_outputs)

    def forward(self, signals: Tensor) -> Tensor:
        """Compute logits (batch, n_outputs) of signals (batch, 24, 256)."""
        logits: Tensor = self.classifier(self.features(signals.unsqueeze(1)))
        return logits


class SSCNN(nn.Module):
    """The layers of `RSCNN` on the topographies of theta, alpha and beta power, side by side.

    The network on spectral images of Truong, Milham, Makeig and Delorme 2021 (arXiv:2105.04762).
    The three images of 24 x 24 pixels make one of 24 x 72. The last three convolutions pad both
    axes by 1 and leave 1,400 features for the dense layer.

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
        Fraction of the features dropped after each of the four poolings.
    """

    def __init__(
        self,
        n_chans: int,
        n_times: int,
        n_outputs: int,
        sfreq: float,
        *,
        positions: npt.NDArray[np.float64],
        dropout: float = 0.25,
    ) -> None:
        super().__init__()
        self.input = BandTopography(n_chans, n_times, sfreq, positions=positions)
        self.features = _convolve(dropout, padding=1)
        self.classifier = _classify(IMAGE_FEATURES, n_outputs)

    def forward(self, signals: Tensor) -> Tensor:
        """Compute logits (batch, n_outputs) of signals (batch, n_chans, n_times) in µV."""
        images = self.input(signals) / 255
        side_by_side = torch.cat(images.unbind(dim=1), dim=2).unsqueeze(1)
        logits: Tensor = self.classifier(self.features(side_by_side))
        return logits


def _convolve(dropout: float, *, padding: int) -> nn.Sequential:
    """Return the convolutions, the last three with a padding of both axes."""
    return nn.Sequential(
        *(nn.Conv2d(1, 100, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(dropout)),
        *(nn.Conv2d(100, 100, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(dropout)),
        *(nn.Conv2d(100, 300, (2, 3)), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(dropout)),
        nn.Conv2d(300, 300, (1, 7), padding=padding),
        nn.ReLU(),
        nn.MaxPool2d((1, 2), stride=1),
        nn.Dropout(dropout),
        *(nn.Conv2d(300, 100, (1, 3), padding=padding), nn.ReLU()),
        *(nn.Conv2d(100, 100, (1, 3), padding=padding), nn.ReLU()),
        nn.Flatten(),
    )


def _classify(n_features: int, n_outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(n_features, 6144), nn.ReLU(), nn.Linear(6144, n_outputs))


R_SCNN = ModelSpec(
    name="r-scnn",
    summary="six convolutions over raw signals of 24 channels and 256 samples (2 s at 128 Hz)",
    source=SOURCE,
    shape=SHAPE,
    make=RSCNN,
    normalize="none",
    rate=128.0,
    min_seconds=2.0,
)
S_SCNN = ModelSpec(
    name="s-scnn",
    summary="the layers of r-scnn on topographies of theta, alpha and beta power, side by side",
    source=SOURCE,
    shape=None,
    make=SSCNN,
    normalize="none",
    rate=128.0,
    min_seconds=1.0,
    transforms=("band-topography",),
    needs_positions=True,
)
