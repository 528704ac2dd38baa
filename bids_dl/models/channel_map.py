"""Linear map from the channels of a store to those of a network."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy.typing as npt
import torch
from torch import Tensor, nn

from bids_dl.transforms.precision import without_autocast

MAP = "channel_map"
NETWORK = "network"
"""Names of the two parts of a model with a channel map."""

NETWORK_PREFIX = f"{NETWORK}."  # of its tensors


class ChannelMap(nn.Module):
    """Select, reorder or interpolate channels by a fixed matrix, which is saved with the model.

    The result is float32, also under autocast. A row with a single 1 copies a channel exactly.

    Parameters
    ----------
    matrix
        (n_out, n_chans): weight of each channel of the input in each channel of the output.

    Examples
    --------
    >>> swap = ChannelMap([[0.0, 1.0], [1.0, 0.0]])
    >>> swap(torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])).tolist()
    [[[3.0, 4.0], [1.0, 2.0]]]
    """

    matrix: Tensor

    def __init__(self, matrix: npt.ArrayLike) -> None:
        super().__init__()
        self.register_buffer("matrix", torch.tensor(matrix, dtype=torch.float32))

    def forward(self, signals: Tensor) -> Tensor:
        """Map signals (batch, n_chans, n_times) to (batch, n_out, n_times)."""
        with without_autocast(signals):
            return torch.matmul(self.matrix.to(signals.dtype), signals)


def prepend_map(matrix: npt.ArrayLike, network: nn.Module) -> nn.Module:
    """Return a model that maps channels before a network.

    Examples
    --------
    >>> model = prepend_map([[0.5, 0.5]], nn.Linear(3, 2))
    >>> model(torch.zeros(4, 2, 3)).shape
    torch.Size([4, 1, 2])
    """
    return nn.Sequential(OrderedDict([(MAP, ChannelMap(matrix)), (NETWORK, network)]))


def index_channels(wanted: Sequence[str], available: Sequence[str]) -> list[int | None]:
    """Return the index of each wanted channel among the available ones, None if it is missing.

    An exact match takes precedence over one that differs in case.

    Examples
    --------
    >>> index_channels(["Fp1", "Cz", "Oz"], ["Cz", "FP1"])
    [1, 0, None]
    """
    folded = {name.casefold(): i for i, name in reversed(list(enumerate(available)))}
    exact = {name: i for i, name in enumerate(available)}
    return [exact.get(name, folded.get(name.casefold())) for name in wanted]
