"""TimeShift: a window begins earlier or later."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bids_dl.training.augmentation.operation import draw_uniform


@dataclass(frozen=True, slots=True)
class TimeShift:
    """Shift all channels in time. Samples that leave the window at one end enter at the other.

    Parameters
    ----------
    max_share
        Largest shift to either side, as a share of the window.
    """

    max_share: float = 0.1

    def __call__(self, signals: Tensor, generator: torch.Generator) -> Tensor:
        """Return shifted windows."""
        n_times = signals.shape[-1]
        limit = round(self.max_share * n_times)
        drawn = draw_uniform((len(signals), 1), generator)
        shift = (drawn * (2 * limit + 1)).long() - limit
        index = (torch.arange(n_times) - shift) % n_times
        return signals.gather(-1, index.unsqueeze(1).to(signals.device).expand_as(signals))
