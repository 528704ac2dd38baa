"""What holds for every transform."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bids_dl.transforms import TRANSFORMS

POSITIONS = np.random.default_rng(0).normal(0, 0.1, (4, 3))
NAMES = list(TRANSFORMS)


def make(name):
    spec = TRANSFORMS[name]
    extra = {"positions": POSITIONS} if spec.needs_positions else {}
    return spec.make(4, 256, 128.0, **extra)


@pytest.mark.parametrize("name", NAMES)
def test_output_shape_is_the_shape_of_the_features(name):
    transform = make(name)
    for n_windows in (1, 3):
        features = transform(torch.randn(n_windows, 4, 256))
        assert features.shape == (n_windows, *transform.output_shape)


@pytest.mark.parametrize("name", NAMES)
def test_a_shape_is_known_without_memory(name):
    with torch.device("meta"):
        transform = make(name)
        features = transform(torch.zeros(2, 4, 256))
    assert features.shape == (2, *transform.output_shape)


@pytest.mark.parametrize("name", NAMES)
def test_features_are_float32_under_autocast_and_equal_those_without(name):
    transform = make(name)
    signals = torch.randn(2, 4, 256)
    expected = transform(signals)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(transform(signals), expected)
        assert transform(signals.bfloat16()).dtype is torch.float32


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0.0, 1000.0])
def test_flat_channels_have_finite_features_and_gradients(name, value):
    signals = torch.full((2, 4, 256), value)
    signals[1, :2] = torch.randn(2, 256)
    signals.requires_grad_()
    features = make(name)(signals)
    assert features.isfinite().all()
    features.sum().backward()
    assert signals.grad.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_a_window_does_not_depend_on_the_others_of_its_batch(name):
    transform = make(name)
    signals = torch.randn(3, 4, 256)
    expected = transform(signals[1:2])
    torch.testing.assert_close(transform(signals)[1:2], expected, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_transform_has_buffers_and_no_parameters(name):
    transform = make(name)
    assert list(transform.parameters()) == []
    assert set(transform.state_dict()) == {key for key, _ in transform.named_buffers()} != set()
