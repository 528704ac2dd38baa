"""PowerImage: a colored spectrogram of each electrode."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bids_dl.errors import ModelError
from bids_dl.transforms.color_map import viridis
from bids_dl.transforms.precision import as_buffer, without_autocast
from bids_dl.transforms.segments import to_decibel
from bids_dl.transforms.spec import TransformSpec
from bids_dl.transforms.spectrogram import Spectrogram, SpectrogramSettings

SMALLEST_INCEPTION = (75, 75)  # pixels, the smallest image of Inception-ResNet-v2
MIN_RANGE = 1e-6  # dB, below which an image is flat


@dataclass(frozen=True, slots=True)
class PowerSettings:
    """Image of an electrode.

    Parameters
    ----------
    spectrogram
        Segments and frequencies.
    size
        (n_rows, n_columns) of the image.
    limits
        Power in dB of the first and the last color. None for the lowest and the highest power of
        each image.
    """

    spectrogram: SpectrogramSettings = field(
        default_factory=lambda: SpectrogramSettings(seconds=1.0, step=0.5, band=(0.0, 50.0))
    )
    size: tuple[int, int] = SMALLEST_INCEPTION
    limits: tuple[float, float] | None = None


class PowerImage(nn.Module):
    """Spectrograms in dB, resized and colored: 16 electrodes become 48 channels of an image.

    The input of DeepSync (Neuromatch Academy), which predicts seizures by Inception-ResNet-v2. Its
    settings of segments, frequencies and colors are not published.

    The color of a pixel is the entry of the color map, as in matplotlib. Its gradient is that of
    the map between entries, because an entry by itself has none.

    Parameters
    ----------
    n_chans, n_times
        Channels and samples of a window.
    sfreq
        Sampling rate in Hz.
    settings
        Segments, frequencies, size and limits.
    colors
        (n_colors, 3): color map, from 0 to 1. None for viridis.

    Attributes
    ----------
    output_shape
        (3 * n_chans, n_rows, n_columns): red, green and blue of the first electrode come first,
        its lowest frequency in the first row.

    Raises
    ------
    ModelError
        The window or the sampling rate does not fit the segments and frequencies, or the colors
        have another shape.

    Examples
    --------
    >>> images = PowerImage(16, 4000, 400.0)
    >>> images(torch.randn(2, 16, 4000)).shape
    torch.Size([2, 48, 75, 75])
    """

    colors: Tensor

    def __init__(
        self,
        n_chans: int,
        n_times: int,
        sfreq: float,
        *,
        settings: PowerSettings = PowerSettings(),
        colors: npt.ArrayLike | None = None,
    ) -> None:
        super().__init__()
        table = viridis() if colors is None else np.asarray(colors, float)
        if table.ndim != 2 or table.shape[1] != 3 or len(table) < 2:
            raise ModelError(
                f"transform power-image expects colors of shape (n_colors, 3), got {table.shape}"
            )
        self.settings = settings
        self.spectrogram = Spectrogram("power-image", n_times, sfreq, settings.spectrogram)
        self.register_buffer("colors", as_buffer(table))
        self.output_shape = (3 * n_chans, *settings.size)

    def forward(self, signals: Tensor) -> Tensor:
        """Compute images (batch, 3 * n_chans, n_rows, n_columns) from 0 to 1 of signals in µV."""
        with without_autocast(signals):
            decibel = to_decibel(self.spectrogram(signals))
            images = F.interpolate(decibel, self.settings.size, mode="bilinear", antialias=True)
            return self.color(self._scale(images)).flatten(1, 2)

    def color(self, values: Tensor) -> Tensor:
        """Return red, green and blue (..., 3, n_rows, n_columns) of values from 0 to 1."""
        n_colors = len(self.colors)
        entry = (values.detach() * n_colors).int().clamp(0, n_colors - 1)
        planes = []
        for component in self.colors.to(values.dtype).T:
            plane = component[entry]
            if values.requires_grad:
                # a sum of the entry and of zeros, whose gradient is that between two entries
                slopes = component.diff(append=component[-1:]) * n_colors
                plane = plane + (values - values.detach()) * slopes[entry]
            planes.append(plane)
        return torch.stack(planes, dim=-3)

    def _scale(self, images: Tensor) -> Tensor:
        """Scale images in dB to values from 0 to 1."""
        limits = self.settings.limits
        if limits is not None:
            return ((images - limits[0]) / (limits[1] - limits[0])).clamp(0, 1)
        lowest = images.amin(dim=(-2, -1), keepdim=True)
        highest = images.amax(dim=(-2, -1), keepdim=True)
        return (images - lowest) / (highest - lowest).clamp(min=MIN_RANGE)


SPEC = TransformSpec(
    name="power-image",
    summary="colored spectrogram of each electrode: (3 * n_chans, n_rows, n_columns)",
    source="DeepSync, Neuromatch Academy",
    make=PowerImage,
)
