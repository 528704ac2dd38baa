"""Residual network over time, for windows of any length and number of channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bids_dl.models.spec import ModelSpec

WIDTHS = (64, 128, 128)  # filters of the blocks
KERNEL = 8  # samples of the first convolution of a block


class ResNet1d(nn.Module):
    """Three residual blocks of three convolutions over time, mean over time, dense.

    The residual network for time series of Wang, Yan and Oates 2017 (arXiv:1611.06455): blocks of
    64, 128 and 128 filters, each with convolutions of 8, 5 and 3 samples and batch norm. Padding
    keeps the length, and the mean over time makes the number of parameters independent of it.

    Kernels are in samples, because the publication's series have no common rate. For the same
    length in seconds at another rate, choose another ``kernel``.

    The network differs from the publication in two ways. Convolutions have no bias, because batch
    norm follows. It returns logits, because the softmax belongs to the loss.

    Parameters
    ----------
    n_chans, n_times
        Channels and samples of a window.
    n_outputs
        Number of outputs.
    sfreq
        Ignored, because all models have the same first parameters.
    kernel
        Samples of the first convolution of a block. The others have 5/8 and 3/8 of it.
    dropout
        Fraction of the features dropped before the dense layer. The paper uses 0.

    Raises
    ------
    ValueError
        The kernel has less than one sample.
    """

    def __init__(
        self,
        n_chans: int,
        n_times: int,
        n_outputs: int,
        sfreq: float,
        *,
        kernel: int = KERNEL,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        del n_times, sfreq
        if kernel < 1:
            raise ValueError("kernel must be at least 1")
        kernels = (kernel, max(1, round(kernel * 5 / 8)), max(1, round(kernel * 3 / 8)))
        widths = (n_chans, *WIDTHS)
        blocks = [ResidualBlock(widths[i], widths[i + 1], kernels) for i in range(len(WIDTHS))]
        self.blocks = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(WIDTHS[-1], n_outputs)

    def forward(self, signals: Tensor) -> Tensor:
        """Compute logits (batch, n_outputs) of signals (batch, n_chans, n_times)."""
        features = self.dropout(self.blocks(signals).mean(dim=2))
        logits: Tensor = self.dense(features)
        return logits


class ResidualBlock(nn.Module):
    """Three convolutions with batch norm, added to the input, ReLU.

    A convolution of one sample changes the number of channels of the input, if they differ.

    Parameters
    ----------
    n_in, n_out
        Channels of the input and of the output.
    kernels
        Samples of the three convolutions.
    """

    def __init__(self, n_in: int, n_out: int, kernels: tuple[int, int, int]) -> None:
        super().__init__()
        first, second, third = kernels
        self.convolutions = nn.Sequential(
            *(_convolve(n_in, n_out, first), nn.BatchNorm1d(n_out), nn.ReLU()),
            *(_convolve(n_out, n_out, second), nn.BatchNorm1d(n_out), nn.ReLU()),
            *(_convolve(n_out, n_out, third), nn.BatchNorm1d(n_out)),
        )
        projection = [] if n_in == n_out else [_convolve(n_in, n_out, 1)]
        self.shortcut = nn.Sequential(*projection, nn.BatchNorm1d(n_out))

    def forward(self, maps: Tensor) -> Tensor:
        """Compute maps (batch, n_out, n_times) of maps (batch, n_in, n_times)."""
        return torch.relu(self.convolutions(maps) + self.shortcut(maps))


def _convolve(n_in: int, n_out: int, kernel: int) -> nn.Module:
    """Return padding and a convolution, which together keep the length."""
    padding = nn.ConstantPad1d(((kernel - 1) // 2, kernel // 2), 0.0)
    return nn.Sequential(padding, nn.Conv1d(n_in, n_out, kernel, bias=False))


SPEC = ModelSpec(
    name="resnet1d",
    summary="residual blocks over time, then their mean: a detector for any montage and length",
    source="Wang, Yan & Oates 2017, arXiv:1611.06455",
    shape=None,
    make=ResNet1d,
    normalize="window",
    example=(20, 256, 128.0),
)
