"""FrequencyMask: a band of all channels is removed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bids_dl.training.augmentation.operation import draw_intervals


@dataclass(frozen=True, slots=True)
class FrequencyMask:
    """Remove a band of frequencies from all channels. The mean of a channel is kept.

    Parameters
    ----------
    shares
        Smallest and largest share of the frequencies from above 0 Hz to half the sampling rate.
    """

    shares: tuple[float, float] = (0.06, 0.10)

    def __call__(self, signals: Tensor, generator: torch.Generator) -> Tensor:
        """Return windows without a band."""
        n_times = signals.shape[-1]
        n_frequencies = n_times // 2  # above 0 Hz
        if n_frequencies == 0:
            return signals
        is_masked = draw_intervals(len(signals), n_frequencies, self.shares, generator)
        is_kept = F.pad(~is_masked, (1, 0), value=True).unsqueeze(1).to(signals.device)
        masked: Tensor = torch.fft.irfft(torch.fft.rfft(signals) * is_kept, n=n_times)
        return masked
