from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from bids_dl.errors import ModelError
from bids_dl.models.shallow_fbcsp import ShallowFBCSP, SpatioTemporal


@given(
    n_chans=st.integers(1, 130),
    sfreq=st.sampled_from([64.0, 100.0, 128.0, 160.0, 250.0, 333.3, 500.0, 1000.0]),
    seconds=st.floats(0.5, 4.0),
)
@settings(max_examples=25)
def test_the_model_accepts_any_montage_rate_and_window(n_chans, sfreq, seconds):
    n_times = round(sfreq * seconds)
    model = ShallowFBCSP(n_chans, n_times, n_outputs=4, sfreq=sfreq, n_filters=4)
    assert model(torch.randn(2, n_chans, n_times)).shape == (2, 4)


def test_at_250_hz_the_model_has_the_sizes_of_the_paper():
    model = ShallowFBCSP(44, 1125, n_outputs=4, sfreq=250.0)
    assert model.filters.temporal.shape == (40, 25)
    assert model.filters.spatial.shape == (40, 40, 44)
    assert (model.pool.kernel_size, model.pool.stride) == ((75,), (15,))
    assert model.dense.in_features == 40 * 69


def test_the_filters_equal_a_temporal_convolution_followed_by_a_spatial_one():
    torch.manual_seed(0)
    filters = SpatioTemporal(6, 5, 9).double()
    nn.init.normal_(filters.temporal_bias)
    temporal = nn.Conv2d(1, 5, (1, 9)).double()
    spatial = nn.Conv2d(5, 5, (6, 1), bias=False).double()
    temporal.weight.data = filters.temporal.data.reshape(5, 1, 1, 9)
    temporal.bias.data = filters.temporal_bias.data
    spatial.weight.data = filters.spatial.data.reshape(5, 5, 6, 1)
    signals = torch.randn(3, 6, 40, dtype=torch.float64)
    torch.testing.assert_close(filters(signals), spatial(temporal(signals[:, None])).squeeze(2))


def test_windows_too_short_to_pool_are_refused_with_the_shortest_accepted_length():
    with pytest.raises(ModelError, match=r"0\.391 s \(50 samples at 128 Hz\), got 49 s"):
        ShallowFBCSP(24, 49, n_outputs=2, sfreq=128.0)
    model = ShallowFBCSP(24, 50, n_outputs=2, sfreq=128.0)
    assert model(torch.randn(2, 24, 50)).shape == (2, 2)
