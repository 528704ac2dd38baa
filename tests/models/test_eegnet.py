from __future__ import annotations

import pytest
import torch
from learning import is_learnt, windows_of_two_rhythms
from torch import nn

from bids_dl.errors import ModelError
from bids_dl.models.eegnet import EEGNet


@pytest.mark.parametrize(
    ("n_times", "filters", "counts"),
    [
        # temporal, batch norm, spatial, batch norm, two of the separable, batch norm, dense
        (128, (8, 2, 16), [512, 16, 1024, 32, 256, 256, 32, 4 * 16 * 2 + 2]),
        (192, (8, 2, 16), [512, 16, 1024, 32, 256, 256, 32, 6 * 16 * 2 + 2]),
        (128, (4, 2, 8), [256, 8, 512, 16, 128, 64, 16, 4 * 8 * 2 + 2]),
    ],
)
def test_64_channels_at_128_hz_need_the_parameters_of_the_published_layers(
    n_times, filters, counts
):
    f1, d, f2 = filters
    model = EEGNet(64, n_times, n_outputs=2, sfreq=128.0, f1=f1, d=d, f2=f2)
    assert sum(parameter.numel() for parameter in model.parameters()) == sum(counts)


def test_at_128_hz_lengths_are_those_of_the_paper():
    model = EEGNet(64, 128, n_outputs=2, sfreq=128.0)
    kernels = [layer.kernel_size for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    pools = [layer.kernel_size for layer in model.modules() if isinstance(layer, nn.AvgPool2d)]
    assert kernels == [(1, 64), (1, 16), (1, 1)]
    assert pools == [(1, 4), (1, 8)]
    assert model.temporal(torch.zeros(1, 1, 64, 128)).shape == (1, 8, 64, 128)


@pytest.mark.parametrize("sfreq", [64.0, 100.0, 160.0, 250.0, 1000.0])
def test_at_any_rate_a_window_has_the_same_features_within_one(sfreq):
    model = EEGNet(3, round(2 * sfreq), n_outputs=1, sfreq=sfreq)
    assert abs(model.dense.in_features // 16 - 8) <= 1
    assert model(torch.randn(2, 3, round(2 * sfreq))).shape == (2, 1)


def test_too_short_windows_are_refused_with_the_shortest_accepted_length():
    with pytest.raises(
        ModelError, match=r"at least 0\.25 s \(32 samples at 128 Hz\), got 31 samples"
    ):
        EEGNet(3, 31, n_outputs=2, sfreq=128.0)
    assert EEGNet(3, 32, n_outputs=2, sfreq=128.0)(torch.randn(2, 3, 32)).shape == (2, 2)


def test_weights_have_the_largest_norms_of_the_paper():
    model = EEGNet(8, 128, n_outputs=3, sfreq=128.0)
    with torch.no_grad():
        model.spatial.mul_(100)
        model.dense.weight.mul_(100)
    signals = torch.randn(4, 8, 128)
    in_evaluation = model.eval()(signals)
    assert model.spatial.flatten(1).norm(dim=1).min() > 1
    model.train()(signals)
    torch.testing.assert_close(model.spatial.flatten(1).norm(dim=1), torch.ones(16))
    torch.testing.assert_close(model.dense.weight.norm(dim=1), torch.full((3,), 0.25))
    for norm in (module for module in model.modules() if isinstance(module, nn.BatchNorm2d)):
        norm.reset_running_stats()
    torch.testing.assert_close(model.eval()(signals), in_evaluation)


def test_weights_within_their_norm_are_kept():
    model = EEGNet(8, 128, n_outputs=3, sfreq=128.0)
    with torch.no_grad():
        model.spatial.mul_(0.01)
    expected = model.spatial.clone()
    model(torch.randn(4, 8, 128))
    assert torch.equal(model.spatial, expected)


def test_the_model_learns_24_windows():
    model = EEGNet(4, 128, 2, 128.0, dropout=0.0)
    assert is_learnt(model, *windows_of_two_rhythms(24, 4, 128))
