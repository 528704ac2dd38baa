"""Network for any montage: attention over the positions of the electrodes, then log power."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from bids_dl.errors import ModelError
from bids_dl.models.shallow_fbcsp import ShallowFBCSP
from bids_dl.models.spec import ModelSpec
from bids_dl.transforms.precision import without_autocast
from bids_dl.transforms.topography import CENTER

PERIOD = 2.0  # of the basis; the plane of the electrodes reaches from -1 to 1
INITIAL_SPREAD = 1.0  # standard deviation of scores over positions; 0 would be one mean for all
HALF_TURN = 180.0  # degrees of arc from the vertex to the lowest point, 1 in the plane


class SpatialAttentionNet(nn.Module):
    """Virtual channels as weighted means of the electrodes, then the layers of `ShallowFBCSP`.

    The attention is that of Défossez, Caucheteux, Rapin, Kabeli and King 2023
    (doi:10.1038/s42256-023-00714-5). Each virtual channel has a function of the position with
    learnt coefficients of a Fourier basis. Its weights are the softmax of this function over the
    electrodes of a window. So no parameter depends on the channels: one network accepts windows of
    any montage, in any order of the channels, and with missing channels.

    The virtual channels pass through the filters, powers and dense layer of ``shallow-fbcsp``,
    whose lengths are in s. Two datasets of different rates must be resampled to one rate.

    The network differs from the publication in three ways. Positions in 3-D are projected to the
    plane by their arc length from the vertex, whatever the size of the head. The basis has fewer
    harmonics, 4 instead of 32, because a function learnt at few electrodes is arbitrary between
    them if it varies faster: of planted windows of 129 channels, a network trained on 24 channels
    classified 79 % with 4 harmonics, 62 % with 5 and 54 % with 8. The basis has the waves of both
    diagonals, so that left and right are alike.

    With the default options, 256 samples at 128 Hz and 2 outputs, the network has 55,458
    parameters, whatever the number of channels.

    Parameters
    ----------
    n_chans, n_times
        Channels and samples of a window. The number of channels may differ if positions are given
        to `forward`.
    n_outputs
        Number of outputs.
    sfreq
        Sampling rate in Hz.
    positions
        (n_chans, 3): positions of the channels in m, head coordinates (right, front, up), of
        windows without positions of their own. They are not part of the weights. None accepts only
        windows with positions.
    n_virtual
        Number of virtual channels.
    n_harmonics
        Number of frequencies of the basis along each axis, 0 included. With 4, the finest wave has
        85 degrees of arc, about 13 cm on the scalp.
    n_filters
        Number of temporal filters, and of spatial filters.
    dropout
        Fraction of the features dropped before the dense layer.
    spatial_dropout
        Radius in degrees of arc. In training, the electrodes within it around a random point are
        left out, another point for each batch. The publication uses about 0.2 of the width.

    Raises
    ------
    ModelError
        The window is shorter than ``shallow-fbcsp`` accepts, or a position is unknown.
    ValueError
        A number is out of range.

    Examples
    --------
    >>> model = SpatialAttentionNet(24, 256, 2, 128.0)
    >>> positions = 0.09 * nn.functional.normalize(torch.randn(8, 129, 3), dim=2)
    >>> model(torch.randn(8, 129, 256), positions).shape
    torch.Size([8, 2])
    """

    def __init__(
        self,
        n_chans: int,
        n_times: int,
        n_outputs: int,
        sfreq: float,
        *,
        positions: npt.ArrayLike | None = None,
        n_virtual: int = 32,
        n_harmonics: int = 4,
        n_filters: int = 40,
        dropout: float = 0.5,
        spatial_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.attention = SpatialAttention(n_virtual, n_harmonics, spatial_dropout)
        if positions is not None:
            self.attention.set_positions(_check_positions(positions, n_chans))
        try:
            self.network = ShallowFBCSP(
                n_virtual, n_times, n_outputs, sfreq, n_filters=n_filters, dropout=dropout
            )
        except ModelError as error:
            raise ModelError(f"model {SPEC.name}: after the attention, {error}") from error

    def forward(
        self, signals: Tensor, positions: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """Compute logits (batch, n_outputs).

        Parameters
        ----------
        signals
            (batch, n_chans, n_times).
        positions
            (batch, n_chans, 3) or (n_chans, 3): positions in m, head coordinates. NaN leaves out a
            channel. None takes the positions that the network was built with.
        mask
            bool (batch, n_chans): False leaves out a channel. None takes all.

        Raises
        ------
        ModelError
            There are no positions, or they are of another number of channels.
        """
        logits: Tensor = self.network(self.attention(signals, positions, mask))
        return logits


class SpatialAttention(nn.Module):
    """Weighted means of electrodes, with weights that depend on their positions only.

    Parameters
    ----------
    n_virtual
        Number of virtual channels.
    n_harmonics
        Number of frequencies of the Fourier basis along each axis, 0 included.
    dropout
        Radius in degrees of arc, as in `SpatialAttentionNet`.
    """

    waves: Tensor
    basis: Tensor | None

    def __init__(self, n_virtual: int, n_harmonics: int, dropout: float = 0.0) -> None:
        super().__init__()
        if n_virtual < 1:
            raise ValueError("n_virtual must be at least 1")
        if n_harmonics < 2:  # a constant is no function of the position
            raise ValueError("n_harmonics must be at least 2")
        if not 0 <= dropout < HALF_TURN:
            raise ValueError(f"spatial_dropout must be from 0 to less than {HALF_TURN:g} degrees")
        self.dropout = dropout / HALF_TURN
        waves = list_waves(n_harmonics)
        self.register_buffer("waves", torch.tensor(waves) * 2 * torch.pi / PERIOD, persistent=False)
        self.register_buffer("basis", None, persistent=False)
        self.register_buffer("points", None, persistent=False)
        self.coefficients = nn.Parameter(torch.empty(n_virtual, 2 * len(waves)))
        # squares of sine and cosine add up to 1, so that scores have this standard deviation
        nn.init.normal_(self.coefficients, std=INITIAL_SPREAD / len(waves) ** 0.5)

    def set_positions(self, positions: Tensor) -> None:
        """Set the positions (n_chans, 3) in m of windows without positions of their own."""
        self.points = project_positions(positions)
        self.basis = self._expand(self.points)

    def forward(
        self, signals: Tensor, positions: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """Compute virtual channels (batch, n_virtual, n_times), as in `SpatialAttentionNet`."""
        weights = self.weigh(positions, mask)
        if weights.shape[-1] != signals.shape[1]:
            raise ModelError(
                f"model {SPEC.name} got the positions of {weights.shape[-1]} channels for windows "
                f"of {signals.shape[1]} channels"
            )
        return torch.matmul(weights.to(signals.dtype), signals)

    def weigh(self, positions: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Compute the weights (n_virtual, n_chans), or (batch, n_virtual, n_chans).

        The weights of a virtual channel sum to 1. Without any channel they are equal.
        """
        with without_autocast(self.coefficients):
            if positions is None:
                points, basis = self.points, self.basis
            else:
                is_known = positions.isfinite().all(dim=-1)
                mask = is_known if mask is None else mask & is_known
                points = project_positions(positions.nan_to_num().to(self.waves.dtype))
                basis = self._expand(points)
            if basis is None:
                raise ModelError(
                    f"model {SPEC.name} was built without positions; give positions to forward"
                )
            scores = self.coefficients @ basis.transpose(-1, -2)
            mask = self._drop(points, mask)
            if mask is not None:
                # the least number instead of minus infinity, which makes NaN without any channel
                scores = scores.masked_fill(~mask.unsqueeze(-2), torch.finfo(scores.dtype).min)
            return scores.softmax(dim=-1)

    def _expand(self, points: Tensor) -> Tensor:
        """Return the basis (..., n_chans, 2 * n_waves) at points (..., n_chans, 2)."""
        phases = points @ self.waves.T
        return torch.cat([phases.cos(), phases.sin()], dim=-1)

    def _drop(self, points: Tensor, mask: Tensor | None) -> Tensor | None:
        """Leave out the channels around a random point in training."""
        if not self.training or not self.dropout:
            return mask
        center = torch.rand(2, device=points.device) - 0.5  # within the ear line, about
        is_kept = (points - center).norm(dim=-1) > self.dropout
        kept = is_kept if mask is None else is_kept & mask
        is_any = kept.any(dim=-1, keepdim=True)
        return torch.where(is_any, kept, True if mask is None else mask)


def list_waves(n_harmonics: int) -> list[tuple[float, float]]:
    """Return the waves of a real Fourier basis of the plane, as cycles per period.

    Cycles along the first axis are from 0, those along the second one of either sign. The constant
    is left out, because a softmax ignores it.

    Examples
    --------
    >>> list_waves(2)
    [(0.0, 1.0), (1.0, -1.0), (1.0, 0.0), (1.0, 1.0)]
    """
    waves = [(0.0, float(front)) for front in range(1, n_harmonics)]
    for right in range(1, n_harmonics):
        waves += [(float(right), float(front)) for front in range(1 - n_harmonics, n_harmonics)]
    return waves


def project_positions(positions: Tensor) -> Tensor:
    """Project positions to the plane by their arc length from the vertex.

    It is the projection of topographies without their squeeze, which depends on the other
    electrodes. Distances from the center of the head do not count, so that heads of any size are
    alike.

    Parameters
    ----------
    positions
        (..., 3) in m, head coordinates (right, front, up).

    Returns
    -------
    points
        (..., 2), right and front. The distance from the origin is 0 at the vertex, 0.5 on the
        equator, and 1 at the lowest point.

    Examples
    --------
    >>> project_positions(torch.tensor([[0.09, 0, 0.04], [0, 0, 0.13]])).round(decimals=6).tolist()
    [[0.5, 0.0], [0.0, 0.0]]
    """
    centered = positions - torch.tensor(CENTER, dtype=positions.dtype, device=positions.device)
    right, front, up = centered.unbind(dim=-1)
    across = torch.hypot(right, front)
    arc_length = 0.5 - torch.atan2(up, across) / torch.pi
    # at the vertex, the direction is none and the arc length is 0
    per_distance = arc_length / across.clamp(min=torch.finfo(positions.dtype).tiny)
    return torch.stack([right * per_distance, front * per_distance], dim=-1)


def _check_positions(positions: npt.ArrayLike, n_chans: int) -> Tensor:
    """Return positions (n_chans, 3) as a tensor, or refuse another shape and unknown ones."""
    values = np.asarray(positions, np.float64)
    if values.shape != (n_chans, 3) or not np.isfinite(values).all():
        raise ModelError(
            f"model {SPEC.name} expects finite positions of shape ({n_chans}, 3), got "
            f"{values.shape} with {int(np.isnan(values).sum())} NaN"
        )
    return torch.tensor(values.tolist())


SPEC = ModelSpec(
    name="spatial-attention",
    summary="attention over electrode positions, then shallow-fbcsp: one network for all montages",
    source="Défossez et al. 2023, doi:10.1038/s42256-023-00714-5",
    shape=None,
    make=SpatialAttentionNet,
    min_seconds=0.4,
    needs_positions=True,
)
