from __future__ import annotations

import doctest

import numpy as np
import pytest
import torch
from learning import is_learnt, windows_of_two_rhythms
from people_store import window_table, write_store
from torch import nn

import bids_dl
from bids_dl.models import channelwise_resnet
from bids_dl.models.channelwise_resnet import ChannelwiseResNet
from bids_dl.models.checkpoint import load_checkpoint

N_TIMES = 96


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return ChannelwiseResNet(12, N_TIMES, 2, 128.0).eval()


@pytest.fixture(scope="module")
def signals():
    return torch.randn(6, 12, N_TIMES, generator=torch.Generator().manual_seed(1))


def assert_same(first: torch.Tensor, second: torch.Tensor) -> None:
    torch.testing.assert_close(first, second, atol=1e-6, rtol=1e-5)


def pad(signals: torch.Tensor, value: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return signals with four more channels, and their mask."""
    padded = nn.functional.pad(signals, (0, 0, 0, 4), value=value)
    return padded, (torch.arange(padded.shape[1]) < signals.shape[1]).expand(len(signals), -1)


def test_permuting_channels_changes_no_output(model, signals):
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))
    assert_same(model(signals[:, order]), model(signals))


@pytest.mark.parametrize("value", [0.0, 100.0])
def test_padded_channels_change_nothing(model, signals, value):
    padded, mask = pad(signals, value)
    assert_same(model(padded, None, mask), model(signals))
    assert_same(model(padded, None, mask[0]), model(signals))


def test_padded_channels_do_not_change_the_statistics_of_a_training(signals):
    trained = []
    for is_padded in (False, True):
        torch.manual_seed(0)
        network = ChannelwiseResNet(12, N_TIMES, 2, 128.0)
        network(*((pad(signals, 9.0)[0], None, pad(signals, 9.0)[1]) if is_padded else (signals,)))
        trained.append(network.state_dict())
    for name, values in trained[0].items():
        assert_same(trained[1][name].float(), values.float())


def test_a_masked_channel_equals_a_dropped_one_and_changes_only_its_window(model, signals):
    mask = torch.ones(6, 12, dtype=torch.bool)
    mask[2, 5] = False
    whole = model(signals)
    masked = model(signals, None, mask)
    others = [0, 1, 3, 4, 5]
    assert_same(masked[others], whole[others])
    assert not torch.equal(masked[2], whole[2])
    kept = [channel for channel in range(12) if channel != 5]
    assert_same(masked[2:3], model(signals[2:3, kept]))


def test_windows_without_any_channel_have_finite_outputs(model, signals):
    mask = torch.zeros(6, 12, dtype=torch.bool)
    assert model(signals, None, mask).isfinite().all()
    assert ChannelwiseResNet(12, N_TIMES, 2, 128.0)(signals, None, mask).isfinite().all()


def test_positions_are_ignored(model, signals):
    assert torch.equal(model(signals, torch.randn(12, 3)), model(signals))


def test_weights_of_channels_sum_to_one_and_leave_out_masked_ones(model, signals):
    mask = torch.ones(6, 12, dtype=torch.bool)
    mask[:, 3] = False
    weights = model.attention.weigh(model.encode(signals), mask)
    assert_same(weights.sum(dim=1), torch.ones(6))
    assert (weights[:, 3] == 0).all()


@pytest.mark.parametrize("n_chans", [1, 24, 129])
def test_the_number_of_parameters_does_not_depend_on_the_channels(n_chans):
    model = ChannelwiseResNet(n_chans, 256, 2, 128.0)
    first = 16 * 8 + 16 * 16 * (5 + 3) + 16 + 4 * 32
    second = 16 * 32 * 8 + 32 * 32 * (5 + 3) + 16 * 32 + 4 * 64
    third = 32 * 32 * (8 + 5 + 3) + 4 * 64
    attention = 2 * (32 * 16 + 16) + 16 + 1
    counted = sum(parameter.numel() for parameter in model.parameters())
    assert counted == first + second + third + attention + 2 * 32 + 2 == 33_155


@pytest.mark.parametrize(("sfreq", "kernels"), [(128.0, (8, 8, 8)), (1000.0, (62, 8, 8))])
def test_kernels_have_the_same_length_in_seconds_at_any_rate(sfreq, kernels):
    model = ChannelwiseResNet(2, round(sfreq), 2, sfreq)
    first = [layer for layer in model.encoder if not isinstance(layer, nn.MaxPool1d)]
    assert tuple(block.convolutions[0][1].kernel_size[0] for block in first) == kernels
    n_steps = model.encoder(torch.zeros(2, 1, round(sfreq))).shape[2]
    assert n_steps == pytest.approx(32, abs=1)


@pytest.mark.parametrize("n_times", [1, 7, 640])
def test_windows_of_any_length_are_accepted(model, n_times):
    assert model(torch.randn(2, 3, n_times)).isfinite().all()


@pytest.mark.parametrize("options", [{"n_filters": 0}, {"kernel_seconds": 0.0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=f"^{next(iter(options))} must be"):
        ChannelwiseResNet(12, N_TIMES, 2, 128.0, **options)


def test_the_model_learns_24_windows():
    torch.manual_seed(0)
    model = ChannelwiseResNet(4, 128, 2, 128.0)
    assert is_learnt(model, *windows_of_two_rhythms(24, 4, 128))


def test_the_network_of_a_run_begins_a_training_on_other_channels(tmp_path):
    options = {"epochs": 1, "batch_size": 16, "device": "cpu", "normalize": "recording"}
    table = window_table(4, splits=("train", "test"), n_windows=4)
    first = write_store(tmp_path / "first.zarr", table, n_chans=3)
    other = write_store(tmp_path / "other.zarr", table, channels=("X1", "X2"), n_chans=2)
    model = "channelwise-resnet"
    bids_dl.train(first, model=model, run_dir=tmp_path / "first", **options)
    slow = options | {"lr": 1e-12}
    bids_dl.train(other, init_from=tmp_path / "first", run_dir=tmp_path / "other", **slow)
    before, _ = load_checkpoint(tmp_path / "first" / "weights.safetensors")
    after, card = load_checkpoint(tmp_path / "other" / "weights.safetensors")
    assert (card.channels, card.channel_map) == (("X1", "X2"), ())
    for name, values in before.named_parameters():
        np.testing.assert_allclose(after.get_parameter(name).detach(), values.detach(), atol=1e-9)


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(channelwise_resnet).failed == 0
