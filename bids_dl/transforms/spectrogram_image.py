"""SpectrogramImage: spectrograms of all channels below each other, as one image."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch.nn.functional as F
from torch import Tensor, nn

from bids_dl.errors import ModelError
from bids_dl.transforms.precision import without_autocast
from bids_dl.transforms.segments import MIN_POWER
from bids_dl.transforms.spec import TransformSpec
from bids_dl.transforms.spectrogram import Spectrogram, SpectrogramSettings

MAX_POWER = 1e6  # µV²/Hz, above any signal of a brain
MIN_DEVIATION = 1e-6  # of an image, below which it is flat


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """Image of spectrograms.

    Parameters
    ----------
    spectrogram
        Segments and frequencies.
    n_groups
        Groups of successive channels, equally large, whose power is averaged. None for one group
        a channel.
    limits
        Lowest and highest power in µV²/Hz. Power outside becomes the limit.
    size
        (n_rows, n_columns) that the image is resized to. None keeps one row a frequency and one
        column a segment.
    n_copies
        Times that the image is repeated along the first axis, 3 for networks of photographs.
    """

    spectrogram: SpectrogramSettings = field(default_factory=SpectrogramSettings)
    n_groups: int | None = None
    limits: tuple[float, float] = (MIN_POWER, MAX_POWER)
    size: tuple[int, int] | None = None
    n_copies: int = 1


HMS = ImageSettings(
    SpectrogramSettings(seconds=5.12, step=2.0, band=(0.5, 20.0)),
    n_groups=4,
    limits=(math.exp(-4), math.exp(8)),
    size=(400, 300),
    n_copies=3,
)
"""Harmful brain activity (Kaggle 2024), for 10 min at 200 Hz of the 16 bipolar channels of four
chains, chain by chain: 100 frequencies from 0.59 to 19.92 Hz a chain, and 300 columns of 2 s."""


class SpectrogramImage(nn.Module):
    """Logarithm of the power over frequency and time, all channels below each other.

    Each image is normalized: its mean is 0 and its standard deviation is 1. A flat image is 0.

    Parameters
    ----------
    n_chans, n_times
        Channels and samples of a window.
    sfreq
        Sampling rate in Hz.
    settings
        Segments, frequencies, groups of channels and size. `HMS` has those of system 3.

    Attributes
    ----------
    output_shape
        (n_copies, n_rows, n_columns). The rows of the first channel come first, its lowest
        frequency in the first row.

    Raises
    ------
    ModelError
        The window or the sampling rate does not fit the segments and frequencies, or the channels
        cannot be grouped.

    Examples
    --------
    >>> import torch
    >>> image = SpectrogramImage(24, 256, 128.0)
    >>> image(torch.randn(8, 24, 256)).shape
    torch.Size([8, 1, 480, 10])
    >>> SpectrogramImage(16, 120_000, 200.0, HMS).output_shape
    (3, 400, 300)
    """

    def __init__(
        self, n_chans: int, n_times: int, sfreq: float, settings: ImageSettings = ImageSettings()
    ) -> None:
        super().__init__()
        self.settings = settings
        n_groups = settings.n_groups or n_chans
        if n_chans % n_groups:
            raise ModelError(
                f"transform spectrogram-image: {n_chans} channels cannot be divided into "
                f"{n_groups} groups of the same size"
            )
        self.spectrogram = Spectrogram("spectrogram-image", n_times, sfreq, settings.spectrogram)
        self.groups = (n_groups, n_chans // n_groups)
        n_rows = n_groups * self.spectrogram.n_frequencies
        size = settings.size or (n_rows, self.spectrogram.n_segments)
        self.output_shape = (settings.n_copies, *size)

    def forward(self, signals: Tensor) -> Tensor:
        """Compute images (batch, n_copies, n_rows, n_columns) of signals in µV."""
        settings = self.settings
        with without_autocast(signals):
            power: Tensor = self.spectrogram(signals)
            groups = power.reshape(len(power), *self.groups, *power.shape[2:])
            power = groups.mean(dim=2)
            image = power.clamp(*settings.limits).log().flatten(1, 2).unsqueeze(1)
            if settings.size is not None:
                image = F.interpolate(image, settings.size, mode="bilinear", antialias=True)
            centered = image - image.mean(dim=(2, 3), keepdim=True)
            variance = centered.square().mean(dim=(2, 3), keepdim=True)
            normalized = centered / variance.clamp(min=MIN_DEVIATION**2).sqrt()
            return normalized.expand(-1, settings.n_copies, -1, -1)


SPEC = TransformSpec(
    name="spectrogram-image",
    summary="log power over frequency and time, one image of all channels: (1, n_rows, n_columns)",
    source="HMS, Harmful Brain Activity Classification, Kaggle 2024",
    make=SpectrogramImage,
)
