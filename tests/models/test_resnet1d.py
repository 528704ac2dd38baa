from __future__ import annotations

import pytest
import torch
from learning import is_learnt, windows_of_two_rhythms
from torch import nn

from bids_dl.models.resnet1d import ResNet1d


def test_20_channels_and_2_classes_need_the_parameters_of_the_publication():
    model = ResNet1d(20, 6000, n_outputs=2, sfreq=200.0)
    assert sum(parameter.numel() for parameter in model.parameters()) == 514_050


def test_blocks_have_the_published_widths_and_kernels_and_keep_the_length():
    model = ResNet1d(20, 101, n_outputs=2, sfreq=200.0)
    layers = [layer for layer in model.blocks.modules() if isinstance(layer, nn.Conv1d)]
    convolutions = [(layer.out_channels, *layer.kernel_size) for layer in layers]
    assert convolutions == [
        *((64, 8), (64, 5), (64, 3), (64, 1)),
        *((128, 8), (128, 5), (128, 3), (128, 1)),
        *((128, 8), (128, 5), (128, 3)),
    ]
    assert all(layer.bias is None for layer in layers)
    maps = torch.zeros(1, 20, 101)
    shapes = []
    for block in model.blocks:
        maps = block(maps)
        shapes.append(tuple(maps.shape[1:]))
    assert shapes == [(64, 101), (128, 101), (128, 101)]


@pytest.mark.parametrize("n_times", [1, 7, 640])
def test_the_same_weights_classify_windows_of_any_length(n_times):
    torch.manual_seed(0)
    weights = ResNet1d(2, 256, n_outputs=3, sfreq=128.0).state_dict()
    model = ResNet1d(2, n_times, n_outputs=3, sfreq=128.0).eval()
    model.load_state_dict(weights)
    assert model(torch.randn(4, 2, n_times)).isfinite().all()


@pytest.mark.parametrize(
    ("kernel", "kernels"), [(1, (1, 1, 1)), (3, (3, 2, 1)), (16, (16, 10, 6)), (64, (64, 40, 24))]
)
def test_the_option_kernel_scales_all_kernels(kernel, kernels):
    model = ResNet1d(2, 256, n_outputs=2, sfreq=128.0, kernel=kernel)
    layers = [layer for layer in model.blocks[2].modules() if isinstance(layer, nn.Conv1d)]
    assert tuple(layer.kernel_size[0] for layer in layers) == kernels
    assert model(torch.randn(2, 2, 256)).shape == (2, 2)


def test_a_kernel_without_a_sample_is_refused():
    with pytest.raises(ValueError, match="kernel must be at least 1"):
        ResNet1d(2, 256, n_outputs=2, sfreq=128.0, kernel=0)


def test_the_model_learns_24_windows():
    torch.manual_seed(0)
    model = ResNet1d(4, 128, 2, 128.0)
    assert is_learnt(model, *windows_of_two_rhythms(24, 4, 128), lr=1e-3)
