"""ShallowFBCSPNet: trained temporal and spatial filters, then log power."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bids_dl.errors import ModelError
from bids_dl.models.lengths import count_kernel_samples
from bids_dl.models.spec import ModelSpec

# Lengths in seconds: the paper's numbers of samples at its 250 Hz.
KERNEL_SECONDS = 25 / 250
POOL_SECONDS = 75 / 250
POOL_STRIDE_SECONDS = 15 / 250
MIN_POWER = 1e-6  # so that the logarithm is finite


class ShallowFBCSP(nn.Module):
    """Temporal then spatial convolution, batch norm, square, mean pool, log, dropout, dense.

    After Schirrmeister et al. 2017 (doi:10.1002/hbm.23730): 40 temporal filters of 0.1 s, 40
    spatial filters without bias, power averaged over 0.3 s every 0.06 s. Lengths are in seconds,
    so the network is equivalent at any sampling rate. It accepts any montage and window length.

    Parameters
    ----------
    n_chans, n_times
        Channels and samples of a window.
    n_outputs
        Number of classes.
    sfreq
        Sampling rate in Hz.
    n_filters
        Number of temporal filters, and of spatial filters.
    dropout
        Fraction of the features dropped before the dense layer.
    """

    def __init__(
        self,
        n_chans: int,
        n_times: int,
        n_outputs: int,
        sfreq: float,
        *,
        n_filters: int = 40,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if n_filters < 1:
            raise ValueError("n_filters must be at least 1")
        kernel = count_kernel_samples(KERNEL_SECONDS, sfreq)
        pool = count_kernel_samples(POOL_SECONDS, sfreq)
        stride = count_kernel_samples(POOL_STRIDE_SECONDS, sfreq)
        n_powers = (n_times - kernel + 1 - pool) // stride + 1
        if n_powers < 1:
            shortest = kernel + pool - 1
            raise ModelError(
                f"model shallow-fbcsp expects windows of at least {shortest / sfreq:.3g} s "
                f"({shortest} samples at {sfreq:g} Hz), got {n_times} samples"
            )
        self.filters = SpatioTemporal(n_chans, n_filters, kernel)
        self.norm = nn.BatchNorm1d(n_filters)
        self.pool = nn.AvgPool1d(pool, stride)
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(n_filters * n_powers, n_outputs)
        nn.init.xavier_uniform_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)

    def forward(self, signals: Tensor) -> Tensor:
        """Compute logits (batch, n_outputs) of signals (batch, n_chans, n_times)."""
        power = self.pool(self.norm(self.filters(signals)).square())
        features: Tensor = self.dropout(power.clamp(min=MIN_POWER).log())
        logits: Tensor = self.dense(features.flatten(1))
        return logits


class SpatioTemporal(nn.Module):
    """Temporal convolution of each channel, then a spatial one, computed as one convolution.

    Both are linear, so their kernels are multiplied first. Outputs and gradients are the same as
    of one convolution after the other, at a fraction of the operations and without a tensor of
    n_chans x n_filters signals.

    Parameters
    ----------
    n_chans
        Channels.
    n_filters
        Number of temporal filters, and of spatial filters.
    kernel
        Length of the temporal filters in samples.
    """

    def __init__(self, n_chans: int, n_filters: int, kernel: int) -> None:
        super().__init__()
        self.temporal = nn.Parameter(torch.empty(n_filters, kernel))
        self.temporal_bias = nn.Parameter(torch.zeros(n_filters))
        self.spatial = nn.Parameter(torch.empty(n_filters, n_filters, n_chans))
        nn.init.xavier_uniform_(self.temporal.view(n_filters, 1, kernel))
        nn.init.xavier_uniform_(self.spatial)

    def forward(self, signals: Tensor) -> Tensor:
        """Filter signals (batch, n_chans, n_times) to (batch, n_filters, n_times - kernel + 1)."""
        weight = torch.einsum("ofc,fk->ock", self.spatial, self.temporal)
        bias = torch.einsum("ofc,f->o", self.spatial, self.temporal_bias)
        return nn.functional.conv1d(signals, weight, bias)


SPEC = ModelSpec(
    name="shallow-fbcsp",
    summary="band-pass and spatial filters, log power: small, for any montage, rate and window",
    source="Schirrmeister et al. 2017, doi:10.1002/hbm.23730",
    shape=None,
    make=ShallowFBCSP,
    rate=250.0,
    min_seconds=0.4,
)
