"""Features of networks: activations before the last layer, or of a named layer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bids_dl.errors import ConfigError, ModelError
from bids_dl.models import build
from bids_dl.models.features import FeatureExtractor, find_layer

SHAPE = {"n_chans": 5, "n_times": 256, "sfreq": 128.0}


class SkippedLayer(nn.Module):
    """A network whose last layer is never used."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.last = nn.Linear(4, 2)

    def forward(self, signals: torch.Tensor) -> torch.Tensor:
        return self.first(signals)


@pytest.mark.parametrize("name", ["shallow-fbcsp", "eegnet", "band-power", "resnet1d"])
def test_the_last_layer_computes_the_outputs_from_the_features(name):
    model = build(name, n_outputs=3, **SHAPE).eval()
    signals = torch.randn(4, 5, 256)
    extractor = FeatureExtractor(model)
    head = find_layer(model, extractor.layer)
    features = extractor(signals)
    assert features.ndim == 2
    if isinstance(head, nn.Linear):
        torch.testing.assert_close(head(features), model(signals))


def test_a_named_layer_gives_its_output():
    model = build("shallow-fbcsp", n_outputs=2, **SHAPE).eval()
    signals = torch.randn(4, 5, 256)
    torch.testing.assert_close(FeatureExtractor(model, "dense")(signals), model(signals))


def test_features_have_a_gradient():
    model = build("eegnet", n_outputs=2, **SHAPE)
    FeatureExtractor(model)(torch.randn(4, 5, 256)).sum().backward()
    assert any(parameter.grad is not None for parameter in model.parameters())


def test_no_hook_is_left_on_the_model():
    model = build("eegnet", n_outputs=2, **SHAPE).eval()
    FeatureExtractor(model)(torch.randn(2, 5, 256))
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()]
    assert sum(hooks) == 0


def test_an_unknown_layer_is_refused_with_the_closest_name():
    model = build("shallow-fbcsp", n_outputs=2, **SHAPE)
    with pytest.raises(ConfigError, match="no layer 'dens', did you mean 'dense'"):
        FeatureExtractor(model, "dens")


def test_a_layer_that_is_not_used_is_refused():
    with pytest.raises(ModelError, match="layer last returns no tensor"):
        FeatureExtractor(SkippedLayer())(torch.zeros(2, 4))


def test_a_layer_without_one_row_per_window_is_refused():
    model = nn.Sequential(nn.Flatten(0), nn.Unflatten(0, (2, 12)), nn.Linear(12, 2))
    with pytest.raises(ModelError, match=r"has the shape \(24,\) for 2 windows"):
        FeatureExtractor(model, "0")(torch.zeros(2, 3, 4))
