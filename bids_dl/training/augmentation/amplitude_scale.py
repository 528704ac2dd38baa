"""AmplitudeScale: a window is louder or softer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from bids_dl.training.augmentation.operation import draw_uniform


@dataclass(frozen=True, slots=True)
class AmplitudeScale:
    """Multiply a window by one factor, whose logarithm is uniform.

    Parameters
    ----------
    max_factor
        Largest factor. Its inverse is the smallest one.
    """

    max_factor: float = 1.25

    def __call__(self, signals: Tensor, generator: torch.Generator) -> Tensor:
        """Return scaled windows."""
        exponent = 2 * draw_uniform((len(signals), 1, 1), generator) - 1
        return signals * (exponent * math.log(self.max_factor)).exp().to(signals)
