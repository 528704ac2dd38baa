from __future__ import annotations

import pytest
import torch
from electrode_positions import spread_positions
from learning import is_learnt, windows_of_two_rhythms
from torch import nn

from bids_dl.errors import ModelError
from bids_dl.models import build
from bids_dl.models.vgg import RVGG, SVGG

POSITIONS = spread_positions(24)


@pytest.mark.parametrize(
    ("model", "image", "pooled", "n_parameters"),
    [
        (RVGG(24, 256, 2, 128.0), (1, 24, 256), [(12, 128), (6, 64), (3, 32)], 7_452_850),
        (
            SVGG(24, 256, 2, 128.0, positions=POSITIONS),
            (3, 24, 24),
            [(12, 12), (6, 6), (3, 3)],
            1_751_506,
        ),
    ],
    ids=["r-vgg", "s-vgg"],
)
def test_the_networks_have_the_published_shapes_layers_and_parameters(
    model, image, pooled, n_parameters
):
    assert sum(parameter.numel() for parameter in model.parameters()) == n_parameters
    maps = torch.zeros(1, *image)
    filters, shapes = [], []
    for layer in model.features:
        maps = layer(maps)
        if isinstance(layer, nn.Conv2d):
            assert (layer.kernel_size, layer.padding) == ((3, 3), (1, 1))
            filters.append(layer.out_channels)
        elif isinstance(layer, nn.MaxPool2d):
            shapes.append(tuple(maps.shape[2:]))
    assert filters == [16, 16, 32, 32, 64, 64, 64]
    assert shapes == pooled
    names = ["Linear", "ReLU", "Dropout"] * 2 + ["Linear"]
    assert [type(layer).__name__ for layer in model.classifier] == names
    assert [layer.p for layer in model.classifier if isinstance(layer, nn.Dropout)] == [0.5, 0.5]


@pytest.mark.parametrize("n_chans", [8, 64])
def test_s_vgg_accepts_any_montage_of_known_positions_and_windows_of_1_s(n_chans):
    sizes = {"n_chans": n_chans, "n_outputs": 2, "sfreq": 128.0}
    positions = spread_positions(n_chans)
    model = build("s-vgg", n_times=128, positions=positions, **sizes)
    assert model(torch.randn(1, n_chans, 128)).shape == (1, 2)
    with pytest.raises(ModelError, match=r"at least 1 s \(128 samples at 128 Hz\), got 127"):
        build("s-vgg", n_times=127, positions=positions, **sizes)
    with pytest.raises(ModelError, match="s-vgg needs the positions of all channels"):
        build("s-vgg", n_times=128, **sizes)


def test_raw_windows_of_another_shape_are_refused_with_the_published_one():
    message = r"windows of \(24, 256\), the input has \(24, 250\); .* windows of 2 s at 128 Hz$"
    with pytest.raises(ModelError, match=f"r-vgg expects {message}"):
        build("r-vgg", n_chans=24, n_times=250, n_outputs=2, sfreq=125.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["r-vgg", "s-vgg"])
def test_the_networks_learn_24_windows(name):
    torch.manual_seed(0)
    sizes = {"n_chans": 24, "n_times": 256, "n_outputs": 2, "sfreq": 128.0}
    model = build(name, **sizes, positions=POSITIONS, dropout=0.0)
    assert is_learnt(model, *windows_of_two_rhythms(24, 24, 256), lr=3e-4)
