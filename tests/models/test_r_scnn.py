from __future__ import annotations

import torch
from torch import nn

from bids_dl.models.r_scnn import RSCNN


def layers(model: nn.Module, kind: type) -> list:
    return [layer for layer in model.modules() if isinstance(layer, kind)]


def test_the_network_has_1900_features_and_the_published_layers():
    model = RSCNN(24, 256, n_outputs=2, sfreq=128.0)
    assert model.features(torch.zeros(1, 1, 24, 256)).shape == (1, 1900)
    convolutions = [(c.out_channels, c.kernel_size) for c in layers(model, nn.Conv2d)]
    assert convolutions == [
        (100, (3, 3)),
        (100, (3, 3)),
        (300, (2, 3)),
        (300, (1, 7)),
        (100, (1, 3)),
        (100, (1, 3)),
    ]
    names = ["Conv2d", "ReLU", "MaxPool2d", "Dropout"] * 4 + ["Conv2d", "ReLU"] * 2
    assert [type(layer).__name__ for layer in model.features] == [*names, "Flatten"]
    assert [layer.p for layer in layers(model, nn.Dropout)] == [0.25] * 4
    assert [layer.stride for layer in layers(model, nn.MaxPool2d)] == [2, 2, 2, 1]
    dense = [(layer.in_features, layer.out_features) for layer in layers(model, nn.Linear)]
    assert dense == [(1900, 6144), (6144, 2)]
