from __future__ import annotations

import doctest

import pytest
import torch
from learning import is_learnt, windows_of_two_rhythms
from torch import nn

from bids_dl.errors import ConfigError, ModelError
from bids_dl.models import build, c2f
from bids_dl.models.c2f import SIZES, C2fNet, make_backbone


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(c2f, extraglobs={"torch": torch}).failed == 0


@pytest.mark.parametrize(
    ("size", "n_parameters", "n_statistics"),
    [("large", 19_808_576, 23_168), ("small", 1_277_680 - 5_024, 5_024)],
)
def test_the_backbones_have_the_parameters_and_running_statistics_of_the_publication(
    size, n_parameters, n_statistics
):
    with torch.device("meta"):
        backbone = make_backbone(3, *SIZES[size])
    assert sum(parameter.numel() for parameter in backbone.parameters()) == n_parameters
    norms = [layer for layer in backbone.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert sum(2 * norm.num_features for norm in norms) == n_statistics
    assert {norm.eps for norm in norms} == {1e-3}


def test_the_large_backbone_has_the_shapes_of_the_publication():
    with torch.device("meta"):
        maps = torch.zeros(1, 3, 400, 300)
        shapes = []
        for layer in make_backbone(3, *SIZES["large"]):
            maps = layer(maps)
            shapes.append(tuple(maps.shape[1:]))
    assert shapes == [
        (64, 200, 150),
        *[(128, 100, 75)] * 2,
        *[(256, 50, 38)] * 2,
        *[(512, 25, 19)] * 2,
        *[(512, 13, 10)] * 3,
    ]


def test_a_stage_concatenates_both_halves_and_each_bottleneck():
    torch.manual_seed(0)
    stage = c2f.PartialStage(8, 2, 3).eval()
    maps = torch.randn(1, 8, 5, 6)
    entered = stage.enter(maps)
    first, second = entered[:, :4], entered[:, 4:]
    third = second + stage.bottlenecks[0](second)
    fourth = third + stage.bottlenecks[1](third)
    expected = stage.leave(torch.cat([first, second, third, fourth], dim=1))
    torch.testing.assert_close(stage(maps), expected)


def test_pyramid_pooling_adds_maxima_over_5_9_and_13_pixels():
    torch.manual_seed(0)
    pooling = c2f.PyramidPooling(4).eval()
    maps = torch.randn(1, 4, 15, 14)
    entered = pooling.enter(maps)
    pieces = [entered]
    for side in (5, 9, 13):
        pieces.append(nn.functional.max_pool2d(entered, side, 1, side // 2))
    torch.testing.assert_close(pooling(maps), pooling.leave(torch.cat(pieces, dim=1)))


@pytest.mark.parametrize(("n_chans", "n_times", "sfreq"), [(1, 128, 128.0), (20, 2000, 200.0)])
def test_the_model_accepts_any_montage_rate_and_window(n_chans, n_times, sfreq):
    model = C2fNet(n_chans, n_times, n_outputs=6, sfreq=sfreq, size="small").eval()
    assert model(torch.randn(2, n_chans, n_times)).shape == (2, 6)


def test_the_published_image_has_400_rows_of_four_chains_and_300_columns():
    with torch.device("meta"):
        model = C2fNet(16, 10_000, n_outputs=6, sfreq=200.0, size="small", image="chains")
    assert model.input.output_shape == (3, 400, 300)


def test_too_short_windows_are_refused_with_the_shortest_accepted_length():
    with pytest.raises(ModelError, match=r"at least 1 s \(128 samples at 128 Hz\), got 127"):
        build("c2f", n_chans=2, n_times=127, n_outputs=2, sfreq=128.0, size="small")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": "huge"}, "size='huge': size must be one of large, small"),
        ({"image": "photo"}, "image='photo': image must be one of channels, chains"),
        ({"kernel": 4}, "kernel=4: kernel must be an odd number"),
    ],
)
def test_an_unsuitable_option_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        build("c2f", n_chans=2, n_times=256, n_outputs=2, sfreq=128.0, **options)


@pytest.mark.parametrize("kernel", [1, 5])
def test_the_option_kernel_keeps_the_shapes(kernel):
    model = C2fNet(2, 256, n_outputs=2, sfreq=128.0, size="small", kernel=kernel).eval()
    usual = C2fNet(2, 256, n_outputs=2, sfreq=128.0, size="small").eval()
    signals = torch.randn(1, 2, 256)
    assert model.backbone(model.input(signals)).shape == usual.backbone(usual.input(signals)).shape


@pytest.mark.slow
def test_the_small_model_learns_24_windows():
    torch.manual_seed(0)
    model = C2fNet(8, 256, 2, 128.0, size="small")
    assert is_learnt(model, *windows_of_two_rhythms(24, 8, 256), lr=1e-3)
