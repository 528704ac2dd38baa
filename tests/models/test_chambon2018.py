from __future__ import annotations

import pytest
import torch
from learning import is_learnt, windows_of_two_rhythms

from bids_dl.errors import ConfigError, ModelError
from bids_dl.models import build
from bids_dl.models.chambon2018 import Chambon2018


@pytest.mark.parametrize(
    ("n_times", "sfreq", "lengths", "n_features", "n_parameters"),
    [
        (3000, 100.0, [3001, 250, 251, 20], 320, 5227),
        (3840, 128.0, [3841, 240, 241, 15], 240, 5835),
    ],
)
def test_two_derivations_need_the_parameters_and_shapes_of_the_publication(
    n_times, sfreq, lengths, n_features, n_parameters
):
    model = Chambon2018(2, n_times, n_outputs=5, sfreq=sfreq)
    assert sum(parameter.numel() for parameter in model.parameters()) == n_parameters
    assert model.dense.in_features == n_features
    maps = model.spatial(torch.zeros(1, 1, 2, n_times)).transpose(1, 2)
    shapes = []
    for layer in model.temporal:
        maps = layer(maps)
        shapes.append(tuple(maps.shape[1:]))
    convolved, pooled, convolved_again, pooled_again = lengths
    assert shapes == [
        *[(8, 2, convolved)] * 2,  # convolution and ReLU
        (8, 2, pooled),
        *[(8, 2, convolved_again)] * 2,
        (8, 2, pooled_again),
    ]


def test_a_spatial_filter_reads_all_channels_and_each_has_the_same_temporal_filters():
    torch.manual_seed(0)
    model = Chambon2018(3, 600, n_outputs=5, sfreq=100.0).eval()
    with torch.no_grad():
        model.spatial.weight.copy_(torch.eye(3).view(3, 1, 3, 1))
        model.spatial.bias.zero_()
    signals = torch.randn(1, 1, 600).expand(1, 3, 600)
    maps = model.temporal(model.spatial(signals.unsqueeze(1)).transpose(1, 2))
    torch.testing.assert_close(maps, maps[:, :, :1].expand_as(maps))


@pytest.mark.parametrize(("sfreq", "shortest"), [(100.0, 131), (128.0, 239)])
def test_too_short_windows_are_refused_with_the_shortest_accepted_length(sfreq, shortest):
    seconds = rf"{shortest / sfreq:.3g} s \({shortest} samples at {sfreq:g} Hz\)"
    with pytest.raises(ModelError, match=rf"at least {seconds}, got {shortest - 1} samples"):
        Chambon2018(2, shortest - 1, n_outputs=5, sfreq=sfreq)
    model = Chambon2018(2, shortest, n_outputs=5, sfreq=sfreq)
    assert model(torch.randn(3, 2, shortest)).shape == (3, 5)


def test_a_rate_without_a_sample_to_pool_and_a_model_without_filters_are_refused():
    with pytest.raises(ModelError, match="a rate of at least 8 Hz, got 7 Hz"):
        Chambon2018(2, 3000, n_outputs=5, sfreq=7.0)
    with pytest.raises(ValueError, match="n_filters must be at least 1"):
        Chambon2018(2, 3000, n_outputs=5, sfreq=100.0, n_filters=0)


def test_channels_of_emg_have_filters_of_their_own_and_change_no_feature_of_the_others():
    sizes = {"n_times": 3000, "n_outputs": 5, "sfreq": 100.0}
    one_stack = Chambon2018(2, **sizes)
    model = Chambon2018(3, n_emg=1, **sizes)
    names = list(model.state_dict())
    assert [name for name in names if not name.startswith("emg_")] == list(one_stack.state_dict())
    assert model.emg_spatial.weight.shape == (1, 1, 1, 1)
    n_stack = sum(parameter.numel() for parameter in model.temporal.parameters())
    # one spatial weight and bias, a stack, and 8 filters x 20 samples for 5 outputs
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    assert n_parameters == 5227 + 2 + n_stack + 160 * 5
    model.load_state_dict(one_stack.state_dict() | emg_and_dense_of(model))
    with torch.no_grad():
        model.dense.weight[:, 320:] = 0
        model.dense.weight[:, :320] = one_stack.dense.weight
        model.dense.bias.copy_(one_stack.dense.bias)
    signals = torch.randn(2, 3, 3000)
    torch.testing.assert_close(model.eval()(signals), one_stack.eval()(signals[:, :2]))


def emg_and_dense_of(model: Chambon2018) -> dict[str, torch.Tensor]:
    state = model.state_dict()
    return {name: state[name] for name in state if name.startswith(("emg_", "dense"))}


def test_emg_without_a_channel_of_eeg_is_refused_with_the_range():
    with pytest.raises(ConfigError, match=r"n_emg=2: n_emg must be from 0 to 1 for 2 channels"):
        build("chambon2018", n_chans=2, n_times=3000, n_outputs=5, sfreq=100.0, n_emg=2)
    model = build("chambon2018", n_chans=4, n_times=3000, n_outputs=5, sfreq=100.0, n_emg=2)
    assert model(torch.randn(2, 4, 3000)).shape == (2, 5)


def test_the_model_learns_24_windows():
    torch.manual_seed(0)
    model = Chambon2018(4, 1280, 2, 128.0, dropout=0.0)
    assert is_learnt(model, *windows_of_two_rhythms(24, 4, 1280), lr=1e-3)
