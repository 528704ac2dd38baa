from __future__ import annotations

import torch
from torch import nn

from bids_dl.explanation.controls import build_control, estimate_statistics
from bids_dl.models.checkpoint import ModelCard
from bids_dl.models.target import TargetSpec

TARGET = TargetSpec("label", "classes", ("label",), ("a", "b"))


def card(model):
    return ModelCard(model, ("C3", "C4"), 256, 128.0, TARGET)


def test_a_control_depends_on_its_seed_only():
    signals = torch.randn(4, 2, 256)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first, again, other = (build_control(card("shallow-fbcsp"), seed) for seed in (1, 1, 2))
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(first(signals), again(signals))
    assert not torch.allclose(first(signals), other(signals))
    assert not first.training


def test_weights_that_begin_as_zeros_are_drawn():
    outputs = build_control(card("band-power"), 0)(torch.randn(4, 2, 256))
    assert outputs.std() > 0.1


def test_statistics_of_batch_norm_are_those_of_the_windows():
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout(0.9)).eval()
    batches = [torch.randn(8, 2, 50) * 3 + 7 for _ in range(2)]
    momentum = model[0].momentum
    estimate_statistics(model, batches)
    means = torch.stack([batch.mean(dim=(0, 2)) for batch in batches]).mean(dim=0)
    torch.testing.assert_close(model[0].running_mean, means)
    assert model[0].momentum == momentum
    assert not any(layer.training for layer in model.modules())


def test_batches_of_one_window_change_nothing():
    model = nn.BatchNorm1d(2).eval()
    estimate_statistics(model, [torch.ones(1, 2)])
    assert model.running_mean.tolist() == [0, 0]
