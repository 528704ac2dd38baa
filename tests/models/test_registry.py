from __future__ import annotations

import doctest
import inspect

import numpy as np
import pytest
import torch
from torch import nn

from bids_dl.errors import ConfigError, ModelError
from bids_dl.models import MODELS, ModelSpec, build, check_shape, registry
from bids_dl.models.shallow_fbcsp import ShallowFBCSP

SAMPLE = {"n_chans": 24, "n_times": 256, "n_outputs": 2, "sfreq": 128.0}


def build_example(name: str, n_outputs: int = 2) -> nn.Module:
    """Build a model for the windows of its specification."""
    n_chans, n_times, sfreq = MODELS[name].example
    angles = np.linspace(0, np.pi, n_chans)
    positions = np.stack([0.09 * np.cos(angles), 0.09 * np.sin(angles), np.zeros(n_chans)], axis=1)
    sizes = {"n_chans": n_chans, "n_times": n_times, "n_outputs": n_outputs, "sfreq": sfreq}
    return build(name, **sizes, positions=positions)


def draw_windows(name: str, n_windows: int) -> torch.Tensor:
    """Draw windows of the size of the specification of a model."""
    n_chans, n_times, _ = MODELS[name].example
    return torch.randn(n_windows, n_chans, n_times)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_model_returns_one_row_of_logits_per_window(name):
    logits = build_example(name, n_outputs=3)(draw_windows(name, 5))
    assert logits.shape == (5, 3)
    assert logits.isfinite().all()


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_weight_of_a_model_has_a_gradient(name):
    model = build_example(name)
    (model(draw_windows(name, 4)) - 1).square().sum().backward()
    for parameter in model.parameters():
        if parameter.ndim > 1:
            assert parameter.grad is not None
            assert parameter.grad.abs().sum() > 0


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_model_returns_finite_outputs_of_flat_channels(name):
    model = build_example(name, n_outputs=1)
    windows = torch.zeros_like(draw_windows(name, 4))
    for _ in range(2):
        outputs = model(windows)
        assert outputs.shape == (4, 1)
        assert outputs.isfinite().all()
        model.eval()


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_model_computes_in_bfloat16(name):
    model = build_example(name)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = model(draw_windows(name, 4))
        (outputs.float() - 1).square().sum().backward()
    assert outputs.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_same_seed_gives_the_same_weights(name):
    weights = []
    for _ in range(2):
        torch.manual_seed(7)
        weights.append(build_example(name).state_dict())
    assert all(torch.equal(tensor, weights[1][key]) for key, tensor in weights[0].items())


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_row_of_the_registry_has_the_source_and_the_options_of_its_model(name):
    spec = MODELS[name]
    assert spec.name == name
    assert spec.source
    assert spec.summary
    parameters = inspect.signature(spec.make).parameters.values()
    keyword_only = [p for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "positions"]
    assert spec.options == {p.name: p.default for p in keyword_only}


def test_windows_that_do_not_fit_are_refused_with_both_shapes():
    message = r"model r-scnn expects windows of \(24, 256\), eyes\.zarr has \(64, 256\)"
    with pytest.raises(ModelError, match=message):
        check_shape("r-scnn", (64, 256), "eyes.zarr")
    with pytest.raises(ModelError, match=r"the input has \(24, 250\)"):
        build("r-scnn", **SAMPLE | {"n_times": 250})


class MeanOverChannels(nn.Module):
    """A model that forgets the dimension of the outputs."""

    def __init__(self, n_chans: int, n_times: int, n_outputs: int, sfreq: float) -> None:
        super().__init__()
        del n_times, sfreq
        self.kernel = nn.Conv1d(n_chans, n_outputs, 100)

    def forward(self, signals: torch.Tensor) -> torch.Tensor:
        return self.kernel(signals).mean(dim=(1, 2))


def test_a_model_whose_outputs_have_another_shape_or_fail_is_refused(monkeypatch):
    spec = ModelSpec("mean", "mean", "none", None, MeanOverChannels)
    monkeypatch.setitem(MODELS, "mean", spec)
    with pytest.raises(
        ModelError,
        match=r"model mean returns \(2,\) for two windows of \(24, 256\) .* expected \(2, 2\)",
    ):
        build("mean", **SAMPLE)
    with pytest.raises(
        ModelError,
        match=r"model mean does not accept windows of \(24, 50\) at 128 Hz: .*[Kk]ernel size",
    ):
        build("mean", **SAMPLE | {"n_times": 50})


class Topography(nn.Module):
    """A model that needs the positions of the channels."""

    def __init__(self, n_chans, n_times, n_outputs, sfreq, *, positions) -> None:
        super().__init__()
        del n_chans, n_times, sfreq
        self.register_buffer("positions", torch.as_tensor(positions, dtype=torch.float32))
        self.dense = nn.Linear(3, n_outputs)

    def forward(self, signals: torch.Tensor) -> torch.Tensor:
        return self.dense(signals.mean(dim=2) @ self.positions)


def test_channels_without_a_position_are_named_if_a_model_needs_them(monkeypatch):
    spec = ModelSpec("topography", "map", "none", None, Topography, needs_positions=True)
    monkeypatch.setitem(MODELS, "topography", spec)
    assert spec.options == {}
    sizes = SAMPLE | {"n_chans": 3, "ch_names": ("Fz", "Cz", "X1")}
    positions = np.array([[0, 0.1, 0], [0, 0, 0.1], [np.nan] * 3])
    with pytest.raises(ModelError, match="needs the positions of all channels, unknown are X1;"):
        build("topography", **sizes, positions=positions)
    with pytest.raises(ModelError, match="unknown are Fz, Cz, X1;"):
        build("topography", **sizes)
    with pytest.raises(ModelError, match=r"expects positions of shape \(3, 3\), got \(2, 3\)"):
        build("topography", **sizes, positions=positions[:2])
    model = build("topography", **sizes, positions=np.nan_to_num(positions))
    assert torch.equal(model.positions[0], torch.tensor([0, 0.1, 0]))


def test_the_check_of_the_shapes_draws_no_random_numbers():
    torch.manual_seed(0)
    expected = ShallowFBCSP(24, 256, 2, 128.0).state_dict()
    torch.manual_seed(0)
    weights = build("shallow-fbcsp", **SAMPLE).state_dict()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


def test_an_unknown_model_is_refused_with_the_closest_and_all_available():
    message = (
        r"unknown model 'shalow-fbcsp', did you mean 'shallow-fbcsp'\?; "
        "available: shallow-fbcsp, eegnet, deep4, r-scnn"
    )
    with pytest.raises(ConfigError, match=message):
        build("shalow-fbcsp", **SAMPLE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"drop_out": 0.1},
            r"no option 'drop_out', did you mean 'dropout'\?; available: n_filters, dropout",
        ),
        (
            {"dropout": 1.5},
            r"cannot be built with dropout=1\.5: dropout probability has to be between 0 and 1",
        ),
        ({"n_filters": "many"}, r"option n_filters 'many': expected an integer, such as 40"),
        ({"n_filters": -1}, r"cannot be built with n_filters=-1"),
    ],
)
def test_an_unsuitable_option_is_refused_with_its_value(options, message):
    with pytest.raises(ConfigError, match=message):
        build("shallow-fbcsp", **SAMPLE, **options)


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(registry, extraglobs={"torch": torch}).failed == 0
