from __future__ import annotations

import doctest

import pytest
import torch
from learning import is_learnt, windows_of_two_rhythms
from torch import nn

from bids_dl.errors import ModelError
from bids_dl.models import deep4
from bids_dl.models.deep4 import Deep4, shortest_window


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(deep4).failed == 0


def test_at_250_hz_the_model_has_the_sizes_of_the_paper():
    model = Deep4(22, 1125, n_outputs=4, sfreq=250.0)
    assert model.filters.temporal.shape == (25, 10)
    assert model.filters.spatial.shape == (25, 25, 22)
    convolutions = [layer for layer in model.features if isinstance(layer, nn.Conv1d)]
    assert [c.weight.shape for c in convolutions] == [(50, 25, 10), (100, 50, 10), (200, 100, 10)]
    maps = model.filters(torch.zeros(1, 22, 1125))
    shapes = [tuple(maps.shape[1:])]
    for layer in model.features:
        maps = layer(maps)
        if isinstance(layer, nn.MaxPool1d | nn.Conv1d):
            shapes.append(tuple(maps.shape[1:]))
    assert shapes == [
        (25, 1116),
        (25, 372),
        *((50, 363), (50, 121)),
        *((100, 112), (100, 37)),
        *((200, 28), (200, 9)),
    ]
    counts = [250, 25, 25 * 25 * 22, 50, 12_500, 100, 50_000, 200, 200_000, 400, 1800 * 4 + 4]
    assert sum(parameter.numel() for parameter in model.parameters()) == sum(counts) == 284_479


@pytest.mark.parametrize("sfreq", [64.0, 100.0, 128.0, 160.0, 250.0, 500.0, 1000.0])
def test_at_any_rate_the_shortest_window_lasts_the_same_time_and_one_sample_less_is_refused(sfreq):
    n_times = shortest_window(sfreq)
    assert n_times / sfreq == pytest.approx(441 / 250, abs=0.1)
    model = Deep4(3, n_times, n_outputs=2, sfreq=sfreq, n_filters=2)
    assert model(torch.randn(2, 3, n_times)).shape == (2, 2)
    message = rf"at least [\d.]+ s \({n_times} samples at {sfreq:g} Hz\), got {n_times - 1} samples"
    with pytest.raises(ModelError, match=message):
        Deep4(3, n_times - 1, n_outputs=2, sfreq=sfreq)


def test_a_model_without_filters_is_refused():
    with pytest.raises(ValueError, match="n_filters must be at least 1"):
        Deep4(3, 256, n_outputs=2, sfreq=128.0, n_filters=0)


def test_the_model_learns_24_windows():
    model = Deep4(4, 256, 2, 128.0, dropout=0.0)
    assert is_learnt(model, *windows_of_two_rhythms(24, 4, 256))
