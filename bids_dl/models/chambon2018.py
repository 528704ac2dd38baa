"""Sleep staging network of Chambon et al. 2018."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bids_dl.errors import ModelError
from bids_dl.models.spec import ModelSpec

KERNEL_SECONDS = 0.5
POOL_SECONDS = 0.125


class Chambon2018(nn.Module):
    """Spatial filters, then two temporal convolutions with max-pooling, dropout, dense.

    After Chambon, Galtier, Arnal, Wainrib and Gramfort 2018 (doi:10.1109/TNSRE.2018.2813138): as
    many spatial filters as channels, then twice a convolution of 0.5 s, ReLU and max-pooling of
    0.125 s, with the same filters for each spatial filter. Samples are rounded down, to 50 and 12
    at 100 Hz. It accepts any montage, rate and window length.

    As in the publication, channels of EMG have spatial filters and convolutions of their own, with
    as many filters. The features of EEG with EOG and those of EMG are concatenated before the
    dropout. Models do not receive the types of the channels, so ``n_emg`` says how many are EMG.

    The network differs from the publication in one way. It returns logits, because the softmax
    belongs to the loss.

    Parameters
    ----------
    n_chans, n_times
        Channels and samples of a window.
    n_outputs
        Number of outputs, five for sleep stages.
    sfreq
        Sampling rate in Hz. The paper uses 128 Hz.
    n_filters
        Number of filters of each temporal convolution.
    dropout
        Fraction of the features dropped before the dense layer.
    n_emg
        Number of channels of EMG. They are the last channels, so pick them last in the recipe.

    Raises
    ------
    ModelError
        The window is shorter than both poolings, or the rate is too low for a pooling.
    ValueError
        The number of filters is less than 1, or no channel of EEG or EOG is left.
    """

    def __init__(
        self,
        n_chans: int,
        n_times: int,
        n_outputs: int,
        sfreq: float,
        *,
        n_filters: int = 8,
        dropout: float = 0.25,
        n_emg: int = 0,
    ) -> None:
        super().__init__()
        if n_filters < 1:
            raise ValueError("n_filters must be at least 1")
        if not 0 <= n_emg < n_chans:
            raise ValueError(f"n_emg must be from 0 to {n_chans - 1} for {n_chans} channels")
        kernel, pool = int(KERNEL_SECONDS * sfreq), int(POOL_SECONDS * sfreq)
        if pool < 1:
            lowest = 1 / POOL_SECONDS
            raise ModelError(
                f"model chambon2018 expects a rate of at least {lowest:g} Hz, got {sfreq:g} Hz"
            )
        n_pooled = _pool_twice(n_times, kernel, pool)
        if n_pooled < 1:
            shortest = _shortest_window(kernel, pool)
            raise ModelError(
                f"model chambon2018 expects windows of at least {shortest / sfreq:.3g} s "
                f"({shortest} samples at {sfreq:g} Hz), got {n_times} samples"
            )
        self.n_brain = n_chans - n_emg
        self.spatial = _mix_channels(self.n_brain)
        self.temporal = _stack(n_filters, kernel, pool)
        if n_emg:
            self.emg_spatial = _mix_channels(n_emg)
            self.emg_temporal = _stack(n_filters, kernel, pool)
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(n_filters * n_chans * n_pooled, n_outputs)

    def forward(self, signals: Tensor) -> Tensor:
        """Compute logits (batch, n_outputs) of signals (batch, n_chans, n_times)."""
        brain = signals[:, : self.n_brain]
        features = _extract(self.spatial, self.temporal, brain)
        if self.n_brain < signals.shape[1]:
            emg = _extract(self.emg_spatial, self.emg_temporal, signals[:, self.n_brain :])
            features = torch.cat([features, emg], dim=1)
        logits: Tensor = self.dense(self.dropout(features))
        return logits


def _mix_channels(n_chans: int) -> nn.Conv2d:
    """Return as many spatial filters as channels."""
    return nn.Conv2d(1, n_chans, (n_chans, 1))


def _stack(n_filters: int, kernel: int, pool: int) -> nn.Sequential:
    """Return both temporal convolutions with their poolings."""
    return nn.Sequential(
        *_convolve_and_pool(1, n_filters, kernel, pool),
        *_convolve_and_pool(n_filters, n_filters, kernel, pool),
    )


def _extract(spatial: nn.Module, temporal: nn.Module, signals: Tensor) -> Tensor:
    """Compute the features (batch, n_features) of channels of one kind."""
    filtered = spatial(signals.unsqueeze(1)).transpose(1, 2)
    features: Tensor = temporal(filtered).flatten(1)
    return features


def _convolve_and_pool(n_maps: int, n_filters: int, kernel: int, pool: int) -> list[nn.Module]:
    convolution = nn.Conv2d(n_maps, n_filters, (1, kernel), padding=(0, kernel // 2))
    return [convolution, nn.ReLU(), nn.MaxPool2d((1, pool))]


def _pool_twice(n_times: int, kernel: int, pool: int) -> int:
    """Return the samples that both stages leave of a window."""
    for _ in range(2):
        n_times = max(0, n_times + 2 * (kernel // 2) - kernel + 1) // pool
    return n_times


def _shortest_window(kernel: int, pool: int) -> int:
    """Return the samples of the shortest window."""
    n_times = 1
    while _pool_twice(n_times, kernel, pool) < 1:
        n_times += 1
    return n_times


SPEC = ModelSpec(
    name="chambon2018",
    summary="spatial filters and two temporal convolutions: sleep stages, any montage and rate",
    source="Chambon et al. 2018, doi:10.1109/TNSRE.2018.2813138",
    shape=None,
    make=Chambon2018,
    normalize="window",
    rate=128.0,
    min_seconds=1.87,
    example=(2, 3000, 100.0),
)
