"""Network for any number of channels: the same encoder for each, then attention over channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bids_dl.models.resnet1d import ResidualBlock
from bids_dl.models.spec import ModelSpec
from bids_dl.transforms.precision import without_autocast

KERNEL_SECONDS = 0.0625  # of the first convolution: 8 samples, as in resnet1d, at 128 Hz
POOLED_RATES = (64.0, 32.0)  # Hz, after the first and the second block
WIDTH_FACTORS = (1, 2, 2)  # filters of the blocks, as in resnet1d
N_HIDDEN = 16  # of the attention


class ChannelwiseResNet(nn.Module):
    """Residual blocks on each channel, mean over time, attention over channels, dense.

    All channels pass through the same encoder. Gated attention (Ilse, Tomczak and Welling 2018,
    arXiv:1802.04712) weighs the channels of a window by their features, and their weighted mean
    passes through the dense layer. So no parameter depends on the channels, and no position is
    needed: one network accepts any channels, in any order. It suits patterns that a single channel
    shows, such as spikes in intracranial EEG, whose contacts differ from patient to patient. It
    cannot learn how channels relate to each other.

    The encoder has the blocks of `ResNet1d` (Wang, Yan and Oates 2017, arXiv:1611.06455) with a
    quarter of its filters. Maximum pooling to about 64 Hz and 32 Hz follows the first two blocks.
    Kernels have the same length in s at any rate, twice as long after each pooling.

    The attention was chosen by a trial: spikes of each person's own shape on 2 of 12 channels, in a
    tenth of the windows, tested on other people. Attention and the maximum over channels had an
    average precision of 0.71 and 0.71, on 40 channels 0.57 and 0.39 (means of two seeds).

    With the default options, 24 channels at 128 Hz and 2 outputs, the network has 33,155
    parameters, whatever the number of channels.

    Parameters
    ----------
    n_chans, n_times
        Ignored, because no layer depends on them.
    n_outputs
        Number of outputs.
    sfreq
        Sampling rate in Hz.
    n_filters
        Filters of the first block. The others have twice as many.
    kernel_seconds
        Length in s of the first convolution of the first block. The others of a block have 5/8 and
        3/8 of it.
    dropout
        Fraction of the features dropped before the dense layer.

    Raises
    ------
    ValueError
        A number is out of range.

    Examples
    --------
    >>> model = ChannelwiseResNet(20, 256, 2, 128.0)
    >>> model(torch.randn(8, 20, 256)).shape, model(torch.randn(8, 5, 256)).shape
    (torch.Size([8, 2]), torch.Size([8, 2]))
    """

    def __init__(
        self,
        n_chans: int,
        n_times: int,
        n_outputs: int,
        sfreq: float,
        *,
        n_filters: int = 16,
        kernel_seconds: float = KERNEL_SECONDS,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        del n_chans, n_times
        if n_filters < 1:
            raise ValueError("n_filters must be at least 1")
        if not kernel_seconds > 0:
            raise ValueError("kernel_seconds must be above 0")
        self.encoder = _make_encoder(n_filters, kernel_seconds, sfreq)
        n_features = WIDTH_FACTORS[-1] * n_filters
        self.attention = ChannelAttention(n_features)
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(n_features, n_outputs)

    def forward(
        self, signals: Tensor, positions: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """Compute logits (batch, n_outputs).

        Parameters
        ----------
        signals
            (batch, n_chans, n_times).
        positions
            Ignored. Models that need positions take them here.
        mask
            bool (batch, n_chans): False leaves out a channel, such as a padded one. None takes all.
        """
        del positions
        features = self.encode(signals, mask)
        logits: Tensor = self.dense(self.dropout(self.attention(features, mask)))
        return logits

    def encode(self, signals: Tensor, mask: Tensor | None = None) -> Tensor:
        """Compute the features (batch, n_chans, n_features) of each channel, 0 if left out."""
        rows = signals.flatten(0, 1).unsqueeze(1)
        if mask is None:
            whole: Tensor = self.encoder(rows).mean(dim=2)
            return whole.reshape(*signals.shape[:2], -1)
        # channels that are left out must not change the statistics of batch norm
        is_kept = mask.expand(signals.shape[:2]).flatten()
        features = signals.new_zeros(len(rows), self.dense.in_features)
        if is_kept.any():
            encoded = self.encoder(rows[is_kept]).mean(dim=2)
            features = features.to(encoded.dtype).index_put((is_kept,), encoded)
        return features.reshape(*signals.shape[:2], -1)


class ChannelAttention(nn.Module):
    """Mean over channels, with weights that depend on the features of each channel.

    Parameters
    ----------
    n_features
        Number of features of a channel.
    """

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(n_features, N_HIDDEN)
        self.gate = nn.Linear(n_features, N_HIDDEN)
        self.score = nn.Linear(N_HIDDEN, 1)

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the means (batch, n_features) of features (batch, n_chans, n_features)."""
        weights = self.weigh(features, mask).to(features.dtype)
        means: Tensor = torch.einsum("bc,bcf->bf", weights, features)
        return means

    def weigh(self, features: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the weights (batch, n_chans), whose sum is 1.

        Parameters
        ----------
        features
            (batch, n_chans, n_features).
        mask
            As in `ChannelwiseResNet`. Without any channel, the weights are equal.
        """
        with without_autocast(features):
            values = features.to(self.score.weight.dtype)
            hidden = torch.tanh(self.hidden(values)) * torch.sigmoid(self.gate(values))
            scores: Tensor = self.score(hidden).squeeze(2)
            if mask is not None:
                # the least number instead of minus infinity, which makes NaN without any channel
                scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
            return scores.softmax(dim=1)


def _make_encoder(n_filters: int, kernel_seconds: float, sfreq: float) -> nn.Sequential:
    """Return the blocks of one channel, with pooling between them."""
    layers: list[nn.Module] = []
    n_in = 1
    rate = sfreq
    for number, factor in enumerate(WIDTH_FACTORS):
        if number:
            n_pooled = max(1, round(rate / POOLED_RATES[number - 1]))
            layers.append(nn.MaxPool1d(n_pooled, ceil_mode=True))
            rate /= n_pooled
        n_samples = kernel_seconds * 2**number * rate
        first, second, third = (max(1, round(n_samples * share / 8)) for share in (8, 5, 3))
        layers.append(ResidualBlock(n_in, factor * n_filters, (first, second, third)))
        n_in = factor * n_filters
    return nn.Sequential(*layers)


SPEC = ModelSpec(
    name="channelwise-resnet",
    summary="residual blocks on each channel, then attention: one network for any channels",
    source="Wang, Yan & Oates 2017, arXiv:1611.06455; Ilse et al. 2018, arXiv:1802.04712",
    shape=None,
    make=ChannelwiseResNet,
    any_channels=True,
)
