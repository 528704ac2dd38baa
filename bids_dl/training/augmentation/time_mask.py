"""TimeMask: an interval of all channels is hidden."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bids_dl.training.augmentation.operation import draw_intervals, fill_with_mean


@dataclass(frozen=True, slots=True)
class TimeMask:
    """Replace an interval of all channels by the mean of each channel.

    Parameters
    ----------
    shares
        Smallest and largest share of the window. The default is that of a public solution of HMS.

    Examples
    --------
    >>> mask = TimeMask(shares=(0.5, 0.5))
    >>> signals = torch.randn(1, 2, 100)
    >>> (mask(signals, torch.Generator().manual_seed(0)) != signals).sum(dim=2).tolist()
    [[50, 50]]
    """

    shares: tuple[float, float] = (0.06, 0.10)

    def __call__(self, signals: Tensor, generator: torch.Generator) -> Tensor:
        """Return windows with a masked interval."""
        is_masked = draw_intervals(len(signals), signals.shape[-1], self.shares, generator)
        return fill_with_mean(signals, is_masked.unsqueeze(1))
