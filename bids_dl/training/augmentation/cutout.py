"""CutOut: an interval of some channels is hidden."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bids_dl.training.augmentation.operation import draw_intervals, draw_uniform, fill_with_mean


@dataclass(frozen=True, slots=True)
class CutOut:
    """Replace an interval of a random half of the channels by the mean of each channel.

    Parameters
    ----------
    shares
        Smallest and largest share of the window.
    """

    shares: tuple[float, float] = (0.1, 0.3)

    def __call__(self, signals: Tensor, generator: torch.Generator) -> Tensor:
        """Return windows with a hidden interval."""
        n_windows, n_chans, n_times = signals.shape
        is_masked = draw_intervals(n_windows, n_times, self.shares, generator)
        rank = draw_uniform((n_windows, n_chans), generator).argsort(dim=1)
        is_cut = rank < (n_chans + 1) // 2
        return fill_with_mean(signals, is_masked.unsqueeze(1) & is_cut.unsqueeze(2))
