from __future__ import annotations

import pytest
import torch
from torch import nn

from bids_dl.errors import ModelError
from bids_dl.explanation.gradients import (
    find_transform,
    mean_path_gradients,
    output_gradients,
    transform_gradients,
)
from bids_dl.models import build

SHAPE = {"n_chans": 4, "n_times": 256, "n_outputs": 2, "sfreq": 128.0}


class Quadratic(nn.Module):
    """Outputs x'Ax and the sum of cubes, of flattened signals x."""

    def __init__(self, n: int) -> None:
        super().__init__()
        weight = torch.randn(n, n, generator=torch.Generator().manual_seed(0))
        self.weight = nn.Parameter(weight + weight.T)

    def forward(self, signals):
        flat = signals.flatten(1)
        quadratic = torch.einsum("bi,ij,bj->b", flat, self.weight, flat)
        return torch.stack([quadratic, flat.pow(3).sum(dim=1)], dim=1)


class Detached(nn.Module):
    def forward(self, signals):
        return signals.detach().mean(dim=2)[:, :2]


class Constant(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(2))

    def forward(self, signals):
        return self.bias.expand(len(signals), 2)


class RootOfZero(nn.Module):
    def forward(self, signals):
        return (signals * 0).sum(dim=2).sqrt()[:, :2]


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(2, 2, batch_first=True)

    def forward(self, signals):
        return self.lstm(signals.transpose(1, 2))[0][:, -1]


def test_the_gradient_of_a_quadratic_form_is_exact():
    model, signals = Quadratic(6).eval(), torch.randn(5, 2, 3)
    gradients = output_gradients(model, signals)
    expected = 2 * signals.flatten(1) @ model.weight
    torch.testing.assert_close(gradients[0].flatten(1), expected.detach())
    torch.testing.assert_close(gradients[1], 3 * signals.square())
    assert not signals.requires_grad


def test_integrated_gradients_of_polynomials_are_exact():
    model, signals, baseline = Quadratic(6).eval(), torch.randn(5, 2, 3), torch.randn(2, 3)
    difference = signals - baseline
    attributions = mean_path_gradients(model, signals, baseline, n_steps=4) * difference
    with torch.no_grad():
        change = model(signals) - model(baseline[None])
    torch.testing.assert_close(attributions.sum(dim=(2, 3)).T, change, rtol=1e-4, atol=1e-4)
    mean_square = (signals**2 + signals * baseline + baseline**2) / 3
    torch.testing.assert_close(attributions[1], 3 * mean_square * difference)


@pytest.mark.parametrize("name", ["shallow-fbcsp", "eegnet", "band-power"])
def test_integrated_gradients_equal_those_of_captum(name):
    captum = pytest.importorskip("captum.attr")
    torch.manual_seed(0)
    model = build(name, **SHAPE).double().eval()
    signals, baseline = torch.randn(3, 4, 256).double(), torch.randn(4, 256).double() / 10
    if name == "band-power":
        model.float()
        nn.init.normal_(model.dense.weight)
        signals, baseline = signals.float(), baseline.float()
    mean = mean_path_gradients(model, signals, baseline, n_steps=32)
    for output in range(2):
        expected = captum.IntegratedGradients(model).attribute(
            signals, baseline[None], target=output, n_steps=32
        )
        found = mean[output] * (signals - baseline)
        scale = expected.abs().max().item()
        torch.testing.assert_close(found.double(), expected.double(), rtol=0, atol=1e-6 * scale)


@pytest.mark.parametrize("model", [Detached(), Constant()])
def test_a_model_that_is_not_differentiable_is_refused(model):
    with pytest.raises(ModelError, match=f"{type(model).__name__}: no gradient of its outputs"):
        output_gradients(model, torch.randn(3, 2, 8))


def test_a_gradient_that_is_not_finite_is_refused():
    with pytest.raises(ModelError, match="gradient of output 0 is NaN or infinite for 3 of 3"):
        output_gradients(RootOfZero(), torch.randn(3, 2, 8))


def test_a_recurrent_network_has_gradients_in_evaluation_mode():
    gradients = output_gradients(Recurrent().eval(), torch.randn(3, 2, 8))
    assert gradients.shape == (2, 3, 2, 8)


def test_gradients_are_known_inside_a_context_without_gradients():
    with torch.no_grad():
        assert output_gradients(Quadratic(6), torch.ones(1, 2, 3))[1].max() == 3


def test_the_gradient_at_a_transform_has_the_shape_of_its_result():
    model = build("c2f", **SHAPE, size="small").eval()
    name, layer = find_transform(model)
    assert name == "spectrogram-image"
    gradients = transform_gradients(model, layer, torch.randn(2, 4, 256))
    assert gradients.shape == (2, 2, *layer.output_shape)
    assert gradients.abs().sum() > 0


def test_a_model_of_signals_has_no_transform():
    assert find_transform(build("shallow-fbcsp", **SHAPE)) is None
