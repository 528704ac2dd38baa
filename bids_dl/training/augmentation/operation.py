"""WindowOperation: a random change of windows, and the random numbers that operations share."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class WindowOperation(Protocol):
    """Random change of windows that leaves their target as it is."""

    def __call__(self, signals: Tensor, generator: torch.Generator) -> Tensor:
        """Return changed copies of windows.

        Parameters
        ----------
        signals
            float32 (n_windows, n_chans, n_times), at least one window, on any device.
        generator
            Generator on the CPU. All random numbers are drawn from it, so that they do not depend
            on the device.
        """


def draw_uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Draw float64 numbers from 0 to below 1 on the CPU."""
    return torch.rand(shape, generator=generator, dtype=torch.float64)


def draw_intervals(
    n_windows: int, length: int, shares: tuple[float, float], generator: torch.Generator
) -> Tensor:
    """Draw an interval for each window.

    Parameters
    ----------
    n_windows
        Number of intervals.
    length
        Number of positions, such as samples or frequencies.
    shares
        Smallest and largest share of the positions that an interval has. It has at least one
        position.
    generator
        Generator on the CPU.

    Returns
    -------
    is_inside
        bool (n_windows, length) on the CPU.

    Examples
    --------
    >>> is_inside = draw_intervals(2, 10, (0.3, 0.3), torch.Generator().manual_seed(0))
    >>> is_inside.sum(dim=1).tolist()
    [3, 3]
    """
    low, high = shares
    width = low + (high - low) * draw_uniform((n_windows, 1), generator)
    size = (width * length).round().clamp(min=1)
    start = (draw_uniform((n_windows, 1), generator) * (length - size + 1)).floor()
    position = torch.arange(length)
    return (position >= start) & (position < start + size)


def fill_with_mean(signals: Tensor, is_filled: Tensor) -> Tensor:
    """Replace samples by the mean of their channel in their window.

    The mean is no step in a channel with an offset. It is 0 in a normalized window.

    Parameters
    ----------
    signals
        (n_windows, n_chans, n_times).
    is_filled
        bool, of a shape that is broadcast to that of the signals, on any device.
    """
    mean = signals.mean(dim=-1, keepdim=True)
    return torch.where(is_filled.to(signals.device), mean, signals)
