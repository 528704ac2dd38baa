from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from bids_dl.explanation.gradients import output_gradients
from bids_dl.explanation.randomization import (
    MAX_STEPS,
    correlate,
    correlate_cascade,
    correlate_outputs,
    list_layers,
    rank_maps,
)


def make_network(seed):
    torch.manual_seed(seed)
    layers = (nn.Flatten(), nn.Linear(24, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 3))
    return nn.Sequential(*layers).eval().requires_grad_(requires_grad=False)


@pytest.fixture
def signals():
    return torch.randn(8, 2, 12, generator=torch.Generator().manual_seed(0))


def test_layers_are_replaced_from_the_last_one_down():
    assert list_layers(make_network(0)) == [["4"], ["2"], ["1"]]


def test_deep_networks_replace_several_layers_at_once():
    groups = list_layers(nn.Sequential(*[nn.Linear(2, 2) for _ in range(34)]))
    assert len(groups) == MAX_STEPS
    assert [name for group in groups for name in group] == [str(i) for i in range(33, -1, -1)]


def test_maps_of_the_same_weights_have_a_correlation_of_one(signals):
    model = make_network(0)
    model[2].track_running_stats = False  # so that the statistics remain those of the model
    model[2].running_mean = model[2].running_var = None
    maps = rank_maps(output_gradients(model, signals).abs())
    found = correlate_cascade(model, model, signals, maps)
    assert found == pytest.approx(np.ones((3, 3)))


def test_the_last_maps_are_those_of_the_random_network(signals):
    model, control = make_network(0), make_network(1)
    maps = rank_maps(output_gradients(model, signals).abs())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = correlate_cascade(model, control, signals, maps)
    assert found.shape == (3, 3)
    assert np.abs(found[:, -1]).max() < 0.5
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_correlations_equal_those_of_scipy(signals):
    first = output_gradients(make_network(0), signals)
    second = output_gradients(make_network(1), signals)
    expected = np.mean(
        [spearmanr(a.flatten(), b.flatten())[0] for a, b in zip(first[1], second[1], strict=True)]
    )
    found = correlate(rank_maps(first), rank_maps(second))
    assert found[1] == pytest.approx(expected)


def test_opposite_outputs_have_opposite_maps(signals):
    gradient = output_gradients(make_network(0), signals)[:1]
    assert correlate_outputs(torch.cat([gradient, -gradient])) == pytest.approx([-1, -1])


def test_one_output_has_no_other_map(signals):
    assert np.isnan(correlate_outputs(torch.randn(1, 2, 3, 4))).all()
