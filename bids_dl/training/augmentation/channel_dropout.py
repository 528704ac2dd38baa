"""ChannelDropout: some channels are flat."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bids_dl.training.augmentation.operation import draw_uniform, fill_with_mean


@dataclass(frozen=True, slots=True)
class ChannelDropout:
    """Replace whole channels by their mean. At least one channel is replaced and one is kept.

    A window of one channel is left as it is.

    Parameters
    ----------
    max_share
        Largest share of the channels.
    """

    max_share: float = 0.2

    def __call__(self, signals: Tensor, generator: torch.Generator) -> Tensor:
        """Return windows with flat channels."""
        n_windows, n_chans, _ = signals.shape
        limit = min(max(1, int(self.max_share * n_chans)), n_chans - 1)
        count = 1 + (draw_uniform((n_windows, 1), generator) * limit).long()
        rank = draw_uniform((n_windows, n_chans), generator).argsort(dim=1)
        is_dropped = rank < count.clamp(max=limit)
        return fill_with_mean(signals, is_dropped.unsqueeze(2))
