"""EEGNet: a compact network of temporal, depthwise spatial and separable convolutions."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bids_dl.errors import ModelError
from bids_dl.models.lengths import count_kernel_samples
from bids_dl.models.spec import ModelSpec

# Lengths in seconds: the paper's numbers of samples at its rates.
KERNEL_SECONDS = 64 / 128
POOL_SECONDS = 4 / 128
SEPARABLE_SECONDS = 16 / 32
SECOND_POOL_SECONDS = 8 / 32
MAX_SPATIAL_NORM = 1.0
MAX_DENSE_NORM = 0.25
EPSILON = 1e-3  # of batch norm, the default of the authors' library


class EEGNet(nn.Module):
    """Temporal filters, spatial filters of each, a separable convolution, dense.

    EEGNet-8,2 of Lawhern et al. 2018 (doi:10.1088/1741-2552/aace8c): ``f1`` temporal filters of
    0.5 s, ``d`` spatial filters of each, ELU, mean of 1/32 s, dropout; then a separable
    convolution of 0.5 s to ``f2`` maps, ELU, mean of 0.25 s, dropout, dense. Batch norm follows
    each of the three convolutions. Only the dense layer has a bias. Lengths are in seconds, so
    the network is equivalent at any sampling rate.

    The network differs from the publication in two ways. It returns logits, because the softmax
    belongs to the loss. Batch norm averages over about ten batches instead of a hundred, because
    small studies train fewer than a hundred.

    Parameters
    ----------
    n_chans, n_times
        Channels and samples of a window.
    n_outputs
        Number of outputs.
    sfreq
        Sampling rate in Hz. The paper uses 128 Hz.
    f1, d, f2
        Number of temporal filters, of spatial filters of each, and of maps of the separable
        convolution. The paper uses f2 = f1 * d.
    dropout
        Fraction dropped after each pooling. The paper uses 0.25 across people, 0.5 within one.

    Raises
    ------
    ModelError
        The window is shorter than the poolings together.
    ValueError
        A number of filters is less than 1.
    """

    def __init__(
        self,
        n_chans: int,
        n_times: int,
        n_outputs: int,
        sfreq: float,
        *,
        f1: int = 8,
        d: int = 2,
        f2: int = 16,
        dropout: float = 0.25,
    ) -> None:
        super().__init__()
        if min(f1, d, f2) < 1:
            raise ValueError("f1, d and f2 must be at least 1")
        pool = count_kernel_samples(POOL_SECONDS, sfreq)
        pooled_sfreq = sfreq / pool
        second_pool = count_kernel_samples(SECOND_POOL_SECONDS, pooled_sfreq)
        n_pooled = n_times // pool // second_pool
        if n_pooled < 1:
            shortest = pool * second_pool
            raise ModelError(
                f"model eegnet expects windows of at least {shortest / sfreq:.3g} s "
                f"({shortest} samples at {sfreq:g} Hz), got {n_times} samples"
            )
        self.temporal = nn.Sequential(
            _pad_to_same(count_kernel_samples(KERNEL_SECONDS, sfreq)),
            nn.Conv2d(1, f1, (1, count_kernel_samples(KERNEL_SECONDS, sfreq)), bias=False),
            nn.BatchNorm2d(f1, eps=EPSILON),
        )
        self.spatial = nn.Parameter(torch.empty(f1 * d, 1, n_chans, 1))
        self.first_pooling = _activate_and_pool(f1 * d, pool, dropout)
        kernel = count_kernel_samples(SEPARABLE_SECONDS, pooled_sfreq)
        self.separable = nn.Sequential(
            _pad_to_same(kernel),
            nn.Conv2d(f1 * d, f1 * d, (1, kernel), groups=f1 * d, bias=False),
            nn.Conv2d(f1 * d, f2, 1, bias=False),
        )
        self.second_pooling = _activate_and_pool(f2, second_pool, dropout)
        self.dense = LimitedLinear(f2 * n_pooled, n_outputs)
        for weight in self.parameters():
            if weight.ndim > 1:
                nn.init.xavier_uniform_(weight)
        nn.init.zeros_(self.dense.bias)

    def forward(self, signals: Tensor) -> Tensor:
        """Compute logits (batch, n_outputs) of signals (batch, n_chans, n_times)."""
        filtered = self.temporal(signals.unsqueeze(1))
        spatial = _limit_norm(self.spatial, MAX_SPATIAL_NORM, in_place=self.training)
        maps = functional.conv2d(filtered, spatial, groups=filtered.shape[1])
        maps = self.second_pooling(self.separable(self.first_pooling(maps)))
        logits: Tensor = self.dense(maps.flatten(1))
        return logits


class LimitedLinear(nn.Linear):
    """Dense layer whose weights of each output have a norm of at most 0.25."""

    def forward(self, features: Tensor) -> Tensor:
        """Compute outputs (batch, n_outputs) of features (batch, n_features)."""
        weight = _limit_norm(self.weight, MAX_DENSE_NORM, in_place=self.training)
        return functional.linear(features, weight, self.bias)


def _limit_norm(weight: Tensor, max_norm: float, *, in_place: bool) -> Tensor:
    """Limit the norm of the weights of each output, also of the parameter itself if in place."""
    with torch.no_grad():
        norm: Tensor = weight.flatten(1).norm(dim=1)
        scale = (max_norm / norm.clamp(min=max_norm)).view(-1, *[1] * (weight.ndim - 1))
        if in_place:
            weight.mul_(scale)
            return weight
    return weight * scale


def _pad_to_same(kernel: int) -> nn.Module:
    """Return padding after which a convolution keeps the length."""
    return nn.ZeroPad2d(((kernel - 1) // 2, kernel // 2, 0, 0))


def _activate_and_pool(n_maps: int, pool: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.BatchNorm2d(n_maps, eps=EPSILON), nn.ELU(), nn.AvgPool2d((1, pool)), nn.Dropout(dropout)
    )


SPEC = ModelSpec(
    name="eegnet",
    summary="temporal, spatial and separable convolutions: compact, for any montage and rate",
    source="Lawhern et al. 2018, doi:10.1088/1741-2552/aace8c",
    shape=None,
    make=EEGNet,
    rate=128.0,
    min_seconds=0.25,
)
