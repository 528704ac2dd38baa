"""ShallowFBCSPNet: learnt band-pass filters, learnt spatial filters, log power. Any montage, rate and window length."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bids_dl.errors import ModelError

KERNEL, POOL, POOL_STRIDE = 25 / 250, 75 / 250, 15 / 250  # s; the paper's samples at its 250 Hz
SMALLEST_POWER = 1e-6


class ShallowFBCSP(nn.Module):
    """Temporal then spatial convolution, batch norm, square, mean pool, log, dropout, dense.

    After Schirrmeister et al. 2017 (doi:10.1002/hbm.23730): 40 temporal filters of 0.1 s, 40 spatial filters without bias,
    power averaged over 0.3 s every 0.06 s. Lengths are in s here, so the network means the same at any rate.

    Parameters
    ----------
    n_chans, n_times, n_outputs, sfreq
        Channels, samples, classes and rate in Hz.
    n_filters
        Temporal filters, and as many spatial ones.
    dropout
        Share of the features dropped before the dense layer.
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
        kernel, pool, stride = (
            max(1, round(seconds * sfreq)) for seconds in (KERNEL, POOL, POOL_STRIDE)
        )
        n_powers = (n_times - kernel + 1 - pool) // stride + 1
        if n_powers < 1:
            shortest = kernel + pool - 1
            raise ModelError(
                f"model shallow-fbcsp wants windows of at least {shortest} samples at {sfreq:g} Hz, got {n_times}"
            )
        self.filters = SpatioTemporal(n_chans, n_filters, kernel)
        self.norm = nn.BatchNorm1d(n_filters)
        self.pool = nn.AvgPool1d(pool, stride)
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(n_filters * n_powers, n_outputs)
        nn.init.xavier_uniform_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)

    def forward(self, signals: Tensor) -> Tensor:
        """Logits (batch, n_outputs) of signals (batch, n_chans, n_times)."""
        power = self.pool(self.norm(self.filters(signals)).square())
        features: Tensor = self.dropout(power.clamp(min=SMALLEST_POWER).log())
        logits: Tensor = self.dense(features.flatten(1))
        return logits


class SpatioTemporal(nn.Module):
    """A convolution over time in each channel, then one over all channels and filters, computed as the one it amounts to.

    Nothing lies between the two, so their kernels are multiplied first: the same outputs and gradients as one after the other,
    at a fraction of the work and without n_chans x n_filters signals in memory.
    """

    def __init__(self, n_chans: int, n_filters: int, kernel: int) -> None:
        super().__init__()
        self.temporal = nn.Parameter(torch.empty(n_filters, kernel))
        self.temporal_bias = nn.Parameter(torch.zeros(n_filters))
        self.spatial = nn.Parameter(torch.empty(n_filters, n_filters, n_chans))
        nn.init.xavier_uniform_(self.temporal.view(n_filters, 1, kernel))
        nn.init.xavier_uniform_(self.spatial)

    def forward(self, signals: Tensor) -> Tensor:
        """Filtered signals (batch, n_filters, n_times - kernel + 1)."""
        weight = torch.einsum("ofc,fk->ock", self.spatial, self.temporal)
        bias = torch.einsum("ofc,f->o", self.spatial, self.temporal_bias)
        return nn.functional.conv1d(signals, weight, bias)
