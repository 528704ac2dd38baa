"""BandTopography: images of theta, alpha and beta power over the head."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from bids_dl.transforms.head_map import (
    HEAD_RADIUS,
    check_positions,
    flatten_positions,
    grid_points,
    spline_matrix,
)
from bids_dl.transforms.precision import as_buffer, as_real, without_autocast
from bids_dl.transforms.segments import select_bins
from bids_dl.transforms.spec import TransformSpec
from bids_dl.transforms.welch import SPECTOPO, Welch

BANDS = {"theta": (4.0, 7.0), "alpha": (7.0, 13.0), "beta": (14.0, 25.0)}
"""Lowest and highest frequency in Hz. Both belong to the band, so 7 Hz belongs to two."""
N_PIXELS = 24  # along each side of an image
MAX_PIXEL = 255.0
MIN_RANGE = 1e-6  # dB, below which a map is flat
CENTER = (0.0, 0.0, 0.04)  # m, center of MNE's spherical head model in head coordinates


class BandTopography(nn.Module):
    """Topographies of theta, alpha and beta power, as in Truong et al. 2021 (arXiv:2105.04762).

    The power in dB is that of EEGLAB's spectopo: segments of 1 s with a symmetric Hamming taper
    and an overlap of 50/128 s, without removal of the mean. A band is the mean of its bins in dB.
    The map is that of EEGLAB's topoplot: electrodes at their arc length from the vertex, squeezed
    into the circle if one lies at the equator or below it, and a biharmonic spline between them.
    Each map is scaled so that its pixels inside the circle reach from 0 to 255. Pixels outside
    are 0.

    The spline has no constant term, so the same dB added to all channels changes the image.

    Parameters
    ----------
    n_chans, n_times
        Channels and samples of a window.
    sfreq
        Sampling rate in Hz. The paper uses 128 Hz.
    positions
        (n_chans, 3): positions of the channels in m, head coordinates (right, front, up).
    center
        Center of the head in m, in the same coordinates. That of EEGLAB is the origin of the
        file of positions.

    Attributes
    ----------
    output_shape
        (3, 24, 24): theta, alpha and beta, front row first, left pixel first.

    Raises
    ------
    ModelError
        The window is shorter than 1 s, the sampling rate is below 50 Hz, or a position is unknown
        or equals another one.

    Examples
    --------
    >>> positions = np.random.default_rng(0).normal(size=(24, 3))
    >>> topography = BandTopography(24, 256, 128.0, positions)
    >>> topography(torch.randn(8, 24, 256)).shape
    torch.Size([8, 3, 24, 24])
    """

    matrix: Tensor
    is_outside: Tensor

    def __init__(
        self,
        n_chans: int,
        n_times: int,
        sfreq: float,
        positions: npt.ArrayLike,
        *,
        center: tuple[float, float, float] = CENTER,
    ) -> None:
        super().__init__()
        self.welch = Welch(n_chans, n_times, sfreq, settings=SPECTOPO)
        self.bins = [
            select_bins("band-topography", self.welch.frequencies, low, high)
            for low, high in BANDS.values()
        ]
        places = check_positions("band-topography", positions, n_chans)
        points = grid_points(N_PIXELS)
        matrix = spline_matrix(flatten_positions(places, np.array(center)), points)
        is_outside = np.hypot(points[:, 0], points[:, 1]) > HEAD_RADIUS
        matrix[is_outside] = 0
        self.register_buffer("matrix", as_buffer(matrix))
        self.register_buffer("is_outside", torch.tensor(is_outside.tolist()))
        self.output_shape = (len(BANDS), N_PIXELS, N_PIXELS)

    def forward(self, signals: Tensor) -> Tensor:
        """Compute images (batch, 3, 24, 24) from 0 to 255 of signals in µV."""
        with without_autocast(signals):
            maps = self.interpolate(self.band_power(signals))
            lowest = maps.masked_fill(self.is_outside, torch.inf).amin(dim=-1, keepdim=True)
            highest = maps.masked_fill(self.is_outside, -torch.inf).amax(dim=-1, keepdim=True)
            pixels = (maps - lowest) / (highest - lowest).clamp(min=MIN_RANGE) * MAX_PIXEL
            pixels = pixels.masked_fill(self.is_outside, 0)
            return pixels.reshape(*pixels.shape[:-1], N_PIXELS, N_PIXELS)

    def band_power(self, signals: Tensor) -> Tensor:
        """Compute the power (batch, 3, n_chans) of each band in dB."""
        decibel = self.welch(signals)
        powers = [decibel[..., start:stop].mean(dim=-1) for start, stop in self.bins]
        return torch.stack(powers, dim=1)

    def interpolate(self, values: Tensor) -> Tensor:
        """Interpolate values (..., n_chans) to all pixels (..., 576). Those outside are 0."""
        with without_autocast(values):
            values = as_real(values)
            return values @ self.matrix.to(values.dtype).T


SPEC = TransformSpec(
    name="band-topography",
    summary="theta, alpha and beta power over the head, images from 0 to 255: (3, 24, 24)",
    source="Truong, Milham, Makeig & Delorme 2021, arXiv:2105.04762; EEGLAB spectopo, topoplot",
    make=BandTopography,
    needs_positions=True,
)
