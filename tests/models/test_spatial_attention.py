from __future__ import annotations

import numpy as np
import pytest
import torch
from learning import is_learnt, windows_of_two_rhythms
from planted_montages import EFFECT, montage_of, write_planted_montage
from torch import nn

import bids_dl
from bids_dl.errors import ModelError
from bids_dl.models import build
from bids_dl.models.checkpoint import load_checkpoint
from bids_dl.models.spatial_attention import (
    SpatialAttention,
    SpatialAttentionNet,
    project_positions,
)
from bids_dl.transforms.head_map import flatten_positions
from bids_dl.transforms.topography import CENTER

N_TIMES = 128


def positions_of(template: str, n_chans: int) -> torch.Tensor:
    """Return the positions (n_chans, 3) of electrodes of a template."""
    return torch.tensor(montage_of(template, n_chans)[1], dtype=torch.float32)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    positions = positions_of("biosemi64", 24)
    return SpatialAttentionNet(24, N_TIMES, 2, 128.0, positions=positions).eval()


@pytest.fixture(scope="module")
def signals():
    return torch.randn(6, 24, N_TIMES, generator=torch.Generator().manual_seed(1))


def assert_same(first: torch.Tensor, second: torch.Tensor) -> None:
    torch.testing.assert_close(first, second, atol=1e-6, rtol=1e-5)


def test_permuting_channels_changes_no_output(model, signals):
    positions = positions_of("biosemi64", 24)
    order = torch.randperm(24, generator=torch.Generator().manual_seed(0))
    expected = model(signals)
    assert_same(model(signals[:, order], positions[order]), expected)
    batch = positions.expand(6, -1, -1)
    assert_same(model(signals[:, order], batch[:, order]), expected)


def test_padded_channels_change_nothing(model, signals):
    positions = positions_of("biosemi64", 24)
    padded = torch.cat([signals, torch.full((6, 9, N_TIMES), 100.0)], dim=1)
    places = torch.cat([positions, torch.zeros(9, 3)]).expand(6, -1, -1)
    mask = torch.ones(6, 33, dtype=torch.bool)
    mask[:, 24:] = False
    assert_same(model(padded, places, mask), model(signals))


def test_a_masked_channel_equals_a_dropped_one_and_changes_only_its_window(model, signals):
    positions = positions_of("biosemi64", 24).expand(6, -1, -1)
    mask = torch.ones(6, 24, dtype=torch.bool)
    mask[2, 5] = False
    whole = model(signals)
    masked = model(signals, positions, mask)
    others = [0, 1, 3, 4, 5]
    assert_same(masked[others], whole[others])
    assert (masked[2] - whole[2]).abs().max() > 1e-4
    kept = [channel for channel in range(24) if channel != 5]
    assert_same(masked[2:3], model(signals[2:3, kept], positions[2:3, kept]))


def test_a_channel_without_a_position_is_left_out(model, signals):
    positions = positions_of("biosemi64", 24).clone()
    positions[5] = torch.nan
    kept = [channel for channel in range(24) if channel != 5]
    expected = model(signals[:, kept], positions[kept])
    assert_same(model(signals, positions), expected)


def test_windows_without_any_channel_have_finite_outputs(model, signals):
    positions = positions_of("biosemi64", 24).expand(6, -1, -1)
    mask = torch.zeros(6, 24, dtype=torch.bool)
    assert model(signals, positions, mask).isfinite().all()


def test_weights_of_a_virtual_channel_sum_to_one(model):
    weights = model.attention.weigh(positions_of("GSN-HydroCel-129", 129))
    assert weights.shape == (32, 129)
    assert_same(weights.sum(dim=1), torch.ones(32))


def test_weights_of_one_montage_are_loaded_into_a_network_of_another(model):
    sizes = {"n_times": N_TIMES, "n_outputs": 2, "sfreq": 128.0}
    positions = positions_of("GSN-HydroCel-129", 129)
    other = build("spatial-attention", n_chans=129, positions=positions, **sizes).eval()
    other.load_state_dict(model.state_dict())
    signals = torch.randn(4, 129, N_TIMES)
    assert_same(other(signals), model(signals, positions))


@pytest.mark.parametrize("n_chans", [4, 24, 129])
def test_the_number_of_parameters_does_not_depend_on_the_channels(n_chans):
    model = SpatialAttentionNet(n_chans, 256, 2, 128.0)
    n_waves = 3 + 3 * 7
    counts = [32 * 2 * n_waves, 40 * 13 + 40, 40 * 40 * 32, 80, 2 * 40 * 26 + 2]
    assert sum(parameter.numel() for parameter in model.parameters()) == sum(counts) == 55_458


def test_the_plane_is_that_of_topographies_without_their_squeeze():
    positions = montage_of("mgh60", 24)[1]
    positions = positions[positions[:, 2] > CENTER[2] + 0.02]  # none of these is squeezed
    points = project_positions(torch.from_numpy(positions)).numpy()
    np.testing.assert_allclose(points, flatten_positions(positions, np.array(CENTER)), atol=1e-12)


def test_a_head_of_another_size_has_the_same_weights(model):
    positions = positions_of("biosemi64", 24)
    center = torch.tensor(CENTER)
    small = center + 0.8 * (positions - center)
    assert_same(model.attention.weigh(small), model.attention.weigh(positions))


def test_the_mirrored_electrodes_have_the_mirrored_basis():
    attention = SpatialAttention(1, 4)
    positions = positions_of("mgh60", 24)
    attention.set_positions(positions)
    basis = attention.basis
    attention.set_positions(positions * torch.tensor([-1.0, 1.0, 1.0]))
    for mirrored in attention.basis.T:
        is_same = (basis.T - mirrored).abs().amax(dim=1) < 1e-5
        is_opposite = (basis.T + mirrored).abs().amax(dim=1) < 1e-5
        assert (is_same | is_opposite).any()


def test_spatial_dropout_leaves_out_near_electrodes_in_training_only():
    torch.manual_seed(0)
    attention = SpatialAttention(8, 4, dropout=40.0)
    positions = positions_of("biosemi64", 64)
    is_dropped = (attention.weigh(positions) == 0).all(dim=0)
    assert 0 < is_dropped.sum() < 32
    points = project_positions(positions[is_dropped])
    assert torch.cdist(points, points).max() <= 2 * 40 / 180
    assert (attention.eval().weigh(positions) > 0).all()


def test_spatial_dropout_keeps_the_electrodes_if_all_would_be_left_out():
    attention = SpatialAttention(2, 4, dropout=170.0)
    weights = attention.weigh(positions_of("biosemi64", 3))
    assert (weights > 0).all()


def test_missing_or_wrong_positions_are_refused_in_one_line(signals):
    model = SpatialAttentionNet(24, N_TIMES, 2, 128.0)
    with pytest.raises(ModelError, match=r"built without positions; give positions to forward$"):
        model(signals)
    with pytest.raises(ModelError, match=r"positions of 20 channels for windows of 24 channels$"):
        model(signals, positions_of("biosemi64", 20))
    with pytest.raises(ModelError, match=r"shape \(24, 3\), got \(20, 3\) with 0 NaN$"):
        SpatialAttentionNet(24, N_TIMES, 2, 128.0, positions=np.zeros((20, 3)))
    with pytest.raises(ModelError, match=r"model spatial-attention: .* at least 0\.391 s"):
        SpatialAttentionNet(24, 49, 2, 128.0)


@pytest.mark.parametrize(
    "options", [{"n_virtual": 0}, {"n_harmonics": 1}, {"spatial_dropout": 180.0}]
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=f"^{next(iter(options))} must be"):
        SpatialAttentionNet(24, N_TIMES, 2, 128.0, **options)


def test_the_model_learns_24_windows():
    positions = positions_of("mgh60", 4)
    model = SpatialAttentionNet(4, N_TIMES, 2, 128.0, positions=positions, dropout=0.0)
    assert is_learnt(model, *windows_of_two_rhythms(24, 4, N_TIMES))


def test_gradients_reach_the_attention_through_batches_of_several_montages():
    model = SpatialAttentionNet(4, N_TIMES, 2, 128.0)
    positions = nn.functional.pad(positions_of("mgh60", 12), (0, 0, 0, 8)).expand(2, -1, -1)
    mask = torch.arange(20) < torch.tensor([[12], [20]])
    model(torch.randn(2, 20, N_TIMES), positions, mask).square().sum().backward()
    gradient = model.attention.coefficients.grad
    assert gradient.isfinite().all()
    assert (gradient != 0).any(dim=1).all()


@pytest.mark.slow
def test_the_model_is_within_seven_points_of_the_best_classifier_of_unseen_persons(tmp_path):
    url = write_planted_montage(tmp_path / "s.zarr", "mgh60", 24, n_persons=120, n_windows=20)
    options = {"device": "cpu", "epochs": 15, "batch_size": 32, "normalize": "none"}
    result = bids_dl.train(url, model="spatial-attention", run_dir=tmp_path / "run", **options)
    accuracy = result.metrics["windows"]["accuracy"]["value"]
    assert EFFECT.bound_windows() - 0.07 <= accuracy <= EFFECT.bound_windows() + 0.03
    model, card = load_checkpoint(tmp_path / "run" / "weights.safetensors")
    assert len(card.positions) == 24
    other = bids_dl.open_store(
        write_planted_montage(tmp_path / "other.zarr", "biosemi64", 64, n_persons=20, seed=1)
    )
    positions = torch.tensor(np.asarray(other.read("channel_position"), np.float32))
    with torch.inference_mode():
        predicted = model(torch.from_numpy(other.to_numpy()), positions).argmax(dim=1)
    is_high = (other.table["label"] == "high").to_numpy()
    assert (predicted.numpy() == is_high).mean() >= 0.7
