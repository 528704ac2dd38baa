from __future__ import annotations

import inspect

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from bids_dl.errors import ConfigError, ModelError
from bids_dl.models import MODELS, build, check_shape
from bids_dl.models.shallow_fbcsp import SpatioTemporal

SAMPLE = {"n_chans": 24, "n_times": 256, "n_outputs": 2, "sfreq": 128.0}


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_model_turns_windows_into_one_row_of_logits_each(name):
    logits = build(name, **SAMPLE | {"n_outputs": 3})(torch.randn(5, 24, 256))
    assert logits.shape == (5, 3)
    assert logits.isfinite().all()


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_parameter_of_a_model_is_trained(name):
    model = build(name, **SAMPLE)
    model(torch.randn(4, 24, 256)).square().sum().backward()
    assert all(
        p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters() if p.ndim > 1
    )


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_same_seed_gives_the_same_weights(name):
    models = []
    for _ in range(2):
        torch.manual_seed(7)
        models.append(build(name, **SAMPLE))
    assert all(
        torch.equal(a, b) for a, b in zip(*(m.state_dict().values() for m in models), strict=True)
    )


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_registry_names_the_source_and_the_options_of_a_model(name):
    spec = MODELS[name]
    assert spec.name == name
    assert spec.source
    assert spec.summary
    assert spec.options == {
        p.name: p.default
        for p in inspect.signature(spec.make).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    }


def test_r_scnn_has_1900_features_and_the_published_layers():
    model = build("r-scnn", **SAMPLE)
    assert model.features(torch.zeros(1, 1, 24, 256)).shape == (1, 1900)
    convolutions = [
        (c.out_channels, c.kernel_size) for c in model.modules() if isinstance(c, nn.Conv2d)
    ]
    assert convolutions == [
        (100, (3, 3)),
        (100, (3, 3)),
        (300, (2, 3)),
        (300, (1, 7)),
        (100, (1, 3)),
        (100, (1, 3)),
    ]
    order = ["Conv2d", "ReLU", "MaxPool2d", "Dropout"] * 4 + ["Conv2d", "ReLU"] * 2
    assert [type(layer).__name__ for layer in model.features] == [*order, "Flatten"]
    assert [layer.p for layer in model.modules() if isinstance(layer, nn.Dropout)] == [0.25] * 4
    assert [layer.stride for layer in model.modules() if isinstance(layer, nn.MaxPool2d)] == [
        2,
        2,
        2,
        1,
    ]
    assert [
        (d.in_features, d.out_features) for d in model.modules() if isinstance(d, nn.Linear)
    ] == [(1900, 6144), (6144, 2)]


@given(
    n_chans=st.integers(1, 130),
    sfreq=st.sampled_from([64.0, 100.0, 128.0, 160.0, 250.0, 333.3, 500.0, 1000.0]),
    seconds=st.floats(0.5, 4.0),
)
@settings(max_examples=25, deadline=None)
def test_shallow_fbcsp_fits_any_montage_rate_and_window(n_chans, sfreq, seconds):
    n_times = round(sfreq * seconds)
    model = build(
        "shallow-fbcsp", n_chans=n_chans, n_times=n_times, n_outputs=4, sfreq=sfreq, n_filters=4
    )
    assert model(torch.randn(2, n_chans, n_times)).shape == (2, 4)


def test_shallow_fbcsp_at_250_hz_has_the_sizes_of_the_paper():
    model = build("shallow-fbcsp", n_chans=44, n_times=1125, n_outputs=4, sfreq=250.0)
    assert model.filters.temporal.shape == (40, 25)
    assert model.filters.spatial.shape == (40, 40, 44)
    assert (model.pool.kernel_size, model.pool.stride) == ((75,), (15,))
    assert model.dense.in_features == 40 * 69


def test_the_filters_equal_a_temporal_convolution_followed_by_a_spatial_one():
    torch.manual_seed(0)
    filters = SpatioTemporal(6, 5, 9).double()
    nn.init.normal_(filters.temporal_bias)
    temporal, spatial = (
        nn.Conv2d(1, 5, (1, 9)).double(),
        nn.Conv2d(5, 5, (6, 1), bias=False).double(),
    )
    temporal.weight.data = filters.temporal.data.reshape(5, 1, 1, 9)
    temporal.bias.data = filters.temporal_bias.data
    spatial.weight.data = filters.spatial.data.reshape(5, 5, 6, 1)
    signals = torch.randn(3, 6, 40, dtype=torch.float64)
    torch.testing.assert_close(filters(signals), spatial(temporal(signals[:, None])).squeeze(2))


def test_windows_that_do_not_fit_are_refused_with_both_shapes():
    message = r"model r-scnn wants windows of \(24, 256\), eyes\.zarr has \(64, 256\)"
    with pytest.raises(ModelError, match=message):
        check_shape("r-scnn", (64, 256), "eyes.zarr")
    with pytest.raises(ModelError, match=r"the input has \(24, 250\)"):
        build("r-scnn", **SAMPLE | {"n_times": 250})


def test_windows_too_short_to_pool_are_refused_with_the_shortest_that_fit():
    with pytest.raises(ModelError, match=r"at least 50 samples at 128 Hz, got 49"):
        build("shallow-fbcsp", **SAMPLE | {"n_times": 49})
    assert build("shallow-fbcsp", **SAMPLE | {"n_times": 50})(torch.randn(2, 24, 50)).shape == (
        2,
        2,
    )


def test_an_unknown_model_names_the_closest_and_all_there_are():
    with pytest.raises(
        ConfigError,
        match=r"no model 'shalow-fbcsp', did you mean 'shallow-fbcsp'\?; there are shallow-fbcsp, r-scnn",
    ):
        build("shalow-fbcsp", **SAMPLE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"drop_out": 0.1},
            r"no option 'drop_out', did you mean 'dropout'\?; it has n_filters, dropout",
        ),
        (
            {"dropout": 1.5},
            r"cannot be built with dropout=1\.5: dropout probability has to be between 0 and 1",
        ),
        ({"n_filters": "many"}, r"cannot be built with n_filters='many'"),
        ({"n_filters": -1}, r"cannot be built with n_filters=-1"),
    ],
)
def test_a_wrong_option_is_refused_with_its_value(options, message):
    with pytest.raises(ConfigError, match=message):
        build("shallow-fbcsp", **SAMPLE, **options)
