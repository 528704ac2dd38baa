"""Finish batches on a device: int16 to µV, and normalization.

The integers of a store are half the bytes of its samples in µV, so they take half as long to copy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from bids_dl.stream.batches import Batch
from bids_dl.stream.normalize import MIN_RELATIVE_STD, Normalizer, ZScore, normalize_windows


@dataclass(frozen=True, eq=False)
class DeviceFinish:
    """Finishes batches on one device, as the stream does on the CPU.

    The values are those of the stream. Only ``normalize="window"`` differs in the last digit,
    because a device adds samples in another order.

    Parameters
    ----------
    resolution
        µV of one integer, None for batches in µV.
    statistics
        Statistics of normalization, None without them.
    by_window
        Normalize each window by its own samples.
    """

    resolution: float | None
    statistics: DeviceStatistics | None
    by_window: bool

    def __call__(self, batch: Batch) -> Batch:
        """Return a batch of float32 signals."""
        signals = batch.signals.to(torch.float32)
        if self.resolution is not None:
            signals = signals.mul_(self.resolution)
        if self.statistics is not None:
            shift, factor = self.statistics.of(batch.index)
            signals = signals.sub_(shift).mul_(factor)
        if self.by_window:
            _normalize_windows(signals)
        return batch._replace(signals=signals)

    def to(self, device: torch.device) -> DeviceFinish:
        """Return a copy whose statistics are on a device."""
        if self.statistics is None:
            return self
        tensors = (tensor.to(device) for tensor in self.statistics.tensors)
        return replace(self, statistics=DeviceStatistics(*tensors))


@dataclass(frozen=True, eq=False)
class DeviceStatistics:
    """Statistics of normalization on a device.

    Parameters
    ----------
    index
        (n_windows,): row of ``shift`` and ``factor`` of each row of the joined table.
    shift, factor
        float32 (n_statistics, n_chans, 1): subtracted from samples in µV, then multiplied.
    """

    index: torch.Tensor
    shift: torch.Tensor
    factor: torch.Tensor

    @property
    def tensors(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """All tensors."""
        return self.index, self.shift, self.factor

    def of(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return shift and factor of windows, (n, n_chans, 1) each."""
        index = self.index[rows]
        return self.shift[index], self.factor[index]


def make_device_finish(
    resolution: float | None, normalizer: Normalizer | None
) -> DeviceFinish | None:
    """Return what is left to do with batches as they are stored.

    Returns
    -------
    DeviceFinish or None
        None if the normalizer is not known here.
    """
    if isinstance(normalizer, ZScore):
        arrays = (normalizer.statistics_index, normalizer.shift, normalizer.factor)
        statistics = DeviceStatistics(*map(torch.from_numpy, arrays))
        return DeviceFinish(resolution, statistics, by_window=False)
    if normalizer is None or normalizer is normalize_windows:
        return DeviceFinish(resolution, None, by_window=normalizer is not None)
    return None


def _normalize_windows(signals: torch.Tensor) -> None:
    """Normalize each channel of each window by its own samples, in place."""
    mean = signals.mean(dim=2, keepdim=True)
    signals -= mean
    std = signals.square().mean(dim=2, keepdim=True).sqrt()
    varies = std > MIN_RELATIVE_STD * mean.abs()
    signals *= torch.where(varies, 1 / std, torch.zeros_like(std))
