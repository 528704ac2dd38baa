"""PairNetwork: near or far, from the features of two windows."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

from bids_dl.models.checkpoint import ModelCard
from bids_dl.models.features import FeatureExtractor
from bids_dl.models.pretext import RELATIVE_POSITION
from bids_dl.models.registry import find_spec

DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)


class PairNetwork(nn.Module):
    """Dense layer on the absolute difference of the features of two windows.

    The network of relative positioning of Banville, Chehab, Hyvärinen, Engemann and Gramfort 2021
    (doi:10.1088/1741-2552/abca18). The features of both windows are those before the last layer of
    the same model.

    Dropout of the model is off, because two windows that lose different features differ whatever
    their distance. The last layer of the model is not used, and keeps its weights.

    Parameters
    ----------
    model
        Model from signals (batch, n_chans, n_times) to outputs.
    n_features
        Number of features before its last layer.

    Examples
    --------
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 2))
    >>> PairNetwork(model, 5)(torch.zeros(4, 2, 3, 4)).shape
    torch.Size([4, 2])
    """

    def __init__(self, model: nn.Module, n_features: int) -> None:
        super().__init__()
        self.extractor = FeatureExtractor(model)
        self.dense = nn.Linear(n_features, RELATIVE_POSITION.n_outputs)

    def forward(self, signals: Tensor) -> Tensor:
        """Compute logits (batch, 2), far and near, of signals (batch, 2, n_chans, n_times)."""
        features = self.extractor(signals.flatten(0, 1)).unflatten(0, (-1, 2))
        logits: Tensor = self.dense((features[:, 0] - features[:, 1]).abs())
        return logits

    def train(self, mode: bool = True) -> Self:
        """Set training mode, except for dropout."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, DROPOUTS):
                module.train(False)
        return self


def count_features(card: ModelCard) -> int:
    """Return the number of features before the last layer of a model, without random numbers.

    Parameters
    ----------
    card
        Description of the model.
    """
    device = "cpu" if find_spec(card.model).needs_memory else "meta"
    with torch.random.fork_rng(devices=[]), torch.device(device), torch.no_grad():
        extractor = FeatureExtractor(card.build().eval())
        return int(extractor(torch.zeros(2, len(card.channels), card.n_times)).shape[1])
